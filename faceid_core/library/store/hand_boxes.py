"""Hand-drawn and moved boxes, and the rows derived from them.

A `HandBox` is the decision. The face's own box, landmarks, picture and vector are derived from it, so `place` runs
in the transaction of every action, including undo and redo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import delete, exists, insert, or_, select, update
from sqlmodel import Session, col

from faceid_core.library.store import withholding
from faceid_core.library.store.tables import (
    Event,
    EventFace,
    Face,
    HandBox,
    Label,
    PairConstraint,
    Person,
    Rejection,
    UndescribedFace,
)
from faceid_core.values import Box, Flag

Row = dict[str, Any]
Sides = Sequence[tuple[Row | None, Row | None]]
"""HandBox rows before and after a change."""

BY_HAND = "hand"
"""The detector name of a hand-drawn face."""

EDGES = ("left", "top", "right", "bottom")


def needed(session: Session, boxes: Sides) -> bool:
    """Whether a hand-drawn face would be deleted although there are other decisions about it."""
    going = [before["face_id"] for before, after in boxes if before and not after]
    if not going:
        return False
    face = col(HandBox.face_id)
    decided = or_(
        exists().where(col(Label.face_id) == face),
        exists().where(col(Rejection.face_id) == face),
        exists().where(or_(col(PairConstraint.face_id) == face, col(PairConstraint.other_id) == face)),
        exists().where(col(Person.cover_face_id) == face),
        exists().where(col(Face.id) == face, col(Face.flag) != Flag.NONE.value),
    )
    alone = exists().where(col(Face.id) == face, col(Face.detector) == BY_HAND)
    wanted = select(face).where(face.in_(going), alone, decided)
    return session.scalars(wanted.limit(1)).first() is not None


def bring_back(session: Session, boxes: Sides) -> list[int]:
    """Restore hand-drawn faces that were deleted with their boxes. Returns their ids."""
    coming = {after["face_id"]: after for before, after in boxes if after and not before}
    if not coming:
        return []
    there = set(session.scalars(select(col(Face.id)).where(col(Face.id).in_(coming))))
    again = [face_row(row) for face, row in coming.items() if face not in there]
    if again:
        session.execute(insert(Face), again)
    return [row["id"] for row in again]


def face_row(row: Row) -> Row:
    """Return the row of a hand-drawn face for which nothing has been computed yet. row: its HandBox, with face_id
    None for a new face."""
    given = {"id": row["face_id"]} if row.get("face_id") is not None else {}
    edges = {edge: row[edge] for edge in EDGES}
    rest = {"photo_id": row["photo_id"], "score": 1.0, "landmarks": b"", "quality": 0.0, "quality_parts": {}}
    return {**given, **edges, **rest, "detector": BY_HAND, "flag": Flag.NONE.value}


def place(session: Session, boxes: Sides) -> None:
    """Move faces to their new boxes, or back to where the detector found them. HandBox rows are deleted here,
    because they contain the detector's box."""
    for before, after in boxes:
        if after is not None:
            if before is None:
                _keep_found(session, after["face_id"])
            _move(session, after["face_id"], [after[edge] for edge in EDGES])
        elif before is not None:
            _take_back(session, before["face_id"])


def to_describe(session: Session, faces: Iterable[int]) -> None:
    """Queue these faces to be described again, except for people who refused consent."""
    wanted = set(faces)
    wanted -= withholding.withheld_among(session, wanted)
    wanted -= set(
        session.scalars(select(col(UndescribedFace.face_id)).where(col(UndescribedFace.face_id).in_(wanted)))
    )
    if wanted:
        session.execute(insert(UndescribedFace), [{"face_id": face} for face in sorted(wanted)])


def carry(session: Session, face: int, move: Callable[[Box], Box]) -> None:
    """Move a face's box after its photo was edited, including every box stored in the journal, so that all
    decisions can still be undone and redone."""
    row = session.get_one(HandBox, face)
    for edge, value in zip(EDGES, move(Box(row.left, row.top, row.right, row.bottom)).as_tuple(), strict=True):
        setattr(row, edge, float(value))
    session.flush()
    told = select(Event).join(EventFace, col(EventFace.event_id) == col(Event.id))
    for event in session.scalars(told.where(col(EventFace.face_id) == face)):
        event.changes = [_carried(change, face, move) for change in event.changes]
    session.flush()


def _carried(change: dict[str, Any], face: int, move: Callable[[Box], Box]) -> dict[str, Any]:
    if change["table"] != "handbox":
        return change
    return {
        side: _moved(row, move) if isinstance(row, dict) and row["face_id"] == face else row
        for side, row in change.items()
    }


def _moved(row: Row, move: Callable[[Box], Box]) -> Row:
    edges = map(float, move(Box(*(row[edge] for edge in EDGES))).as_tuple())
    return {**row, **dict(zip(EDGES, edges, strict=True))}


def _keep_found(session: Session, face: int) -> None:
    """Save the detector's box when a detected face gets its first hand-drawn box."""
    row = session.execute(
        select(Face.left, Face.top, Face.right, Face.bottom, Face.detector).where(col(Face.id) == face)  # type: ignore[call-overload]
    ).one()
    if row[4] != BY_HAND:
        session.execute(update(HandBox).where(col(HandBox.face_id) == face).values(found=list(row[:4])))


def _take_back(session: Session, face: int) -> None:
    wanted = select(Face.detector, HandBox.found).join(HandBox, col(HandBox.face_id) == col(Face.id))  # type: ignore[call-overload]
    detector, found = session.execute(wanted.where(col(Face.id) == face)).one()
    session.execute(delete(HandBox).where(col(HandBox.face_id) == face))
    if detector == BY_HAND:
        withholding.forget_derived(session, [face])
        session.execute(delete(Face).where(col(Face.id) == face))
    elif found is not None:  # unknown if an older version used the library in between: the box stays
        _move(session, face, found)


def _move(session: Session, face: int, edges: Sequence[float]) -> None:
    withholding.forget_derived(session, [face])
    session.execute(
        update(Face).where(col(Face.id) == face).values(**dict(zip(EDGES, map(float, edges), strict=True)))
    )
    to_describe(session, [face])
