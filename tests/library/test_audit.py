"""The audit: every act once, in order, without anything of who was erased."""

from __future__ import annotations

from datetime import timedelta

import pytest

from faceid_core.library import Library
from faceid_core.library.store import journal
from faceid_core.values import Actor, ConsentState, Role, utc_now
from tests.library.test_erasure import person


def test_who_did_what(library: Library, faces: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "AUDIT_PAGE", 2)
    ann, ben = (library.acting_as(Actor(name, Role.OWNER)) for name in ("ann", "ben"))
    ann.people.name_faces(faces[:1], "Ada")
    ben.people.name_faces(faces[1:2], "Bo")
    ben.consents.set(person(library, "Bo"), ConsentState.GIVEN)
    ann.journal.undo()
    ann.journal.note("Deleted 1 backup")
    rows = list(library.journal.audit())
    assert [(row.number, row.actor, row.kind, row.undone_by) for row in rows] == [
        (1, "ann", "name", None), (2, "ben", "name", None), (3, "ben", "consent", "ann"),
        (4, "ann", "remove files", None),
    ]  # fmt: skip
    assert rows[2].undone_at is not None and rows[0].undone_at is None
    assert [row.number for row in library.journal.audit(actor="ann")] == [1, 3, 4]
    now = utc_now()
    assert len(list(library.journal.audit(start=now - timedelta(hours=1), end=now + timedelta(hours=1)))) == 4
    assert list(library.journal.audit(start=now + timedelta(hours=1))) == []
    assert list(library.journal.audit(end=now - timedelta(hours=1))) == []


def test_nothing_of_who_was_erased(library: Library, faces: list[int]) -> None:
    library.people.name_faces(faces[:2], "Zebedee")
    library.consents.set(person(library, "Zebedee"), ConsentState.REFUSED)
    library.people.rename(person(library, "Zebedee"), "Quillon")
    library.erasing.person(person(library, "Quillon"))
    rows = list(library.journal.audit())
    assert [row.kind for row in rows] == ["name", "consent", "rename", "erase"]
    assert not any(name in row.summary for row in rows for name in ("Zebedee", "Quillon"))


def test_a_slow_reader_holds_nobody_up(library: Library, faces: list[int]) -> None:
    for _ in range(3):
        library.people.name_faces(faces[:1], "Ada")
        library.people.name_faces(faces[:1], "Bo")
    rows = library.journal.audit()
    assert next(rows).number == 1
    library.erasing.faces(faces[4:5])
    assert not library.erasing.unfinished
    assert len(list(rows)) == 5
