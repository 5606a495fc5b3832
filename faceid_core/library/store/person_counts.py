"""Cached counts of faces and photos per person, and their best face. Changes delete the cached row.

Counting all people reads every named face, 0.1 s for half a million. Missing rows are counted on demand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Select, delete, exists, func, insert, select, true
from sqlmodel import Session, col

from faceid_core.library.store.database import Database, chunks
from faceid_core.library.store.photo_tables import PersonOnPhoto
from faceid_core.library.store.tables import Face, Label, Person, PersonCounts
from faceid_core.values import Flag, Role


def forget(session: Session, people: Iterable[int], faces: Iterable[int] = ()) -> None:
    """Delete the counts of these people, and of the people of these faces."""
    for chunk in chunks(set(people)):
        session.execute(delete(PersonCounts).where(col(PersonCounts.person_id).in_(chunk)))
    for chunk in chunks(set(faces)):
        theirs = select(col(Label.person_id)).where(col(Label.face_id).in_(chunk))
        session.execute(delete(PersonCounts).where(col(PersonCounts.person_id).in_(theirs)))


def forget_all(session: Session) -> None:
    """Delete all stored counts; fill_counts() computes them again."""
    session.execute(delete(PersonCounts))


def fill_counts(database: Database) -> None:
    """Compute the missing counts."""
    missing = (
        select(col(Person.id))
        .outerjoin(PersonCounts, col(PersonCounts.person_id) == col(Person.id))
        .where(col(PersonCounts.person_id).is_(None))
    )
    with database.read() as session:
        if session.scalars(missing.limit(1)).first() is None:
            return
    # Computed within a write, or the result might already be stale. Even viewers may trigger it.
    with database.write(Role.VIEWER) as session:
        for chunk in chunks(session.scalars(missing).all()):
            rows = session.execute(counted(chunk)).mappings()
            session.execute(insert(PersonCounts), [dict(row) for row in rows])


def counted(people: Sequence[int | None] | None = None) -> Select[Any]:
    """Select up-to-date rows of PersonCounts, for all people or just these."""
    mine = true() if people is None else col(Label.person_id).in_(people)
    totals = (
        select(
            Label.person_id,
            func.count().label("faces"),
            func.count(func.distinct(Face.photo_id)).label("photos"),
            func.max(Face.quality).label("best"),
        )  # type: ignore[call-overload]
        .join(Face, col(Face.id) == col(Label.face_id))
        .where(col(Face.flag) == Flag.NONE.value, mine)
        .group_by(col(Label.person_id))
        .subquery()
    )
    without = _without_face(people).subquery()
    best = (
        select(func.min(Face.id))
        .join(Label, col(Label.face_id) == col(Face.id))
        .where(
            col(Label.person_id) == col(Person.id),
            col(Face.flag) == Flag.NONE.value,
            col(Face.quality) == totals.c.best,
        )
        .correlate(Person, totals)
        .scalar_subquery()
    )
    columns: tuple[Any, ...] = (
        col(Person.id).label("person_id"),
        func.coalesce(totals.c.faces, 0).label("faces"),
        (func.coalesce(totals.c.photos, 0) + func.coalesce(without.c.photos, 0)).label("photos"),
        best.label("best_face_id"),
    )
    wanted = select(*columns).outerjoin(totals, totals.c.person_id == col(Person.id))
    wanted = wanted.outerjoin(without, without.c.person_id == col(Person.id))
    return wanted if people is None else wanted.where(col(Person.id).in_(people))


def _without_face(people: Sequence[int | None] | None) -> Select[Any]:
    """Select photos that a person is on without a face."""
    theirs = exists().where(
        col(Face.photo_id) == col(PersonOnPhoto.photo_id),
        col(Label.face_id) == col(Face.id),
        col(Label.person_id) == col(PersonOnPhoto.person_id),
        col(Face.flag) == Flag.NONE.value,
    )
    mine = true() if people is None else col(PersonOnPhoto.person_id).in_(people)
    columns = select(PersonOnPhoto.person_id, func.count().label("photos"))  # type: ignore[call-overload]
    wanted: Select[Any] = columns.where(~theirs, mine).group_by(col(PersonOnPhoto.person_id))
    return wanted
