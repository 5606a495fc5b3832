"""Photos that are read anew: found by another detector, saved again, turned, moved. No decision goes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceid_core.geometry import carried
from faceid_core.importing.report import ImportReport
from faceid_core.importing.storing import ImportRun
from faceid_core.library import Added, Library
from faceid_core.values import Box, DetectedFace, Flag, NewFace, NewPhoto, no_progress
from tests.library.conftest import EMBEDDER, new_face, new_photo

SIZE = (640, 480)
BOXES = (Box(10, 20, 50, 70), Box(200, 100, 260, 160), Box(400, 300, 460, 380))
HASHES = np.random.default_rng(3).bytes(8 * 32)
"""As if of one picture in its 8 orientations."""


def face_at(box: Box, vector: float) -> NewFace:
    made = new_face(0.5, vector)
    points = np.array([[box.left, box.top], [box.right, box.top], [box.left, box.bottom], [box.right, box.bottom],
                       [box.left, box.top]], np.float32)  # fmt: skip
    return replace(made, face=DetectedFace(box, 0.9, points))


def photo_with(path: str, content: str, boxes: tuple[Box, ...] = BOXES, **other: object) -> NewPhoto:
    faces = tuple(face_at(box, float(n)) for n, box in enumerate(boxes))
    return replace(new_photo(path, content, faces=0), faces=faces, **{"phashes": HASHES, **other})  # type: ignore[arg-type]


def turned_phashes(orientation: int) -> bytes:
    """Those of the picture turned, so that it is the first one in this orientation."""
    parts = [HASHES[at : at + 32] for at in range(0, len(HASHES), 32)]
    others = [np.random.default_rng(100 + n).bytes(32) for n in range(8)]
    others[orientation] = parts[0]
    return b"".join(others)


def add(library: Library, photo: NewPhoto, *, again: bool = False) -> Added:
    return library.photos.add_many([photo], again=again)[0]


@pytest.fixture
def decided(library: Library) -> Library:
    """Face 1 is Anna, face 2 is not Anna and a stranger, nothing was said about face 3."""
    add(library, photo_with("/a.jpg", "a"))
    person = library.people.name_faces([1], "Anna").person_id
    library.people.reject([2], person)
    library.faces.flag([2], Flag.STRANGER)
    return library


def shifted(box: Box, by: float) -> Box:
    return Box(box.left + by, box.top + by, box.right + by, box.bottom + by)


def test_searching_again_moves_the_faces_that_are_found_again(decided: Library) -> None:
    boxes = (shifted(BOXES[1], 5), Box(500, 10, 540, 50), shifted(BOXES[0], -4))
    added = add(decided, photo_with("/a.jpg", "a", boxes, detector="hog", embedder="other"), again=True)
    assert (added.photo_id, added.outcome) == (1, "renewed")
    faces = {face.id: face for face in decided.faces.of_photo(1)}
    new = next(number for number in faces if number > 2)
    assert {number: face.box for number, face in faces.items()} == {1: boxes[2], 2: boxes[0], new: boxes[1]}
    assert (faces[1].person, faces[2].flag, faces[new].person) == ("Anna", Flag.STRANGER, None)
    assert decided.faces.missing_vectors("other") == []
    assert decided.faces.vectors(EMBEDDER).ids.tolist() == [1]  # of the same face, so still right
    assert decided.problems() == []


def test_a_face_that_is_not_found_again_stays_where_something_was_decided(decided: Library) -> None:
    add(decided, photo_with("/a.jpg", "a", ()), again=True)
    assert [face.id for face in decided.faces.of_photo(1)] == [1, 2]
    assert decided.problems() == []


def test_a_face_stays_as_long_as_an_undone_decision_speaks_of_it(library: Library) -> None:
    add(library, photo_with("/a.jpg", "a"))
    library.people.name_faces([3], "Cleo")
    library.journal.undo()
    add(library, photo_with("/a.jpg", "a", BOXES[:1]), again=True)
    assert [face.id for face in library.faces.of_photo(1)] == [1, 3]
    library.journal.redo()
    assert library.faces.get(3).person == "Cleo"


def test_without_being_asked_known_content_is_left_alone(decided: Library) -> None:
    assert add(decided, photo_with("/a.jpg", "a", ())).outcome == "unchanged"
    assert len(decided.faces.of_photo(1)) == 3


def test_an_unreadable_file_takes_no_face_along(decided: Library) -> None:
    add(decided, replace(photo_with("/a.jpg", "a", ()), error="damaged", width=0, height=0), again=True)
    assert len(decided.faces.of_photo(1)) == 3


@pytest.mark.parametrize("orientation", range(8))
def test_a_file_that_was_turned_and_shrunk_keeps_its_faces(decided: Library, orientation: int) -> None:
    size = (240, 320) if orientation % 2 else (320, 240)
    # The new picture is the old one turned back; carrying its boxes by `orientation` gives the old ones.
    undo = orientation if orientation >= 4 else (4 - orientation) % 4
    boxes = tuple(carried(box, SIZE, size, undo) for box in BOXES)
    photo = photo_with("/a.jpg", "b", boxes, phashes=turned_phashes(orientation), width=size[0], height=size[1])
    assert add(decided, photo) == Added(1, "renewed")
    faces = decided.faces.of_photo(1)
    assert sorted(face.id for face in faces) == [1, 2, 3]
    assert {face.id: face.box for face in faces} == dict(zip((1, 2, 3), boxes, strict=True))
    view = decided.photos.get(1)
    assert (view.width, view.height) == size
    assert decided.photos.knows("b") and not decided.photos.knows("a")


def test_a_decided_face_that_is_lost_by_turning_is_carried_along(decided: Library) -> None:
    photo = photo_with("/a.jpg", "b", (), phashes=turned_phashes(1), width=480, height=640)
    add(decided, photo)
    assert decided.faces.get(1).box == carried(BOXES[0], SIZE, (480, 640), 3)


def test_a_cropped_file_is_known_by_its_faces(decided: Library) -> None:
    crop = tuple(shifted(box, -10) for box in BOXES[:2])
    photo = photo_with("/a.jpg", "b", crop, phashes=np.random.default_rng(9).bytes(256), width=300, height=200)
    assert add(decided, photo).outcome == "renewed"
    assert {face.id: face.box for face in decided.faces.of_photo(1)} == {1: crop[0], 2: crop[1]}


def test_another_photo_in_the_same_file_leaves_the_named_one_alone(decided: Library) -> None:
    stranger = (face_at(BOXES[0], 50.0),)
    photo = replace(photo_with("/a.jpg", "b"), faces=stranger, phashes=np.random.default_rng(9).bytes(256))
    assert add(decided, photo) == Added(2, "imported")
    assert decided.faces.get(1).person == "Anna"


def test_a_photo_that_was_moved_and_saved_anew_is_the_same_photo(library: Library, tmp_path: Path) -> None:
    add(library, photo_with(str(tmp_path / "gone.jpg"), "a"))
    library.people.name_faces([1], "Anna")
    assert add(library, photo_with(str(tmp_path / "new.jpg"), "b")) == Added(1, "renewed")
    assert library.photos.get(1).path == str(tmp_path / "new.jpg")
    assert library.faces.get(1).person == "Anna"


def test_another_portrait_before_the_same_backdrop_gets_no_name(library: Library, tmp_path: Path) -> None:
    add(library, photo_with(str(tmp_path / "gone.jpg"), "a", BOXES[:1]))
    library.people.name_faces([1], "Anna")
    other = replace(photo_with(str(tmp_path / "new.jpg"), "b"), faces=(face_at(BOXES[0], 9.0),))
    add(library, other)
    assert [(face.person, face.box) for face in library.faces.of_photo(1)][1:] == [(None, BOXES[0])]
    assert library.faces.get(1).person == "Anna"
    assert library.faces.vectors(EMBEDDER).vectors[0].tolist() == [0.0] * 4


def test_a_photo_on_a_drive_that_is_not_there_is_not_taken_for_moved(decided: Library, tmp_path: Path) -> None:
    added = add(decided, photo_with(str(tmp_path / "new.jpg"), "b"))  # /a.jpg's folder is there, the next one's not
    assert added.outcome == "renewed"
    add(decided, photo_with("/no such drive/c.jpg", "c", phashes=turned_phashes(0)[::-1]))
    assert (
        add(decided, photo_with(str(tmp_path / "d.jpg"), "d", phashes=turned_phashes(0)[::-1])).outcome
        == "imported"
    )


def test_a_copy_gets_the_decisions_about_its_near_copy(library: Library, tmp_path: Path) -> None:
    original = tmp_path / "a.jpg"
    original.write_bytes(b"there")
    add(library, photo_with(str(original), "a"))
    person = library.people.name_faces([1], "Anna").person_id
    library.people.reject([2], person)
    boxes = tuple(carried(box, SIZE, (480, 640), 3) for box in BOXES)
    copy = photo_with(str(tmp_path / "b.jpg"), "b", boxes, phashes=turned_phashes(1), width=480, height=640)
    added = add(library, copy)
    assert added == Added(2, "imported", 1, 1)
    decided = {
        face: (said.person, said.source, said.not_people)
        for face, said in library.decisions.of_near_copies([added], {EMBEDDER: 1.0})
    }
    assert decided == {4: ("Anna", "imported", ()), 5: (None, "human", ("Anna",))}


def test_a_copy_whose_face_is_somebody_else_gets_no_name(library: Library, tmp_path: Path) -> None:
    original = tmp_path / "a.jpg"
    original.write_bytes(b"there")
    add(library, photo_with(str(original), "a"))
    library.people.name_faces([1], "Anna")
    pasted = replace(photo_with(str(tmp_path / "b.jpg"), "b"), faces=(face_at(BOXES[0], 9.0),))
    assert library.decisions.of_near_copies([add(library, pasted)], {EMBEDDER: 1.0}) == []


@pytest.mark.parametrize(
    ("embedder", "unit", "apart", "same"),
    [
        ("w600k", 2.2, 0.9, True),
        ("w600k", 2.2, 1.2, False),
        ("narrow", 0.4, 0.3, False),
        ("narrow", 0.4, 0.15, True),
    ],
)
def test_a_copy_s_faces_are_compared_on_their_embedder_s_scale(
    library: Library, tmp_path: Path, embedder: str, unit: float, apart: float, same: bool
) -> None:
    """Faces of one person are `unit` times as far apart as dlib's, which are the same below 0.5."""
    original = tmp_path / "a.jpg"
    original.write_bytes(b"there")
    add(library, photo_with(str(original), "a", embedder=embedder, unit=unit))
    library.people.name_faces([1], "Anna")
    moved = face_at(BOXES[0], 0.0)
    moved = replace(moved, vector=moved.vector + np.array([apart, 0, 0, 0], np.float32))
    copy = replace(photo_with(str(tmp_path / "b.jpg"), "b", embedder=embedder, unit=unit), faces=(moved,))
    storing = ImportRun(library, library.settings, ImportReport(photos=1), no_progress)
    storing.add(copy)
    storing.flush()
    assert [face.person for face in library.faces.of_photo(2)] == ["Anna" if same else None]
