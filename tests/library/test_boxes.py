"""Boxes that humans drew or moved: undone and redone, and kept whatever detectors find later."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceid_core.errors import BadInput, NotAllowed, NotFound, OutOfDate
from faceid_core.library import FaceDecision, Library
from faceid_core.steps import replay_decisions
from faceid_core.values import Actor, Box, ConsentState, DetectedFace, Flag, NewFace, NewPhoto, Role
from tests.library.conftest import EMBEDDER, new_face, new_photo
from tests.library.test_journal import decided

DRAWN = Box(200, 200, 260, 280)
MOVED = Box(300, 100, 360, 180)
AT = Box(10, 20, 50, 70)
"""Where the detector sees the faces of `new_photo`."""


def describe_all(library: Library) -> None:
    for face in library.faces.undescribed():
        assert library.faces.describe(face, EMBEDDER, new_face())


def seen(*boxes: Box, photo: NewPhoto | None = None) -> NewPhoto:
    """The first photo again, as a detector that sees these boxes gives it."""
    made = photo or new_photo("/photos/0.jpg")
    faces = tuple(
        NewFace(
            DetectedFace(box, 0.9, np.zeros((5, 2), np.float32)),
            one.quality,
            one.crop,
            np.full(4, place, np.float32),
        )
        for place, box in enumerate(boxes)
        for one in [new_face()]
    )
    return replace(made, faces=faces)


def boxes(library: Library, photo: int = 1) -> list[Box]:
    return sorted((face.box for face in library.faces.of_photo(photo)), key=Box.as_tuple)


def test_a_drawn_face_is_there_until_it_is_undone(library: Library, faces: list[int]) -> None:
    made = library.faces.add(1, DRAWN)
    assert made.event and made.event.summary == "Drew a face on 0.jpg"
    assert library.faces.get(made.face_id).box == DRAWN
    assert [face.face_id for face in library.faces.undescribed()] == [made.face_id]
    describe_all(library)
    assert library.faces.undescribed() == [] and made.face_id in library.faces.vectors(EMBEDDER).ids
    library.journal.undo()
    with pytest.raises(NotFound):
        library.faces.get(made.face_id)
    library.journal.redo()
    assert library.faces.get(made.face_id).box == DRAWN
    assert library.problems() == []
    library.faces.add(1, MOVED)  # the next one gets an id of its own
    assert len(library.faces.of_photo(1)) == 4


def test_a_named_face_is_not_undone_below_its_name(library: Library, faces: list[int]) -> None:
    made = library.faces.add(1, DRAWN)
    library.people.name_faces([made.face_id], "Ada")
    assert made.event
    with pytest.raises(BadInput, match="“Named 1 face “Ada”” depends on this one"):
        library.journal.undo(made.event.id)
    library.journal.undo()
    library.journal.undo()
    library.journal.redo(made.event.id)
    assert library.problems() == [], "what the journal says of the face is noted again"


def test_a_face_that_cannot_be_embedded_keeps_its_name(library: Library, faces: list[int]) -> None:
    made = library.faces.add(1, DRAWN)
    library.people.name_faces([made.face_id], "Ada")
    (waiting,) = library.faces.undescribed()
    assert library.faces.describe(waiting, EMBEDDER, None)
    assert library.faces.undescribed() == [] and library.problems() == []
    assert library.faces.get(made.face_id).person == "Ada"
    assert made.face_id not in library.faces.vectors(EMBEDDER).ids


def test_a_moved_face_keeps_its_name_and_loses_its_old_vector(library: Library, faces: list[int]) -> None:
    library.people.name_faces(faces[:1], "Ada")
    library.faces.move(faces[0], MOVED)
    face = library.faces.get(faces[0])
    assert (face.box, face.person) == (MOVED, "Ada")
    assert faces[0] not in library.faces.vectors(EMBEDDER).ids and faces[0] not in library.faces.crops(faces)
    version = library.gallery.newest_faces()
    describe_all(library)
    assert library.gallery.newest_faces() != version, "who keeps vectors reads them again"
    library.journal.undo()
    assert library.faces.get(faces[0]).box == AT
    (waiting,) = library.faces.undescribed()
    assert (waiting.box, waiting.by_hand) == (AT, False)
    assert library.problems() == []


def test_what_was_computed_for_another_box_is_not_stored(library: Library, faces: list[int]) -> None:
    library.faces.move(faces[0], MOVED)
    (late,) = library.faces.undescribed()
    library.faces.move(faces[0], DRAWN)
    assert not library.faces.describe(late, EMBEDDER, new_face())
    assert [face.box for face in library.faces.undescribed()] == [DRAWN]


@pytest.mark.parametrize(
    ("box", "match"),
    [
        (Box(1, 1, 5, 5), "too small"),
        (Box(-900, 10, -800, 90), "too small"),
        (Box(0, 0, float("nan"), 9), "not a number"),
        (Box(11, 21, 51, 71), "already a face here"),
    ],
)
def test_a_box_that_is_none_is_refused_in_a_sentence(
    library: Library, faces: list[int], box: Box, match: str
) -> None:
    before = decided(library)
    with pytest.raises(BadInput, match=match):
        library.faces.add(1, box)
    assert decided(library) == before


def test_a_box_ends_where_its_photo_ends(library: Library, faces: list[int]) -> None:
    made = library.faces.add(1, Box(600, 400, 900, 900))
    assert library.faces.get(made.face_id).box == Box(600, 400, 640, 480)
    with pytest.raises(NotFound):
        library.faces.add(99, DRAWN)
    with pytest.raises(NotFound):
        library.faces.move(99, DRAWN)


@pytest.mark.slow
def test_a_box_that_somebody_moved_meanwhile_stays(library: Library, faces: list[int]) -> None:
    library.faces.move(faces[0], DRAWN)
    with pytest.raises(OutOfDate, match="has been moved"):
        library.faces.move(faces[0], MOVED, drawn=AT)
    assert library.faces.move(faces[0], MOVED, drawn=DRAWN).event
    assert library.faces.move(faces[0], MOVED).event is None
    with pytest.raises(NotAllowed):
        library.acting_as(Actor("Vera", Role.VIEWER)).faces.add(1, DRAWN)


def test_boxes_survive_a_detector_that_sees_otherwise(library: Library) -> None:
    """It sees the moved face where it was, and both faces that were drawn."""
    library.photos.add_many([seen(AT, Box(400, 300, 460, 380))])
    library.faces.move(1, MOVED)
    drawn = library.faces.add(1, DRAWN).face_id
    library.people.name_faces([1, drawn], "Ada", once=False)
    describe_all(library)
    before = decided(library)
    library.photos.add_many(
        [seen(AT, Box(305, 105, 365, 185), Box(205, 200, 262, 281), Box(400, 300, 460, 380))], again=True
    )
    assert decided(library) == before, "no box moves, and no face is there twice"
    assert {face.face_id for face in library.faces.undescribed()} == {1, drawn}
    assert library.problems() == []
    library.photos.add_many([seen()], again=True)
    assert {face.id for face in library.faces.of_photo(1)} == {1, drawn}
    library.journal.undo()
    library.journal.undo()
    assert library.faces.get(drawn).box == Box(205, 200, 262, 281), "by now a detector sees it, too"


def test_boxes_turn_with_their_picture_and_can_still_be_undone(library: Library) -> None:
    original = replace(seen(AT), phashes=bytes(range(8)) * 32)
    library.photos.add_many([original])
    library.faces.move(1, MOVED)
    library.faces.move(1, DRAWN)
    half = replace(original, sha256="edited", width=320, height=240, modified_ns=300, faces=())
    library.photos.add_many([half])
    assert boxes(library) == [Box(100, 100, 130, 140)]
    assert library.problems() == []
    library.journal.undo()
    assert boxes(library) == [Box(150, 50, 180, 90)]
    library.journal.undo()
    assert boxes(library) == [Box(5, 10, 25, 35)]
    assert library.problems() == []


def test_who_refused_is_not_described(library: Library, faces: list[int]) -> None:
    ada = library.people.name_faces(faces[:1], "Ada").person_id
    library.consents.set(ada, ConsentState.REFUSED)
    library.faces.move(faces[0], MOVED)
    assert library.faces.undescribed() == []
    drawn = library.faces.add(1, DRAWN).face_id
    library.people.name_faces([drawn], "Ada", once=False)
    assert library.faces.undescribed() == [] and library.problems() == []


def test_an_erased_face_takes_its_box_out_of_the_journal(library: Library, faces: list[int]) -> None:
    drawn = library.faces.add(1, DRAWN).face_id
    library.erasing.faces([drawn])
    assert library.problems() == []
    assert "200" not in str([event.summary for event in library.journal.recent(10)])


@pytest.mark.parametrize("suffix", [".json", ".parquet"])
def test_boxes_go_into_another_library(library: Library, faces: list[int], tmp_path: object, suffix: str) -> None:
    from pathlib import Path

    from faceid_core.settings import Settings

    drawn = library.faces.add(1, DRAWN).face_id
    library.people.name_faces([drawn], "Ada")
    library.faces.move(faces[1], Box(12, 22, 54, 76))
    library.pair_constraints.say([(drawn, faces[4])], same=False, summary="Said so")
    file = Path(str(tmp_path)) / f"decisions{suffix}"
    replay_decisions.export(library, file)
    with Library.open(Settings(library=Path(str(tmp_path)) / "other", database_url=None)) as other:
        other.photos.add_many([replace(new_photo(f"/else/{n}.jpg", f"/photos/{n}.jpg", faces=2)) for n in range(4)])
        done = replay_decisions.replay(other, file)
        assert done.rest is None and done.without_face == 0
        (made,) = [face for face in other.faces.of_photo(1) if face.person == "Ada"]
        assert made.box == DRAWN and Box(12, 22, 54, 76) in boxes(other)
        assert len(other.pair_constraints.all(same=False)) == 1 and other.problems() == []
        again = decided(other)
        replay_decisions.replay(other, file)
        assert decided(other) == again
        other.journal.undo()
        assert len(other.faces.of_photo(1)) == 2 and other.problems() == []


def test_a_decision_without_a_face_of_its_own_is_kept_by_flag(library: Library, faces: list[int]) -> None:
    """A drawn face that is none after all is set aside, and stays so."""
    drawn = library.faces.add(1, DRAWN).face_id
    library.faces.flag([drawn], Flag.NOT_A_FACE)
    library.photos.add_many([seen(Box(205, 200, 262, 281))], again=True)
    assert library.faces.get(drawn).flag is Flag.NOT_A_FACE
    assert [isinstance(said, FaceDecision) and said.by_hand for said in library.decisions.faces()] == [True]
