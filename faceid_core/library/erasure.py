"""Erasing for good: rows, their traces in the journal, and the bytes in the file. The one act that can't be undone.

Every connection has SQLite's secure_delete on, which overwrites freed content with zeros; afterwards the
write-ahead log is folded in and cut, and VACUUM rebuilds the file. Backups made earlier are not touched.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select, text
from sqlmodel import Session, col

from faceid_core.errors import NotFound
from faceid_core.library.store import event_faces, person_counts
from faceid_core.library.store.database import Database, chunks
from faceid_core.library.store.journal import ERASED
from faceid_core.library.store.tables import (
    Cluster,
    ClusterMember,
    Crop,
    Embedding,
    Event,
    Face,
    Job,
    Label,
    MapPoint,
    PairConstraint,
    Person,
    Photo,
    Rejection,
    Source,
    TrainedModel,
)
from faceid_core.values import JobState

SOMEBODY = "somebody erased"
"""What the journal says instead of the name."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """What goes, or went: faces with their pictures and vectors, photos (files on disk stay), events that are
    changed, and recognisers that learned from the faces."""

    faces: int = 0
    photos: int = 0
    events: int = 0
    models: int = 0


@dataclass(frozen=True, slots=True)
class _Traces:
    """Whose traces are wiped out of the journal: people by id with all their names, and faces by id."""

    people: frozenset[int]
    names: frozenset[str]
    faces: frozenset[int]


class Erasing:
    """Takes people, faces and photos out of the library for good."""

    def __init__(self, database: Database, models_folder: Path, graphs_folder: Path) -> None:
        self._database, self._models_folder, self._graphs_folder = database, models_folder, graphs_folder

    def person(self, person_id: int, *, actor: str, preview: bool = False) -> Erasure:
        """Erase a person with all faces of that name, their vectors, events and recognisers. Raises NotFound."""
        with self._database.read() as session:
            person = session.get(Person, person_id)
            if person is None:
                raise NotFound(f"There is no person {person_id}.")
            people = _merged_into(session, person_id)
            faces = session.scalars(select(col(Label.face_id)).where(col(Label.person_id) == person_id))
            traces = _Traces(people, _names(session, people) | {person.name}, frozenset(faces))
        return self._erase(traces, "Erased a person", actor, preview)

    def faces(self, ids: Iterable[int], *, actor: str, preview: bool = False) -> Erasure:
        """Erase faces. Those that are not there are left out."""
        with self._database.read() as session:
            there = frozenset(_present(session, Face, ids))
        return self._erase(_Traces(frozenset(), frozenset(), there), "Erased faces", actor, preview)

    def photos(self, ids: Iterable[int], *, actor: str, preview: bool = False) -> Erasure:
        """Erase photos with their faces from the library; the files stay where they are."""
        with self._database.read() as session:
            there = _present(session, Photo, ids)
            faces: list[int] = []
            for chunk in chunks(there):
                faces += session.scalars(select(col(Face.id)).where(col(Face.photo_id).in_(chunk)))
        traces = _Traces(frozenset(), frozenset(), frozenset(faces))
        return self._erase(traces, "Erased photos", actor, preview, photos=there)

    def _erase(
        self, traces: _Traces, summary: str, actor: str, preview: bool, photos: Collection[int] = ()
    ) -> Erasure:
        with self._database.read() as session:
            found = _found(session, traces, photos)
        if preview or not (traces.faces or traces.people or photos):
            return found
        with self._database.write() as session:
            found, models = _found(session, traces, photos), _models_of(session, traces)
            for event, changes in list(_wiped(session, traces)):
                event.changes, event.summary = changes, _anonymous(event.summary, traces)
                event_faces.note(session, event.id or 0, changes)
            _delete_rows(session, traces, photos, models)
            session.add(Event(actor=actor, kind=ERASED, summary=summary, changes=[]))
            artifacts = [model.artifact for model in models]
        for artifact in artifacts:
            shutil.rmtree(self._models_folder / artifact, ignore_errors=True)
        shutil.rmtree(self._graphs_folder, ignore_errors=True)  # made anew when it is wanted, without the faces
        _rebuild(self._database)
        return found


def _present(session: Session, model: type[Face] | type[Photo], ids: Iterable[int]) -> list[int]:
    found: list[int] = []
    for chunk in chunks({int(number) for number in ids}):
        found += session.scalars(select(col(model.id)).where(col(model.id).in_(chunk)))
    return found


def _found(session: Session, traces: _Traces, photos: Collection[int]) -> Erasure:
    events = sum(1 for _ in _wiped(session, traces))
    return Erasure(len(traces.faces), len(photos), events, len(_models_of(session, traces)))


def _merged_into(session: Session, person_id: int) -> frozenset[int]:
    """The person and everybody who was merged into them, at whatever remove: they are one human being."""
    people = {person_id}
    merges = [event for event in _events(session) if event.kind == "merge" and event.undone_at is None]
    for event in reversed(merges):
        gone = {change["before"]["id"] for change in event.changes if change["table"] == "person"}
        kept = {row["person_id"] for change in event.changes if (row := change["after"]) and "person_id" in row}
        if kept & people:
            people |= gone
    return frozenset(people)


def _names(session: Session, people: Collection[int]) -> frozenset[str]:
    """Every name that they ever had."""
    rows = (change[side] for event in _events(session) for change in event.changes for side in ("before", "after")
            if change["table"] == "person" and change[side])  # fmt: skip
    return frozenset(row["name"] for row in rows if row["id"] in people)


def _events(session: Session) -> Iterator[Event]:
    return iter(session.scalars(select(Event).order_by(col(Event.id))).yield_per(100))


def _wiped(session: Session, traces: _Traces) -> Iterator[tuple[Event, list[dict[str, Any]]]]:
    """Each event with a trace, and its changes without it. A trace may be the name alone: whoever has no face yet
    is in no row of a merge."""
    for event in _events(session):
        changes = [wiped for change in event.changes if (wiped := _without(change, traces)) is not None]
        if changes != event.changes or _anonymous(event.summary, traces) != event.summary:
            yield event, changes


def _without(change: dict[str, Any], traces: _Traces) -> dict[str, Any] | None:
    """A change as it would be if the people and faces had never been; None when nothing is left of it."""
    sides = {side: _row_without(change["table"], change[side], traces) for side in ("before", "after")}
    return {"table": change["table"], **sides} if any(sides.values()) else None


def _row_without(table: str, row: dict[str, Any] | None, traces: _Traces) -> dict[str, Any] | None:
    if row is None:
        return None
    person = row["id"] if table == "person" else row.get("person_id")
    faces = {row["id"]} if table == "face" else {row.get("face_id"), row.get("other_id")}
    if person in traces.people or faces & traces.faces:
        return None
    if row.get("cover_face_id") in traces.faces:
        return {**row, "cover_face_id": None}
    return row


def _anonymous(summary: str, traces: _Traces) -> str:
    for name in sorted(traces.names, key=len, reverse=True):
        summary = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", SOMEBODY, summary)
    return summary


def _models_of(session: Session, traces: _Traces) -> list[TrainedModel]:
    """Recognisers that hold the mean vector of a person who goes; all, when faces go that they may have learned."""
    models = session.scalars(select(TrainedModel)).all()
    if traces.people:
        return [model for model in models if traces.names & set(model.classes)]
    named = _named_among(session, traces.faces)
    return [model for model in models if named & set(model.classes)]


def _named_among(session: Session, faces: Iterable[int]) -> set[str]:
    names: set[str] = set()
    for chunk in chunks(faces):
        wanted = select(col(Person.name)).join(Label, col(Label.person_id) == col(Person.id))
        names |= set(session.scalars(wanted.where(col(Label.face_id).in_(chunk))))
    return names


def _delete_rows(
    session: Session, traces: _Traces, photos: Collection[int], models: Collection[TrainedModel]
) -> None:
    of_faces = (Crop, Embedding, ClusterMember, MapPoint, Label, Rejection, PairConstraint)
    for chunk in chunks(traces.faces):
        affected = select(col(ClusterMember.cluster_id)).where(col(ClusterMember.face_id).in_(chunk)).distinct()
        clusters = list(session.scalars(affected))
        for table in of_faces:
            session.execute(delete(table).where(col(table.face_id).in_(chunk)))
        session.execute(delete(PairConstraint).where(col(PairConstraint.other_id).in_(chunk)))
        session.execute(delete(Face).where(col(Face.id).in_(chunk)))
        _recount(session, clusters)
    person_counts.forget_all(session)
    for chunk in chunks(photos):
        session.execute(delete(Source).where(col(Source.photo_id).in_(chunk)))
        session.execute(delete(Photo).where(col(Photo.id).in_(chunk)))
    for person in traces.people:
        session.execute(delete(Rejection).where(col(Rejection.person_id) == person))
        session.execute(delete(Person).where(col(Person.id) == person))
    for model in models:
        session.delete(model)
    _clean_jobs(session, traces)


def _recount(session: Session, clusters: Iterable[int]) -> None:
    for number in clusters:
        members = session.scalar(select(func.count()).where(col(ClusterMember.cluster_id) == number)) or 0
        cluster = session.get(Cluster, number)
        if cluster is not None and members:
            cluster.size = members
        elif cluster is not None:
            session.delete(cluster)


def _clean_jobs(session: Session, traces: _Traces) -> None:
    """A finished job may tell whom it trained."""
    ended = [JobState.DONE.value, JobState.FAILED.value, JobState.CANCELLED.value]
    for job in session.scalars(select(Job).where(col(Job.state).in_(ended))):
        told = json.dumps([job.params, job.details, job.result, job.message], ensure_ascii=False)
        if any(json.dumps(name, ensure_ascii=False)[1:-1] in told for name in traces.names):
            job.params, job.details, job.result, job.message = {}, {}, {}, ""


def _rebuild(database: Database) -> None:
    """Make the file hold nothing but what is in the tables."""
    if database.engine.dialect.name != "sqlite":
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM FULL"))
        return
    raw = database.engine.raw_connection()
    try:
        raw.execute("VACUUM")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        raw.close()
