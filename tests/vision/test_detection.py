"""Detection: parity with dlib, the scale policy, and images that hold nothing."""

from __future__ import annotations

import numpy as np
import pytest

from faceid_core.errors import UnknownChoice
from faceid_core.media import images
from faceid_core.sample import Album
from faceid_core.settings import Settings
from faceid_core.vision.detection import DETECTORS, make_detector
from faceid_core.vision.detector import search_scale
from faceid_core.vision.dlib_detectors import DlibCnnDetector
from faceid_core.vision.mmod import MmodDetector
from tests.contracts import check_detector


def read(album: Album, name: str) -> np.ndarray:
    return images.read(album.folder / name, max_megapixels=50).pixels


@pytest.mark.parametrize(
    ("size", "factor"), [((250, 250), 2.0), ((800, 600), 2.0), ((1600, 900), 1.0), ((400, 3200), 0.5)]
)
def test_photos_are_searched_at_the_wanted_size(size: tuple[int, int], factor: float) -> None:
    assert search_scale(*size, 1600) == factor


def assert_agrees_with_dlib(photo: np.ndarray, settings: Settings) -> None:
    """IoU 0.95 (dlib rounds its boxes to whole pixels) and scores within 0.005, on the very same pixels."""
    expected = list(DlibCnnDetector(settings).search(photo))
    found = list(MmodDetector(settings).search(photo))
    assert len(found) == len(expected) >= 1
    for (box, score), (true_box, true_score) in zip(found, expected, strict=True):
        assert box.iou(true_box) >= 0.95
        assert score == pytest.approx(true_score, abs=0.005)


@pytest.mark.slow
def test_the_onnx_detector_agrees_with_dlib(album: Album, engine_settings: Settings) -> None:
    group = max(album.photos, key=lambda name: len(album.photos[name]))
    assert_agrees_with_dlib(images.thumbnail(read(album, group), 600), engine_settings)


@pytest.mark.parametrize("side_px", [100, 150, 211])
def test_it_agrees_on_a_face_that_fills_a_small_photo(
    side_px: int, album: Album, engine_settings: Settings
) -> None:
    """There the window reaches beyond the photo, so that the colour beside it and the layout matter."""
    single = next(name for name, faces in album.photos.items() if len(faces) == 1)
    box = album.photos[single][0].box
    margin = (box.right - box.left) / 8
    edges = (round(max(edge, 0)) for edge in (box.left - margin, box.top - margin, *box.as_tuple()[2:]))
    left, top, right, bottom = edges
    crop = read(album, single)[top : bottom + round(margin), left : right + round(margin)]
    assert_agrees_with_dlib(images.thumbnail(np.ascontiguousarray(crop), side_px), engine_settings)


@pytest.mark.slow
def test_the_default_detector_finds_the_drawn_faces(album: Album, engine_settings: Settings) -> None:
    detector = make_detector(engine_settings)
    missed = extra = total = 0
    for name, truth in list(album.photos.items())[:4]:
        found = detector.detect(read(album, name))
        hits = sum(any(face.box.iou(true.box) > 0.4 for face in found) for true in truth)
        total, missed, extra = total + len(truth), missed + len(truth) - hits, extra + len(found) - hits
    assert total >= 4
    assert missed == 0
    assert extra <= 1


@pytest.mark.parametrize("name", sorted(DETECTORS))
def test_every_detector_keeps_the_contract(name: str, album: Album, engine_settings: Settings) -> None:
    check_detector(name, DETECTORS[name], album, engine_settings)


@pytest.mark.parametrize("shape", [(0, 0, 3), (1, 1, 3), (3, 200, 3), (79, 79, 3)])
def test_tiny_images_hold_no_face(shape: tuple[int, int, int], engine_settings: Settings) -> None:
    assert make_detector(engine_settings).detect(np.zeros(shape, np.uint8)) == []


def test_a_wrong_array_is_the_callers_mistake(engine_settings: Settings) -> None:
    with pytest.raises(ValueError, match="uint8"):
        make_detector(engine_settings).detect(np.zeros((10, 10), np.uint8))


def test_an_unknown_detector_is_refused_with_the_choices(engine_settings: Settings) -> None:
    with pytest.raises(UnknownChoice, match="mmod"):
        make_detector(engine_settings.model_copy(update={"detector": "eyes"}))
