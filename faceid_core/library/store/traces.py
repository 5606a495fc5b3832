"""Finds and removes traces of people and faces in the journal and in jobs.

Events refer to people and faces by the ids in their rows, and by name in their summary. A summary is changed only
if the event concerns the person, and only whole names are replaced: "Anna" is not in "Anna Maria".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from faceid_core.library.store.job_tables import Job
from faceid_core.library.store.tables import Event, Person, TrainedModel

SOMEBODY = "somebody erased"
"""Replaces the name in the journal."""

BY_NAME_ALONE = ("merge", "verdict")
"""Kinds of event whose summary may name a person who is in none of the rows: in a merge, the person who is kept if
the other has no faces; in a verdict, the people whose faces were compared."""

BEFORE_A_NAME = ("face", "faces", "Merged", "merged", "into", "and", "Renamed", "renamed", "to", "Deleted", "that",
                 "is", "are", "not", "when", "for")  # fmt: skip
AFTER_A_NAME = ("into", "and", "to", "is", "are", "was", "again", "indeed", "on")
"""Words that surround names in summaries. Other names are in quotes."""


@dataclass(frozen=True)
class Traces:
    """The traces to remove: people by id with all their names, faces and photos by id. others: all current and
    former names of everybody else."""

    people: frozenset[int] = frozenset()
    names: frozenset[str] = frozenset()
    faces: frozenset[int] = frozenset()
    others: frozenset[str] = frozenset()
    photos: frozenset[int] = frozenset()

    def anonymous(self, sentence: str) -> str:
        """Replace each whole name in the sentence with SOMEBODY."""
        if not any(name in sentence for name in self.names):
            return sentence
        sentence = self._between_words.sub(SOMEBODY, sentence)
        return self._any_name.sub(self._unless_another, sentence)

    def _unless_another(self, found: re.Match[str]) -> str:
        return SOMEBODY if found[0] in self.names else found[0]

    @cached_property
    def _between_words(self) -> re.Pattern[str]:
        """Matches a name in its place in a sentence, whatever follows. "Anna and Bo" may be one name, but nothing
        of Anna may remain."""
        before = "|".join(["^", "(?<=“)", *(rf"(?<=\b{word}\s)" for word in BEFORE_A_NAME)])
        after = "|".join(["$", "[”,:;.]", *(rf"\s{word}\b" for word in AFTER_A_NAME)])
        names = "|".join(re.escape(name) for name in _longest_first(self.names))
        return re.compile(f"(?:{before})(?:{names})(?={after})")

    @cached_property
    def _any_name(self) -> re.Pattern[str]:
        """Matches the longest name of anybody, or quoted text, so that parts of other names are not replaced."""
        names = "|".join(re.escape(name) for name in _longest_first(self.names | self.others))
        return re.compile(rf"“[^”]*”|(?<!\w)(?:{names})(?!\w)")


def of_person(session: Session, person: Person, faces: Collection[int]) -> Traces:
    """Return the traces of a person and of everybody merged into them, directly or indirectly."""
    assert person.id is not None
    people, names = merged_into(session, person.id), names_ever(session)
    mine = frozenset(name for number in people for name in names[number])
    others = frozenset(name for number, each in names.items() if number not in people for name in each)
    return Traces(people, mine, frozenset(faces), others - mine)


def names_ever(session: Session) -> dict[int, set[str]]:
    """Return person id -> all current and former names, according to the journal."""
    found: dict[int, set[str]] = defaultdict(set)
    for person in session.scalars(select(Person)):
        found[person.id or 0].add(person.name)
    for event in _events(session):
        for change in event.changes:
            for row in (change["before"], change["after"]) if change["table"] == "person" else ():
                if row:
                    found[row["id"]].add(row["name"])
    return found


def of_nobody(session: Session) -> tuple[list[TrainedModel], list[Job]]:
    """Return recognisers and training jobs with a name that nobody has or ever had: that of an erased person."""
    known = {name for names in names_ever(session).values() for name in names}
    models = [model for model in session.scalars(select(TrainedModel)) if not known.issuperset(model.classes)]
    trained = session.scalars(select(Job).where(col(Job.kind) == "train"))
    return models, [job for job in trained if not known.issuperset(job.result.get("classes", ()))]


def forget(job: Job) -> None:
    """Remove everything from a job that may contain a name."""
    job.params, job.details, job.result, job.message, job.error = {}, {}, {}, "", None


def wiped(session: Session, traces: Traces) -> Iterator[tuple[Event, list[dict[str, Any]], str]]:
    """Yield each event with a trace, and its changes and summary without it."""
    for event in _events(session):
        changes = [left for change in event.changes if (left := _without(change, traces)) is not None]
        summary = event.summary
        if changes != event.changes or event.kind in BY_NAME_ALONE:
            summary = traces.anonymous(summary)
        if changes != event.changes or summary != event.summary:
            yield event, changes, summary


def in_job(job: Job, traces: Traces) -> bool:
    """Whether a job contains one of the names."""
    texts = _texts([job.params, job.details, job.result, job.message, job.error])
    return any(traces.anonymous(text) != text for text in texts)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _longest_first(names: Collection[str]) -> list[str]:
    return sorted(names, key=lambda name: (-len(name), name))


def _events(session: Session) -> Iterator[Event]:
    return iter(session.scalars(select(Event).order_by(col(Event.id))).yield_per(100))


def merged_into(session: Session, person_id: int) -> frozenset[int]:
    """Return the ids of the person and of everybody merged into them, directly or indirectly."""
    people = {person_id}
    merges = [event for event in _events(session) if event.kind == "merge" and event.undone_at is None]
    for event in reversed(merges):
        gone = {change["before"]["id"] for change in event.changes if change["table"] == "person"}
        kept = {row["person_id"] for change in event.changes if (row := change["after"]) and "person_id" in row}
        if kept & people:
            people |= gone
    return frozenset(people)


def _without(change: dict[str, Any], traces: Traces) -> dict[str, Any] | None:
    """Return a change without any trace of the people and faces; None if nothing is left of it."""
    sides = {side: _row_without(change["table"], change[side], traces) for side in ("before", "after")}
    return {"table": change["table"], **sides} if any(sides.values()) else None


def _row_without(table: str, row: dict[str, Any] | None, traces: Traces) -> dict[str, Any] | None:
    if row is None:
        return None
    person = row["id"] if table == "person" else row.get("person_id")
    faces = {row["id"]} if table == "face" else {row.get("face_id"), row.get("other_id")}
    if person in traces.people or faces & traces.faces or row.get("photo_id") in traces.photos:
        return None
    if row.get("cover_face_id") in traces.faces:
        return {**row, "cover_face_id": None}
    return row
