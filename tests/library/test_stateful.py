"""Whatever people do in whatever order: tables and journal agree, and undoing everything restores the start."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlmodel import select

from faceid_core.errors import BadInput, FaceIdError, NotFound
from faceid_core.tables import Flag, LabelSource, Rejection
from tests.library.conftest import EMBEDDER, new_photo, open_empty

FACES = list(range(1, 9))
NAMES = ["Ada", "ada", "Bo", "Cy", "Dee"]
some_faces = st.lists(st.sampled_from(FACES), min_size=1, max_size=4, unique=True)
places = st.integers(0, 20)


class Decisions(RuleBasedStateMachine):
    """Eight faces on four photos, and everything that can be said about them."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.library = open_empty(Path(self.folder.name))
        self.photos = [new_photo(f"/photos/{number}.jpg", faces=2) for number in range(4)]
        self.library.photos.add_many(self.photos)
        self.before = self.state()

    def teardown(self) -> None:
        if hasattr(self, "library"):
            self.undo_everything()
            assert self.state() == self.before
            self.library.close()
            self.folder.cleanup()

    def state(self) -> list[tuple[object, ...]]:
        shown = self.library.faces.get_many(FACES)
        flagged = [self.library.faces.with_flag(flag) for flag in Flag]
        return [(face.id, face.person, face.source) for face in shown] + [(self.library.people.all(), flagged)]

    def undo_everything(self) -> None:
        """Some event can always be undone: an event that is in the way is itself not in anybody's way."""
        while standing := [event.id for event in self.library.journal.recent(1000) if not event.undone]:
            for event in standing:
                with suppress(BadInput):
                    self.library.journal.undo(event)
                    break
            else:
                raise AssertionError(f"none of {standing} can be undone")

    def someone(self, place: int) -> int:
        people = self.library.people.all()
        return people[place % len(people)].id if people else 0

    @rule(faces=some_faces, name=st.sampled_from(NAMES), source=st.sampled_from(LabelSource), once=st.booleans())
    def name(self, faces: list[int], name: str, source: LabelSource, once: bool) -> None:
        with suppress(BadInput):
            self.library.people.name_faces(faces, name, actor="a", source=source, once=once)

    @rule(place=places, name=st.sampled_from(NAMES))
    def rename(self, place: int, name: str) -> None:
        with suppress(FaceIdError):
            self.library.people.rename(self.someone(place), name, actor="a")

    @rule(one=places, other=places)
    def merge(self, one: int, other: int) -> None:
        with suppress(FaceIdError):
            self.library.people.merge(self.someone(one), [self.someone(other)], actor="a")

    @rule(place=places)
    def forget(self, place: int) -> None:
        with suppress(NotFound):
            self.library.people.delete(self.someone(place), actor="a")

    @rule(faces=some_faces)
    def remove(self, faces: list[int]) -> None:
        self.library.people.remove_faces(faces, actor="a")

    @rule(faces=some_faces, place=places)
    def reject(self, faces: list[int], place: int) -> None:
        with suppress(NotFound):
            self.library.people.reject(faces, self.someone(place), actor="a")

    @rule(faces=some_faces, flag=st.sampled_from(Flag))
    def flag(self, faces: list[int], flag: Flag) -> None:
        self.library.faces.flag(faces, flag, actor="a")

    @rule(place=places, face=st.sampled_from(FACES))
    def cover(self, place: int, face: int) -> None:
        with suppress(FaceIdError):
            self.library.people.set_cover(self.someone(place), face, actor="a")

    @rule(labels=st.lists(st.integers(-1, 2), min_size=8, max_size=8))
    def group_again(self, labels: list[int]) -> None:
        before = self.state()
        self.library.clusters.save_run("test", {}, EMBEDDER, np.array(FACES), np.array(labels))
        assert self.state() == before

    @rule()
    def import_again(self) -> None:
        before = self.state()
        added = self.library.photos.add_many(self.photos)
        assert {one.outcome for one in added} == {"unchanged"} and self.state() == before

    @precondition(lambda self: self.library.journal.recent(1))
    @rule(place=places)
    def undo(self, place: int) -> None:
        events = self.library.journal.recent(100)
        with suppress(FaceIdError):
            self.library.journal.undo(events[place % len(events)].id)

    @precondition(lambda self: self.library.journal.recent(1))
    @rule(place=places)
    def redo(self, place: int) -> None:
        events = self.library.journal.recent(100)
        with suppress(FaceIdError):
            self.library.journal.redo(events[place % len(events)].id)

    @invariant()
    def tables_agree_with_the_journal(self) -> None:
        if hasattr(self, "library"):
            assert self.library.problems() == []

    @invariant()
    def nobody_is_what_was_ruled_out(self) -> None:
        if hasattr(self, "library"):
            named = {(face.id, face.person_id) for face in self.library.faces.get_many(FACES) if face.person_id}
            with self.library._database.read() as session:
                rejected = {(row.face_id, row.person_id) for row in session.exec(select(Rejection))}
            assert not named & rejected


def test_any_sequence_of_decisions() -> None:
    effort = settings(
        max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Decisions, settings=effort)  # type: ignore[no-untyped-call]
