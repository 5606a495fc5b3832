"""Integrity checks: is the database complete, and do its rows agree with the journal?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import exists, func, or_, select, text
from sqlmodel import Session, SQLModel, col

from faceid_core.library.store import event_faces
from faceid_core.library.store.database import Database
from faceid_core.library.store.packed_vectors import is_finite
from faceid_core.library.store.person_counts import counted
from faceid_core.library.store.row_changes import JOURNALLED, encode, key_of, row_of
from faceid_core.library.store.tables import (
    Cluster,
    ClusterMember,
    Crop,
    Embedding,
    Event,
    EventFace,
    Face,
    HandBox,
    PersonCounts,
    Photo,
    UndescribedFace,
)
from faceid_core.library.store.traces import of_nobody
from faceid_core.library.store.withholding import withheld_faces
from faceid_core.values import Flag, PhotoStatus

Key = tuple[str, tuple[Any, ...]]

FORGOTTEN = ("clusterrun", "trainedmodel")

_OF_PHOTOS = ("persononphoto", "phototag")
"""Decisions about photos, which are not deleted with a face."""

DECISIONS = {table: model for table, model in JOURNALLED.items() if table not in FORGOTTEN}
"""Tables that must always agree with the journal. Old groupings and recognisers are deleted, but their events
stay."""


def problems(database: Database) -> list[str]:
    """Return the problems found, one sentence each; [] for a sound library. Reads every row and changes nothing."""
    checks = (_orphans, _missing, _not_finite, _counts, _person_counts, _journal, _event_faces, _erased)
    with database.read() as session:
        if damaged := list(_file(session)):
            return damaged  # other checks are meaningless on a damaged file
        return [problem for check in checks for problem in check(session)]


def _file(session: Session) -> Iterator[str]:
    """Run SQLite's own check. PostgreSQL checks its pages while it runs."""
    if session.get_bind().dialect.name != "sqlite":
        return
    found = [row[0] for row in session.execute(text("PRAGMA integrity_check"))]
    if found != ["ok"]:
        yield f"The database file is damaged ({found[0]}); restore it from your latest backup."


def _orphans(session: Session) -> Iterator[str]:
    for table in SQLModel.metadata.sorted_tables:
        for key in table.foreign_keys:
            parent = key.column.table.alias()
            there = exists().where(parent.c[key.column.name] == key.parent)
            wanted = select(func.count()).select_from(table).where(key.parent.is_not(None), ~there)
            if count := session.scalar(wanted) or 0:
                yield f"{count} rows of {table.name} refer to a row that no longer exists."


def _missing(session: Session) -> Iterator[str]:
    for table, what in ((Crop, "picture"), (Embedding, "vector")):
        without = select(func.count()).select_from(Face).where(~exists().where(col(table.face_id) == col(Face.id)))
        by_hand = or_(*(exists().where(col(each.face_id) == col(Face.id)) for each in (HandBox, UndescribedFace)))
        count = session.scalar(without.where(col(Face.id).not_in(withheld_faces()), ~by_hand)) or 0
        if count:
            yield f"{count} faces have no {what}; run `faceid import --again` on their photos."
        kept = select(func.count()).select_from(table).where(col(table.face_id).in_(withheld_faces()))
        if count := session.scalar(kept) or 0:
            yield f"{count} faces of people who refused consent still have a {what}; set their consent again."
    empty = select(func.count()).select_from(Crop).where(func.length(col(Crop.data)) == 0)
    if count := session.scalar(empty) or 0:
        yield f"{count} face pictures are empty; import their photos again."
    sizes = select(col(Embedding.embedder), func.count(func.distinct(func.length(col(Embedding.vector)))))
    for embedder, lengths in session.execute(sizes.group_by(col(Embedding.embedder))):
        if lengths > 1:
            yield f"The vectors of {embedder} differ in length; import the photos into a new library."
    failed = exists().where(col(Face.photo_id) == col(Photo.id), col(Photo.status) == PhotoStatus.FAILED.value)
    if count := session.scalar(select(func.count()).select_from(Face).where(failed)) or 0:
        yield f"{count} faces belong to photos that could not be read."


def _not_finite(session: Session) -> Iterator[str]:
    """Find vectors that are not finite. They are refused now, but older libraries may contain some."""
    wanted = select(Embedding.embedder, Embedding.vector)  # type: ignore[call-overload]
    rows = session.execute(wanted.execution_options(yield_per=1000))
    for embedder, count in sorted(Counter(name for name, vector in rows if not is_finite(vector)).items()):
        yield (
            f"{count} vectors of {embedder} are not finite, and their faces take no part; run "
            "`faceid import --again` on their photos."
        )


def _counts(session: Session) -> Iterator[str]:
    members = (
        select(func.count())
        .select_from(ClusterMember)
        .where(col(ClusterMember.cluster_id) == col(Cluster.id))
        .scalar_subquery()
    )
    wrong = session.scalar(select(func.count()).select_from(Cluster).where(members > col(Cluster.size))) or 0
    if wrong:
        yield f"{wrong} groups have more faces than recorded; group the faces again."


def _person_counts(session: Session) -> Iterator[str]:
    right = {row[0]: tuple(row) for row in session.execute(counted())}
    found = session.scalars(select(PersonCounts))
    rows = [(row.person_id, row.faces, row.photos, row.best_face_id) for row in found]
    if wrong := sum(right.get(row[0]) != row for row in rows):
        yield f"The face counts of {wrong} people are wrong."


def _journal(session: Session) -> Iterator[str]:
    """Find decision rows that differ from the result of the events in force."""
    wanted, found = replay(session), _decided(session)
    faces = {key[1][0] for key in found if key[0] == "face"}
    expected = {key: state for key, state in wanted.items() if state is not None and _has_faces(key, faces)}
    lost = Counter(key[0] for key in expected.keys() - found.keys())
    for table, count in sorted(lost.items()):
        yield f"{count} rows of {table} in the history are missing from the database."
    for table in DECISIONS:
        differ = [key for key in found if key[0] == table and found[key] != expected.get(key, _unmade(key))]
        if differ:
            yield f"{len(differ)} rows of {table} differ from the history."


def _erased(session: Session) -> Iterator[str]:
    """Find recognisers and jobs with names that nobody has or ever had: those of erased people. Former names of
    people who were renamed, merged or deleted are in the journal."""
    models, jobs = of_nobody(session)
    if models:
        numbers = ", ".join(str(model.id) for model in models)
        yield f"A recogniser (number {numbers}) knows someone who was erased; run `faceid erase leftovers`."
    if jobs:
        yield f"The results of {len(jobs)} jobs name someone who was erased; run `faceid erase leftovers`."


def _event_faces(session: Session) -> Iterator[str]:
    """Check the index of faces in events. If a face were missing there, a new import might delete it."""
    there = set(session.scalars(select(col(Face.id))))
    noted: dict[int, set[int]] = {}
    for face, event in session.execute(select(EventFace.face_id, EventFace.event_id)):  # type: ignore[call-overload]
        noted.setdefault(event, set()).add(face)
    wanted = select(Event.id, Event.changes).execution_options(yield_per=100)  # type: ignore[call-overload]
    rows = session.execute(wanted)
    wrong = sum(event_faces.faces_in(changes) & there != noted.get(event, set()) for event, changes in rows)
    if wrong:
        yield f"The face index of {wrong} events is wrong."


def replay(session: Session) -> dict[Key, str | None]:
    """Return row key -> content after all events in force; None if the row no longer exists.

    Events are undone and redone in any order, so the changes of a row form a path of unknown order. Its end is the
    one state that is entered once more often than it is left. A closed path ends where it began.
    """
    balance: dict[Key, Counter[str | None]] = {}
    events = select(Event).where(col(Event.undone_at).is_(None)).order_by(col(Event.id))
    for event in session.scalars(events).yield_per(100):
        for change in event.changes:
            if change["table"] not in DECISIONS:
                continue
            row = change["before"] or change["after"]
            key = (change["table"], key_of(change["table"], row))
            steps = balance.setdefault(key, Counter())
            steps[_content(change["after"])] += 1
            steps[_content(change["before"])] -= 1
        session.expunge(event)
    return {key: _end(key, steps) for key, steps in balance.items()}


def _end(key: Key, steps: Counter[str | None]) -> str | None:
    entered = [state for state, count in steps.items() if count > 0]
    return entered[0] if entered else _unmade(key)


def _unmade(key: Key) -> str | None:
    """Return the content of a row before any decision."""
    return _content({"id": key[1][0], "flag": Flag.NONE.value}) if key[0] == "face" else None


def _content(row: dict[str, Any] | None) -> str | None:
    """Return the row as text, without a person's cover, which the database clears when its face is deleted."""
    if row is None:
        return None
    return json.dumps({name: value for name, value in row.items() if name != "cover_face_id"}, sort_keys=True)


def _has_faces(key: Key, faces: set[Any]) -> bool:
    """Whether the row's faces exist. Deleting a face also deletes its label, rejections and verdicts."""
    ends = {
        "person": (),
        "consent": (),
        "persondetails": (),
        **dict.fromkeys(_OF_PHOTOS, ()),
        "verdict": key[1],
    }.get(key[0], key[1][:1])
    return faces.issuperset(ends)


def _decided(session: Session) -> dict[Key, str | None]:
    """Return every decision row as it is now."""
    found: dict[Key, str | None] = {}
    for table, model in DECISIONS.items():
        if table == "face":
            rows = [{"id": number, "flag": flag} for number, flag in session.execute(select(Face.id, Face.flag))]  # type: ignore[call-overload]
        else:
            rows = [row_of(row) for row in session.scalars(select(model))]
        for row in rows:
            found[(table, key_of(table, row))] = _content(encode(row))
    return found
