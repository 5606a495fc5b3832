"""What people say about two faces: kept, replaced, undone, and heeded."""

from __future__ import annotations

from sqlalchemy import select

from faceid_core.library import Library
from faceid_core.library.store.tables import Event
from tests.library.conftest import new_photo


def said(library: Library, same: bool) -> list[tuple[int, int]]:
    return [(one, other) for one, other in library.pair_constraints.all(same=same).tolist()]


def test_a_verdict_is_kept_once_and_can_be_changed_and_undone(library: Library, faces: list[int]) -> None:
    a, b, c = faces[:3]
    pairs = [(b, a), (a, b), (c, a), (c, c)]
    assert library.pair_constraints.say(pairs, same=False, summary="Two people").number == 2
    assert said(library, False) == [(a, b), (a, c)] and said(library, True) == []
    assert library.pair_constraints.say([(a, b)], same=False, summary="Again").number == 0
    assert library.pair_constraints.say([(a, b)], same=True, summary="One person").number == 1
    assert (said(library, False), said(library, True)) == ([(a, c)], [(a, b)])
    assert [event.summary for event in library.journal.recent()] == ["One person", "Two people"]
    library.journal.undo()
    library.journal.undo()
    assert said(library, False) == said(library, True) == []
    library.journal.redo()
    assert said(library, False) == [(a, b), (a, c)]
    assert library.problems() == []


def test_faces_that_are_gone_are_left_out(library: Library, faces: list[int]) -> None:
    assert library.pair_constraints.say([(faces[0], 999)], same=True, summary="So").number == 0
    assert library.journal.recent() == []


def test_a_face_told_from_somebodys_face_is_not_suggested_as_them(library: Library, faces: list[int]) -> None:
    ada = library.people.name_faces(faces[:1], "Ada").person_id
    library.pair_constraints.say([(faces[0], faces[2]), (faces[4], faces[2])], same=False, summary="No")
    library.pair_constraints.say([(faces[0], faces[6])], same=True, summary="Yes")
    assert {(faces[2], ada)} <= library.gallery.ruled_out(faces)
    assert (faces[6], ada) not in library.gallery.ruled_out(faces)


def test_erasing_a_face_takes_its_verdicts_along(library: Library, faces: list[int]) -> None:
    library.pair_constraints.say([(faces[0], faces[5]), (faces[1], faces[2])], same=False, summary="No")
    library.erasing.faces([faces[5]])
    assert said(library, False) == [(faces[1], faces[2])]
    with library._database.read() as session:
        changes = [change for event in session.scalars(select(Event)) for change in event.changes]
    assert [(change["after"]["face_id"], change["after"]["other_id"]) for change in changes] == [
        (faces[1], faces[2])
    ]
    assert library.problems() == []


def test_a_face_with_a_verdict_stays_when_its_photo_is_read_anew(library: Library, faces: list[int]) -> None:
    """The second time no face is found where it was."""
    library.pair_constraints.say([(faces[0], faces[2])], same=False, summary="No")
    library.photos.add_many([new_photo("/photos/0.jpg", faces=0)], again=True)
    assert {face.id for face in library.faces.get_many(faces[:2])} == {faces[0]}
    assert said(library, False) == [(faces[0], faces[2])]


def test_who_is_on_a_photo_twice(library: Library, faces: list[int]) -> None:
    library.people.name_faces(faces[:3], "Ada")
    library.people.name_faces(faces[6:8], "Bo")
    twice = [(person, on) for _, person, on in library.gallery.twice(10)]
    assert twice == [(2, tuple(faces[6:8])), (1, tuple(faces[:2]))]
    assert len(library.gallery.twice(1)) == 1
