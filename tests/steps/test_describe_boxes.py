"""Boxes by hand with real networks: landmarks, picture and vector of the face in the box, or none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceid_core.importing.run import import_photos
from faceid_core.library import FaceView, Library
from faceid_core.steps.cluster import cluster_faces
from faceid_core.steps.describe_boxes import BoxDescriber, describe_boxes
from faceid_core.steps.load_vectors import load_embedder, load_vectors
from faceid_core.values import Box


@pytest.fixture
def face(filled: Library) -> FaceView:
    """The best face of the album."""
    ids = filled.faces.vectors(load_embedder(filled.settings).name).ids
    return max(filled.faces.get_many([int(one) for one in ids]), key=lambda one: one.quality)


def vector_of(library: Library, face: int) -> np.ndarray | None:
    found = library.faces.vectors(load_embedder(library.settings).name)
    rows = np.flatnonzero(found.ids == face)
    return found.vectors[rows[0]] if len(rows) else None


def looser(box: Box, by: float) -> Box:
    edge = by * box.width
    return Box(box.left - edge, box.top - edge, box.right + edge, box.bottom + edge)


def nowhere(library: Library, photo: int) -> Box:
    """A place without a face."""
    view = library.photos.get(photo)
    corners = (
        Box(x, y, x + 40, y + 40) for x in range(0, view.width - 40, 40) for y in range(0, view.height - 40, 40)
    )
    taken = [looser(one.box, 0.8) for one in library.faces.of_photo(photo)]
    return next(box for box in corners if all(box.iou(other) == 0 for other in taken))


@pytest.mark.slow
def test_a_moved_box_gives_the_same_face(filled: Library, face: FaceView) -> None:
    before = vector_of(filled, face.id)
    assert before is not None
    filled.faces.move(face.id, looser(face.box, 0.15))
    assert vector_of(filled, face.id) is None
    assert describe_boxes(filled) == 1
    after = vector_of(filled, face.id)
    assert after is not None and np.linalg.norm(after - before) < 0.2, "drawn loosely, aligned as ever"
    assert filled.faces.get(face.id).quality > 0.5
    assert filled.faces.crop(face.id)
    filled.journal.undo()
    assert describe_boxes(filled) == 1
    again = vector_of(filled, face.id)
    assert again is not None and np.linalg.norm(again - before) < 0.1
    assert filled.problems() == []


@pytest.mark.slow
def test_a_face_that_no_detector_found_is_drawn(filled: Library, face: FaceView) -> None:
    before = vector_of(filled, face.id)
    filled.erasing.faces([face.id])
    drawn = filled.faces.add(face.photo_id, looser(face.box, 0.1)).face_id
    load_vectors(filled, load_embedder(filled.settings))  # as every step that needs vectors does
    after = vector_of(filled, drawn)
    assert before is not None and after is not None and np.linalg.norm(after - before) < 0.2
    cluster_faces(filled)
    assert filled.faces.get(drawn).box.iou(looser(face.box, 0.1)) > 0.99


@pytest.mark.slow
def test_where_no_face_can_be_recognised_the_name_stays(filled: Library, face: FaceView) -> None:
    box = nowhere(filled, face.photo_id)
    drawn = filled.faces.add(face.photo_id, box).face_id
    filled.people.name_faces([drawn], "Grace")
    assert describe_boxes(filled) == 1
    assert vector_of(filled, drawn) is None and not filled.faces.crops([drawn])
    cluster_faces(filled)
    photo = Path(filled.photos.get(face.photo_id).path)
    import_photos(filled, [photo], again=True)
    describe_boxes(filled)
    assert (filled.faces.get(drawn).person, filled.faces.get(drawn).box) == ("Grace", box)
    assert filled.problems() == []


def test_a_photo_that_is_not_there_is_tried_again_later_and_not_all_the_time(
    filled: Library, face: FaceView, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    photo = Path(filled.photos.get(face.photo_id).path)
    copy = tmp_path / photo.name
    copy.write_bytes(photo.read_bytes())
    with filled._database.write() as session:
        from faceid_core.library.store.tables import Photo

        session.get_one(Photo, face.photo_id).path = str(copy)
    copy.rename(tmp_path / "gone.jpg")
    filled.faces.move(face.id, looser(face.box, 0.1))
    describer = BoxDescriber(filled)
    assert describer.run() == 0
    (tmp_path / "gone.jpg").rename(copy)
    assert describer.run() == 0, "this one has given up"
    assert describe_boxes(filled) == 1
