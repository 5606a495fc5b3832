"""CenterFace: faces of every size on drawn photos, its settings, and nothing where nobody is."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import pytest

from faceid_core.engine import sessions
from faceid_core.media import images
from faceid_core.sample import Album, draw_album
from faceid_core.settings import Settings
from faceid_core.values import Box, Image
from faceid_core.vision.centerface import CenterFaceDetector
from faceid_core.vision.detector import scaled

Size = Literal["fast", "normal", "every"]


def detector(settings: Settings, smallest_face: Size = "normal", side_px: int = 1600) -> CenterFaceDetector:
    changes = {"detector": "centerface", "smallest_face": smallest_face, "detection_side_px": side_px}
    return CenterFaceDetector(settings.model_copy(update=changes), threads=1)


def read(album: Album, name: str) -> Image:
    return images.read(album.folder / name, max_megapixels=50).pixels


def portrait(album: Album) -> tuple[Image, Box]:
    """A photo of one person, and the face's box."""
    name = next(name for name, faces in album.photos.items() if len(faces) == 1)
    return read(album, name), album.photos[name][0].box


def head(album: Album, face_px: int, margin: float = 0.6) -> tuple[Image, Box]:
    """The portrait's face with that share of its size around it, `face_px` high, and its box."""
    photo, box = portrait(album)
    grow = margin * box.height
    left, top = round(max(box.left - grow, 0)), round(max(box.top - grow, 0))
    crop = np.ascontiguousarray(photo[top : round(box.bottom + grow), left : round(box.right + grow)])
    factor = face_px / box.height
    inside = Box(box.left - left, box.top - top, box.right - left, box.bottom - top)
    return scaled(crop, factor), inside.scaled(factor)


def crowd(
    album: Album, size: tuple[int, int], face_px: int, places: list[tuple[int, int]]
) -> tuple[Image, list[Box]]:
    """A grey photo (width, height) with the same small head at each place (left, top)."""
    small, box = head(album, face_px)
    photo = np.full((size[1], size[0], 3), 150, np.uint8)
    for left, top in places:
        photo[top : top + small.shape[0], left : left + small.shape[1]] = small
    return photo, [Box(box.left + x, box.top + y, box.right + x, box.bottom + y) for x, y in places]


def hits(found: list[Box], truth: list[Box]) -> int:
    return sum(any(box.iou(true) > 0.4 for box in found) for true in truth)


def boxes(found_by: CenterFaceDetector, photo: Image) -> list[Box]:
    return [face.box for face in found_by.detect(photo)]


def test_it_finds_the_drawn_faces_and_nothing_else(album: Album, engine_settings: Settings) -> None:
    name = max(album.photos, key=lambda name: len(album.photos[name]))
    truth = [face.box for face in album.photos[name]]
    found = boxes(detector(engine_settings), read(album, name))
    assert hits(found, truth) == len(truth) == len(found) >= 3


def test_boxes_are_dlibs_squares_and_landmarks_lie_in_them(album: Album, engine_settings: Settings) -> None:
    photo, truth = portrait(album)
    (face,) = detector(engine_settings).detect(photo)
    assert face.box.width == pytest.approx(face.box.height)
    assert face.box.iou(truth) > 0.4
    assert face.landmarks.shape == (5, 2)
    x, y = face.landmarks.T
    assert ((x > face.box.left) & (x < face.box.right) & (y > face.box.top) & (y < face.box.bottom)).all()


def test_its_own_points_are_eyes_nose_and_mouth_from_left_to_right(album: Album, engine_settings: Settings) -> None:
    photo, _ = portrait(album)
    (face,) = detector(engine_settings).faces(photo)
    left_eye, right_eye, nose, left_mouth, right_mouth = face[5:].reshape(5, 2)
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


@pytest.mark.parametrize(("smallest_face", "sees"), [("fast", False), ("normal", True), ("every", True)])
def test_small_faces_want_a_closer_look(
    smallest_face: Size, sees: bool, album: Album, engine_settings: Settings
) -> None:
    """14 pixels high of 1600, thus 6 in the overview of 640."""
    photo, truth = crowd(album, (1600, 400), 14, [(300, 180), (420, 180), (540, 180)])
    found = boxes(detector(engine_settings, smallest_face), photo)
    assert (hits(found, truth) == len(truth)) is sees


@pytest.mark.parametrize("smallest_face", ["fast", "normal", "every"])
def test_every_setting_finds_a_face_of_ordinary_size(
    smallest_face: Size, album: Album, engine_settings: Settings
) -> None:
    photo, truth = portrait(album)
    found = boxes(detector(engine_settings, smallest_face, 800), photo)
    assert hits(found, [truth]) == len(found) == 1


def test_every_searches_at_twice_the_size(engine_settings: Settings) -> None:
    normal, every = (detector(engine_settings, size).factor(4000, 3000) for size in ("normal", "every"))
    assert every == 2 * normal


@pytest.mark.parametrize("side_px", [500, 1600])
def test_a_face_that_fills_the_photo_is_found_once(side_px: int, album: Album, engine_settings: Settings) -> None:
    close_up, truth = head(album, 300, margin=0.15)
    close_up = scaled(close_up, side_px / max(close_up.shape[:2]))
    truth = truth.scaled(close_up.shape[0] / head(album, 300, margin=0.15)[0].shape[0])
    found = boxes(detector(engine_settings), close_up)
    assert hits(found, [truth]) == len(found) == 1


@pytest.mark.slow
def test_faces_that_reach_beyond_the_photo_are_found(shared_data: Path, engine_settings: Settings) -> None:
    """Real faces, cut off a tenth inside their boxes: drawn ones show too little without hair and chin."""
    found_by = detector(engine_settings)
    for path in sorted((shared_data / "family").glob("Family?-[DMLS]*.jpg"))[:6]:
        photo = images.read(path).pixels
        box = boxes(found_by, photo)[0]
        inside = 0.1 * box.height
        rows, columns = ((round(first + inside), round(last - inside)) for first, last in
                         ((box.top, box.bottom), (box.left, box.right)))  # fmt: skip
        cut = scaled(np.ascontiguousarray(photo[slice(*rows), slice(*columns)]), 1000 / (rows[1] - rows[0]))
        assert max(box.height for box in boxes(found_by, cut)) > 500, path.name


def test_a_panorama_is_searched_in_more_pixels(album: Album, engine_settings: Settings) -> None:
    """At 1600 pixels in all the faces would be 10 high; those on the borders of pieces are found once."""
    places = [(left, 150) for left in range(100, 5600, 900)]
    photo, truth = crowd(album, (6000, 600), 40, places)
    found = boxes(detector(engine_settings), photo)
    assert hits(found, truth) == len(truth) == len(found)


@pytest.mark.slow
def test_drawn_things_without_people_hold_no_face(engine_settings: Settings) -> None:
    photo = np.full((600, 800, 3), (120, 170, 220), np.uint8)
    cv2.rectangle(photo, (200, 250), (600, 560), (150, 90, 60), -1)
    for left in (260, 480):
        cv2.rectangle(photo, (left, 320), (left + 60, 380), (240, 240, 200), -1)
    cv2.circle(photo, (700, 90), 50, (250, 220, 80), -1)
    for size in ("normal", "every"):
        assert detector(engine_settings, size, 800).detect(photo) == []


def test_faces_on_their_side_have_squares_of_about_the_same_size(album: Album, engine_settings: Settings) -> None:
    """By their height alone they would be 0.65 to 0.7 of it. Drawn ones are not all seen on their side (five of
    eight, three at 640 pixels), and one may be off by a third: so several are asked."""
    found_by, ratios = detector(engine_settings), list[float]()
    for name in [name for name, faces in album.photos.items() if len(faces) == 1][:4]:
        photo = read(album, name)
        (upright,) = boxes(found_by, photo)
        for quarter_turns in (1, 3):
            turned = boxes(found_by, np.ascontiguousarray(np.rot90(photo, quarter_turns)))
            ratios += [box.height / upright.height for box in turned]
    assert 4 <= len(ratios) <= 8
    assert np.median(ratios) == pytest.approx(1, abs=0.2)
    assert max(ratios) < 1.4 and min(ratios) > 0.75


@pytest.mark.slow
def test_every_drawn_face_is_found_once(tmp_path: Path, engine_settings: Settings) -> None:
    album = draw_album(tmp_path / "album", people=8, photos=60, seed=1)
    found_by = detector(engine_settings)
    for name, faces in album.photos.items():
        truth, found = [face.box for face in faces], boxes(found_by, read(album, name))
        assert [sum(box.iou(true) > 0.3 for box in found) for true in truth] == [1] * len(truth), name
        assert len(found) == len(truth), name


@pytest.mark.slow
def test_a_graphics_card_gets_few_shapes_and_finds_the_same(
    album: Album, engine_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It prepares for each shape for seconds, and each shape has a session of its own."""
    photos = [read(album, name) for name in sorted(album.photos)[:3]]
    photos.append(crowd(album, (1500, 1100), 40, [(100, 100), (700, 500), (1300, 900)])[0])
    expected = [detector(engine_settings).search(photo) for photo in photos]
    asked: set[object] = set()
    real = sessions.session

    def session(*given: Any, only: object = None, **options: Any) -> Any:
        asked.add(only)
        return real(*given, **options)

    monkeypatch.setattr(sessions, "on_cpu", lambda _: False)
    monkeypatch.setattr(sessions, "session", session)
    on_card = detector(engine_settings)
    for photo, faces in zip(photos, expected, strict=True):
        found = on_card.search(photo)
        assert len(list(found)) == len(list(faces))
        assert all(box.iou(other) > 0.9 for (box, _), (other, _) in zip(found, faces, strict=True))
    assert asked - {None} <= {(1, 640, 640, 3), (1, 160, 160, 3), (2, 160, 160, 3)}
    assert len(asked) > 2
