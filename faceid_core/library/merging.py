"""Making several people one: what moves to the person who stays, and what was said against it and goes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col

from faceid_core.library.store.photo_tables import PersonOnPhoto
from faceid_core.library.store.row_changes import Change, current_rows
from faceid_core.library.store.tables import Label, PairConstraint, Rejection


def moved_labels(session: Session, others: Sequence[int], keep_id: int) -> list[Change]:
    """The faces of the others, given to the person who stays."""
    rows = current_rows(session, "label", col(Label.person_id), others)
    return [Change("label", row, {**row, "person_id": keep_id}) for row in rows]


def moved_rejections(session: Session, others: Sequence[int], keep_id: int) -> list[Change]:
    """Rejections follow, except where the face is, or will be, the kept person's."""
    mine = current_rows(session, "label", col(Label.person_id), [keep_id, *others])
    kept = {row["face_id"] for row in mine}
    kept |= {r["face_id"] for r in current_rows(session, "rejection", col(Rejection.person_id), [keep_id])}
    changes: list[Change] = []
    for row in current_rows(session, "rejection", col(Rejection.person_id), others):
        changes.append(Change("rejection", row, None))
        if row["face_id"] not in kept:
            kept.add(row["face_id"])
            changes.append(Change("rejection", None, {**row, "person_id": keep_id}))
    return changes


def moved_photos(session: Session, others: Sequence[int], keep_id: int) -> list[Change]:
    """Photos that the others are on without a face; what was said of the kept person stays."""
    rows = current_rows(session, "persononphoto", col(PersonOnPhoto.person_id), [keep_id, *others])
    kept = {row["photo_id"] for row in rows if row["person_id"] == keep_id}
    changes: list[Change] = []
    for row in rows:
        if row["person_id"] == keep_id:
            continue
        changes.append(Change("persononphoto", row, None))
        if row["photo_id"] not in kept:
            kept.add(row["photo_id"])
            changes.append(Change("persononphoto", None, {**row, "person_id": keep_id}))
    return changes


def overruled(session: Session, people: Sequence[int]) -> list[Change]:
    """What people said against these people's being one: faces of the others that are not the first, and pairs of
    faces of two of them that are two people. (What was said against the others goes with them.)"""
    labels = current_rows(session, "label", col(Label.person_id), people)
    person_of = {row["face_id"]: row["person_id"] for row in labels}
    rejections = current_rows(session, "rejection", col(Rejection.person_id), people[:1])
    apart = current_rows(session, "verdict", col(PairConstraint.face_id), person_of)
    changes = [Change("rejection", row, None) for row in rejections if row["face_id"] in person_of]
    for row in apart:
        one, other = person_of[row["face_id"]], person_of.get(row["other_id"])
        if not row["same"] and other is not None and one != other:
            changes.append(Change("verdict", row, None))
    return changes
