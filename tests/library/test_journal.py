"""Undo and redo: exactly back, exactly again, and refused rather than taking a later decision along."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from faceid_core.errors import BadInput, FaceIdError, NotFound
from faceid_core.library import Library
from faceid_core.values import LOCAL_OWNER, Actor, Box, Flag, LabelSource, Role
from tests.library.conftest import EMBEDDER, new_face, new_photo, open_empty

YOU = Actor("you", Role.OWNER)

DECIDED = {
    "person": "SELECT * FROM person ORDER BY id",
    "label": "SELECT * FROM label ORDER BY face_id",
    "rejection": "SELECT * FROM rejection ORDER BY face_id, person_id",
    "flag": "SELECT id, flag FROM face ORDER BY id",
    "verdict": "SELECT * FROM verdict ORDER BY face_id, other_id",
    "handbox": 'SELECT face_id, photo_id, "left", top, "right", bottom, at FROM handbox ORDER BY face_id',
    "box": 'SELECT id, photo_id, "left", top, "right", bottom FROM face ORDER BY id',
}

KEYS = {
    "person": ["id"],
    "label": ["face_id"],
    "rejection": ["face_id", "person_id"],
    "face": ["id"],
    "verdict": ["face_id", "other_id"],
    "handbox": ["face_id"],
}


def decided(library: Library) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that humans decided, to the last column."""
    with library._database.read() as session:
        return {what: [tuple(row) for row in session.execute(text(sql))] for what, sql in DECIDED.items()}


def latest(library: Library) -> int:
    return library.journal.recent(1)[0].id


ACTS: dict[str, Callable[[Library, list[int]], object]] = {
    "name": lambda lib, f: lib.people.name_faces(f[4:6], "Cleo"),
    "name existing": lambda lib, f: lib.people.name_faces(f[4:6], "Anna"),
    "name over another": lambda lib, f: lib.people.name_faces(f, "Bob"),
    "name a rejected face": lambda lib, f: lib.people.name_faces(f[6:7], "Anna"),
    "rename": lambda lib, f: lib.people.rename(1, "Berta"),
    "merge": lambda lib, f: lib.people.merge(2, [1]),
    "delete": lambda lib, f: lib.people.delete(1),
    "remove": lambda lib, f: lib.people.remove_faces(f, 1),
    "reject": lambda lib, f: lib.people.reject(f, 1),
    "flag": lambda lib, f: lib.faces.flag(f, Flag.HIDDEN),
    "cover": lambda lib, f: lib.people.set_cover(1, f[7]),
    "verdict": lambda lib, f: lib.pair_constraints.say([(f[5], f[4]), (f[6], f[7])], same=False, summary="Said"),
    "draw": lambda lib, f: lib.faces.add(1, Box(200, 200, 260, 280)),
    "move": lambda lib, f: lib.faces.move(f[0], Box(15, 25, 55, 75)),
}


@pytest.mark.parametrize("act", ACTS)
def test_undo_and_redo_restore_every_column(library: Library, faces: list[int], act: str) -> None:
    library.people.name_faces(faces[:2], "Anna")
    library.people.name_faces(faces[2:4], "Bob")
    library.people.reject(faces[6:7], 1)
    before = decided(library)
    ACTS[act](library, faces)
    after = decided(library)
    assert after != before
    event = library.journal.recent(1)[0]
    assert event.actor == LOCAL_OWNER.name
    assert library.journal.undo().undone
    assert decided(library) == before
    assert not library.journal.redo().undone
    assert decided(library) == after
    assert library.journal.recent(1)[0].id == event.id


def test_one_act_is_one_event(library: Library, faces: list[int]) -> None:
    library.people.name_faces(faces, "Anna")
    [event] = library.journal.recent()
    assert (event.kind, event.summary, event.undone) == ("name", "Named 8 faces “Anna”", False)


def test_undoing_a_first_naming_never_takes_later_names_along(library: Library, faces: list[int]) -> None:
    library.people.name_faces(faces[:2], "Anna")
    first = latest(library)
    library.people.name_faces(faces[2:3], "Anna")
    with pytest.raises(BadInput, match="undo that one first"):
        library.journal.undo(first)
    assert library.people.get(1).faces == 3


def test_redoing_a_merge_never_takes_later_names_along(library: Library, faces: list[int]) -> None:
    library.people.name_faces(faces[:1], "Anna")
    library.people.name_faces(faces[1:2], "Bob")
    library.people.merge(1, [2])
    merge = library.journal.undo().id
    library.people.name_faces(faces[2:3], "Bob")
    with pytest.raises(BadInput, match="undo that one first"):
        library.journal.redo(merge)
    assert library.people.get(2).faces == 2


def test_undo_is_refused_when_the_old_name_is_taken_again(library: Library, faces: list[int]) -> None:
    library.people.name_faces(faces[:1], "Anna")
    library.people.rename(1, "Berta")
    rename = latest(library)
    library.people.name_faces(faces[1:2], "Anna")
    with pytest.raises(BadInput, match="undo that one first"):
        library.journal.undo(rename)


def test_undo_is_refused_when_the_person_is_gone(library: Library, faces: list[int]) -> None:
    library.people.name_faces(faces[:2], "Anna")
    library.people.name_faces(faces[:1], "Bob")
    move = latest(library)
    library.people.delete(1)
    with pytest.raises(BadInput, match="undo that one first"):
        library.journal.undo(move)


def test_undo_is_refused_when_a_face_was_named_anew(library: Library, faces: list[int]) -> None:
    library.people.name_faces(faces[:2], "Anna")
    first = latest(library)
    library.people.name_faces(faces[:1], "Bob")
    with pytest.raises(BadInput, match="undo that one first"):
        library.journal.undo(first)
    library.journal.undo()
    library.journal.undo(first)
    assert library.people.all() == []


def test_nothing_to_undo_or_redo(library: Library) -> None:
    for act in (library.journal.undo, library.journal.redo):
        with pytest.raises(NotFound, match="nothing to"):
            act()
        with pytest.raises(NotFound):
            act(7)


def test_redo_goes_forward_in_the_order_of_the_acts(library: Library, faces: list[int]) -> None:
    for name in ("Anna", "Bob", "Cleo"):
        library.people.name_faces(faces, name)
    states = [library.journal.undo().summary for _ in range(3)]
    assert states == ["Named 8 faces “Cleo”", "Named 8 faces “Bob”", "Named 8 faces “Anna”"]
    assert [library.journal.redo().summary for _ in range(3)] == states[::-1]


def test_back_to_an_earlier_decision_and_forward_again(library: Library, faces: list[int]) -> None:
    library.people.name_faces(faces[:2], "Anna")
    goal, there = latest(library), decided(library)
    library.people.name_faces(faces[2:4], "Bob")
    skipped = latest(library)
    library.people.name_faces(faces[4:6], "Cleo")
    library.acting_as(YOU).journal.undo(skipped)
    library.people.merge(3, [1])
    before = decided(library)
    taken = library.acting_as(YOU).journal.undo_to(goal)
    assert [event.summary for event in taken] == ["Merged “Anna” into “Cleo”", "Named 2 faces “Cleo”"]
    assert decided(library) == there
    assert {event.undone_by for event in library.journal.recent(10)} == {None, "you"}
    library.journal.redo_all([event.id for event in taken])
    assert decided(library) == before
    assert library.problems() == []


def test_back_to_an_earlier_decision_takes_back_what_was_redone_in_another_order(
    library: Library, faces: list[int]
) -> None:
    library.people.name_faces(faces[:1], "Anna")
    goal, there = latest(library), decided(library)
    library.people.name_faces(faces[2:3], "Bob")
    bob = latest(library)
    library.journal.undo(bob)
    library.people.name_faces(faces[2:3], "Cleo")
    cleo = latest(library)
    library.journal.undo(cleo)
    library.journal.redo(bob)
    library.people.name_faces(faces[2:3], "Dora")
    library.journal.undo_to(goal)
    assert decided(library) == there


def test_back_is_all_or_nothing(library: Library, faces: list[int]) -> None:
    library.people.name_faces(faces[:2], "Anna")
    undone = latest(library)
    library.journal.undo(undone)
    with pytest.raises(NotFound, match="no decision 99"):
        library.journal.undo_to(99)
    before = decided(library)
    library.people.name_faces(faces[:2], "Anna")  # stands in the way of redoing the first
    with pytest.raises(BadInput):
        library.journal.redo_all([undone])
    library.journal.undo()
    assert decided(library) == before


def test_a_refusal_names_the_decision_in_the_way(library: Library, faces: list[int]) -> None:
    library.people.name_faces(faces[:2], "Anna")
    first = latest(library)
    library.people.name_faces(faces[4:5], "Bob")
    library.people.rename(1, "Berta")
    library.people.reject(faces[6:7], 1)
    with pytest.raises(BadInput, match="“Marked 1 face as not “Berta”” depends on this one"):
        library.journal.undo(first)
    library.journal.undo()
    with pytest.raises(BadInput, match="“Renamed “Anna” to “Berta”” depends on this one"):
        library.journal.undo(first)
    library.journal.undo()
    library.journal.undo(first)


def test_events_page_by_key_and_by_actor(library: Library, faces: list[int]) -> None:
    for number, face in enumerate(faces):
        who = library if number % 2 else library.acting_as(YOU)
        who.people.name_faces([face], f"P{number}")
    first = library.journal.recent(3)
    rest = library.journal.recent(20, before=first[-1].id)
    assert [event.summary[-3:-1] for event in first + rest] == [f"P{n}" for n in range(7, -1, -1)]
    assert [event.summary[-3:-1] for event in library.journal.recent(2, actor="you")] == ["P6", "P4"]
    assert library.journal.actors() == ["owner", "you"]


FACES = st.lists(st.integers(1, 10), min_size=1, max_size=4)
PERSON = st.integers(1, 4)
NAME = st.sampled_from(["Anna", "Bob", "anna"])
BACK = st.integers(0, 3)


class Decisions(RuleBasedStateMachine):
    """Random acts, undos, redos and re-groupings. Expected refusals are fine; anything else fails the test."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.library = open_empty(Path(self.folder.name))
        self.library.photos.add_many([new_photo(f"/{n}.jpg", faces=2) for n in range(4)])
        self.start = decided(self.library)

    def attempt(self, act: Callable[[], object]) -> None:
        before = decided(self.library)
        try:
            act()
        except FaceIdError:
            assert decided(self.library) == before

    @rule(ids=FACES, name=NAME, source=st.sampled_from(LabelSource), once=st.booleans())
    def name(self, ids: list[int], name: str, source: LabelSource, once: bool) -> None:
        self.attempt(lambda: self.library.people.name_faces(ids, name, source=source, once=once))

    @rule(person=PERSON, name=NAME)
    def rename(self, person: int, name: str) -> None:
        self.attempt(lambda: self.library.people.rename(person, name))

    @rule(keep=PERSON, others=st.lists(PERSON, min_size=1, max_size=2))
    def merge(self, keep: int, others: list[int]) -> None:
        self.attempt(lambda: self.library.people.merge(keep, others))

    @rule(ids=FACES, person=PERSON)
    def reject(self, ids: list[int], person: int) -> None:
        self.attempt(lambda: self.library.people.reject(ids, person))

    @rule(ids=FACES, person=PERSON)
    def remove(self, ids: list[int], person: int) -> None:
        self.attempt(lambda: self.library.people.remove_faces(ids, person))

    @rule(one=st.integers(1, 9), other=st.integers(1, 9), same=st.booleans())
    def verdict(self, one: int, other: int, same: bool) -> None:
        self.attempt(lambda: self.library.pair_constraints.say([(one, other)], same=same, summary="Said so"))

    @rule(person=PERSON, face=st.integers(1, 9))
    def cover(self, person: int, face: int) -> None:
        self.attempt(lambda: self.library.people.set_cover(person, face))

    @rule(person=PERSON)
    def delete(self, person: int) -> None:
        self.attempt(lambda: self.library.people.delete(person))

    @rule(ids=FACES, flag=st.sampled_from(Flag))
    def flag(self, ids: list[int], flag: Flag) -> None:
        self.attempt(lambda: self.library.faces.flag(ids, flag))

    @rule(photo=st.integers(1, 4), place=st.integers(0, 2))
    def draw(self, photo: int, place: int) -> None:
        self.attempt(lambda: self.library.faces.add(photo, Box(200 + 90 * place, 200, 260 + 90 * place, 280)))

    @rule(face=st.integers(1, 12), place=st.integers(0, 3))
    def move(self, face: int, place: int) -> None:
        self.attempt(lambda: self.library.faces.move(face, Box(12 + 40 * place, 20, 52 + 40 * place, 70)))

    @rule()
    def describe(self) -> None:
        before = decided(self.library)
        for face in self.library.faces.undescribed():
            assert self.library.faces.describe(face, EMBEDDER, new_face() if face.face_id % 2 else None)
        assert decided(self.library) == before

    def events(self, *, undone: bool) -> list[int]:
        return [event.id for event in self.library.journal.recent(1000) if event.undone is undone]

    @rule(back=BACK)
    def undo(self, back: int) -> None:
        """Not only the newest: any recent decision."""
        if standing := self.events(undone=False):
            self.attempt(lambda: self.library.journal.undo(standing[back % len(standing)]))

    @rule(back=BACK)
    def redo(self, back: int) -> None:
        if undone := self.events(undone=True):
            self.attempt(lambda: self.library.journal.redo(undone[back % len(undone)]))

    @rule(back=BACK)
    def undo_to(self, back: int) -> None:
        """Back to a recent decision, and forward again: the very same state."""
        events = self.library.journal.recent(1000)
        if events:
            before = decided(self.library)
            taken = self.library.journal.undo_to(events[back % len(events)].id)
            self.library.journal.redo_all([event.id for event in taken])
            assert decided(self.library) == before

    @rule(labels=st.lists(st.integers(-1, 2), min_size=8, max_size=8))
    def group_anew(self, labels: list[int]) -> None:
        before = decided(self.library)
        self.library.clusters.save_run("any", {}, EMBEDDER, np.arange(1, 9), np.array(labels) + 1)
        assert decided(self.library) == before

    @invariant()
    def no_face_is_named_whom_it_is_not(self) -> None:
        state = decided(self.library)
        rejected = {(row[0], row[1]) for row in state["rejection"]}
        assert not [row for row in state["label"] if (row[0], row[1]) in rejected]

    @rule(again=st.booleans())
    def import_again(self, again: bool) -> None:
        before = decided(self.library)
        self.library.photos.add_many([new_photo(f"/{n}.jpg", faces=2) for n in range(4)], again=again)
        assert decided(self.library) == before

    @invariant()
    def the_deep_check_finds_nothing(self) -> None:
        """Above all, the tables are what the standing events lead to."""
        assert self.library.problems() == []

    def teardown(self) -> None:
        while True:
            try:
                self.library.journal.undo()
            except NotFound:
                break
            except BadInput:
                # Events redone out of order: undo another one that nothing builds on.
                assert self._undo_any(), "no standing event can be undone"
        assert decided(self.library) == self.start
        self.library.close()
        self.folder.cleanup()

    def _undo_any(self) -> bool:
        for event in self.library.journal.recent(1000):
            if event.undone:
                continue
            try:
                self.library.journal.undo(event.id)
            except BadInput:
                continue
            return True
        return False


@pytest.mark.slow
def test_random_decisions_keep_the_invariants_and_undo_to_the_very_same_state(database_url: str | None) -> None:
    examples = 8 if database_url else 12  # each statement is a round trip to the server
    budget = hypothesis_settings(max_examples=examples, stateful_step_count=25, deadline=None, derandomize=True)
    run_state_machine_as_test(Decisions, settings=budget)


def test_redoing_a_name_does_not_overrule_a_newer_no(library: Library, faces: list[int]) -> None:
    person = library.people.name_faces(faces[:2], "Ada").person_id
    library.people.name_faces(faces[4:5], "Ada")
    moved = library.journal.recent(1)[0].id
    library.journal.undo(moved)
    library.people.reject(faces[4:5], person)
    with pytest.raises(BadInput, match="undo that one first"):
        library.journal.redo(moved)
    assert library.faces.get(faces[4]).person is None
    library.journal.undo()
    library.journal.redo(moved)
    assert library.faces.get(faces[4]).person == "Ada"
