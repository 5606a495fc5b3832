"""Merging people: what moves to the person who is kept, and which contradicting decisions are deleted."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col

from faceid_core.library.store.photo_tables import PersonOnPhoto
from faceid_core.library.store.row_changes import Change, current_rows
from faceid_core.library.store.tables import Label, PairConstraint, Rejection


def moved_labels(session: Session, others: Sequence[int], keep_id: int) -> list[Change]:
    """Move the faces of the others to the person who is kept."""
    rows = current_rows(session, "label", col(Label.person_id), others)
    return [Change("label", row, {**row, "person_id": keep_id}) for row in rows]


def moved_rejections(session: Session, others: Sequence[int], keep_id: int) -> list[Change]:
    """Move the others' rejections, except for faces that are, or will be, the kept person's."""
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
    """Move the photos on which the others appear without a face. Entries of the kept person stay."""
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
    """Delete decisions that contradict the merge: rejections of the first person for faces of the others, and pairs
    of their faces that were said to be different people. (Rejections of the others are deleted with them.)"""
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
