"""Which faces the journal speaks of is looked up, not read out of it; right after whatever happens."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event as listening
from sqlalchemy import select, text
from sqlmodel import col

from faceid_core.library import FaceDecision, Library, PersonDecision
from faceid_core.library.reconciliation import decided
from faceid_core.library.store import event_faces
from faceid_core.library.store.tables import Event
from faceid_core.values import Box, Flag
from tests.library.conftest import library, new_photo, on_both_databases  # noqa: F401
from tests.library.test_integrity import damage, decide

ED = FaceDecision("x", "/x.jpg", Box(0, 0, 1, 1), "Ed")


@pytest.fixture
def faces(library: Library) -> list[int]:  # noqa: F811
    library.photos.add_many([new_photo(f"/photos/{n}.jpg", faces=2) for n in range(6)])
    return list(range(1, 13))


def slowly(library: Library) -> set[int]:  # noqa: F811
    """All faces that any event speaks of, by reading the journal."""
    with library._database.read() as session:
        changes = session.scalars(select(col(Event.changes))).all()
        there = set(session.scalars(text("SELECT id FROM face")))
    return {face for each in changes for face in event_faces.faces_in(each)} & there


def looked_up(library: Library) -> set[int]:  # noqa: F811
    with library._database.read() as session:
        return event_faces.mentioned(session, range(1, 50))


@pytest.mark.slow
def test_it_agrees_with_the_journal_whatever_people_do(library: Library, faces: list[int]) -> None:  # noqa: F811
    decide(library, faces[:8])
    library.faces.flag([9], Flag.HIDDEN)
    library.decisions.take_over([PersonDecision("Di")], [], [(11, 12, False)])
    library.decisions.take_over([PersonDecision("Ed")], [(10, ED)])
    assert looked_up(library) == slowly(library) == {*range(1, 8), 9, 10, 11, 12}
    for _ in range(4):
        library.journal.undo()
    assert looked_up(library) == slowly(library)
    library.journal.redo()
    library.erasing.faces([2, 9])
    assert looked_up(library) == slowly(library)
    ada = next(person.id for person in library.people.all() if person.name == "Ada Lovelace")
    library.erasing.person(ada)
    assert looked_up(library) == slowly(library)
    assert library.problems() == []


def test_the_deep_check_finds_a_face_that_is_forgotten(library: Library, faces: list[int]) -> None:  # noqa: F811
    decide(library, faces[:8])
    damage(library, "DELETE FROM eventface WHERE face_id = 1")
    assert any("face index of" in problem for problem in library.problems())


def test_asking_about_a_face_reads_no_event(library: Library, faces: list[int]) -> None:  # noqa: F811
    decide(library, faces[:8])
    asked: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        asked.append(statement)

    listening.listen(library._database.engine, "before_cursor_execute", note)
    with library._database.read() as session:
        assert decided(session, [1, 2, 12]) == {1, 2}
    assert asked and not any("event.changes" in statement for statement in asked)
