"""Refuses actions on stale pages: checks, in the action's transaction, whether what the page drew still holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from faceid_core.errors import OutOfDate
from faceid_core.library.store.database import chunks
from faceid_core.library.store.records import DrawnFaces, PersonView
from faceid_core.library.store.tables import ClusterRun, Face, Label
from faceid_core.values import Flag

AGAIN = "check it again and repeat what still applies."


def latest_run() -> Any:
    """Return the id of the grouping that pages show, as a scalar subquery."""
    return select(func.max(ClusterRun.id)).where(col(ClusterRun.undone).is_(False)).scalar_subquery()


def states_of(session: Session, ids: Iterable[int]) -> dict[int, tuple[int | None, Flag]]:
    """Return face id -> (person id or None, flag), without faces that no longer exist."""
    found: dict[int, tuple[int | None, Flag]] = {}
    wanted = select(Face.id, Label.person_id, Face.flag).outerjoin(Label, col(Label.face_id) == col(Face.id))  # type: ignore[call-overload]
    for chunk in chunks(int(face) for face in ids):
        for face, person, flag in session.execute(wanted.where(col(Face.id).in_(chunk))):
            found[face] = (person, Flag(flag))
    return found


def check_faces(session: Session, ids: Sequence[int], drawn: DrawnFaces | None) -> None:
    """Raise OutOfDate unless these faces, and the grouping if it matters, are as they were drawn."""
    if drawn is None:
        return
    check_run(session, drawn.run)
    now = states_of(session, ids)
    changed = sum(now.get(int(face)) != drawn.states.get(int(face)) for face in ids)
    if changed:
        faces = f"{changed:,} of its faces {'has' if changed == 1 else 'have'}"
        raise OutOfDate(f"This page was out of date: {faces} changed meanwhile; {AGAIN}")


def check_run(session: Session, run: int | None) -> None:
    """Raise OutOfDate unless this grouping, if any, is in force."""
    if run is not None and session.scalar(select(latest_run())) != run:
        raise OutOfDate(f"This page was out of date: the faces have been grouped again; {AGAIN}")


def check_people(now: Iterable[PersonView], drawn: Sequence[PersonView], *, fields: Sequence[str]) -> None:
    """Raise OutOfDate unless these people have the same values in these fields as when drawn. All of them exist."""
    by_id = {person.id: person for person in now}
    for before in drawn:
        after = by_id[before.id]
        if any(getattr(after, field) != getattr(before, field) for field in fields):
            renamed = f", now {after.name}," if after.name != before.name else ""
            raise OutOfDate(f"This page was out of date: {before.name}{renamed} changed meanwhile; {AGAIN}")
