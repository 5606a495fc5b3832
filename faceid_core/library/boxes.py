"""Hand-drawn boxes: where a user marked a face, and what is computed for such faces later."""

from __future__ import annotations

import math

import numpy as np
from sqlalchemy import delete, exists, insert, select
from sqlmodel import Session, col

from faceid_core import frame_path
from faceid_core.errors import BadInput, NotFound, OutOfDate
from faceid_core.library.drawn import AGAIN
from faceid_core.library.reconciliation import box_of
from faceid_core.library.store import journal, person_counts
from faceid_core.library.store.database import acting
from faceid_core.library.store.hand_boxes import EDGES, face_row, to_describe
from faceid_core.library.store.packed_vectors import is_finite, pack
from faceid_core.library.store.records import FacePlace, Placed, Undescribed
from faceid_core.library.store.row_changes import Change, Row, current_rows
from faceid_core.library.store.tables import (
    Crop,
    Embedding,
    Face,
    HandBox,
    Label,
    Person,
    Photo,
    UndescribedFace,
)
from faceid_core.library.store.withholding import withheld_among, withheld_faces
from faceid_core.values import Box, Flag, NewFace, Role, utc_now

LEAST_PX = 8.0
"""Boxes with shorter sides are taken for slips of the hand: no detector finds faces below 10 pixels."""

SAME_PLACE_IOU = 0.6
"""Minimum IoU at which a new box counts as the box of an existing face."""


def add(session: Session, photo_id: int, box: Box) -> Placed:
    """See Faces.add, also for the errors."""
    photo = _photo(session, photo_id)
    box = _within(box, photo)
    here = session.scalars(select(Face).where(col(Face.photo_id) == photo_id, col(Face.flag) == Flag.NONE.value))
    if any(box_of(face).iou(box) >= SAME_PLACE_IOU for face in here):
        raise BadInput("There is already a face here; move its box or name it.")
    row = new_face(session, photo_id, box)
    summary = f"Drew a face on {frame_path.shown(photo.path)}"
    event = journal.record(session, "draw", summary, [], done=[Change("handbox", None, row)])
    return Placed(event, row["face_id"])


def new_face(session: Session, photo_id: int, box: Box) -> Row:
    """Add a face at this box of a photo. Returns the row of its box, for the journal."""
    edges = dict(zip(EDGES, map(float, box.as_tuple()), strict=True))
    row: Row = {"face_id": None, "photo_id": photo_id, **edges, "at": utc_now()}
    face = Face(**face_row(row))
    session.add(face)
    session.flush()
    row["face_id"] = face.id
    session.add(HandBox(**row))
    session.flush()
    to_describe(session, [row["face_id"]])
    return row


def move(session: Session, face_id: int, box: Box, drawn: Box | None) -> Placed:
    """See Faces.move, also for the errors."""
    face = session.get(Face, face_id)
    if face is None:
        raise NotFound(f"There is no face {face_id} in the library.")
    if drawn is not None and not _is_at(face, drawn):
        raise OutOfDate(f"This page was out of date: the box of this face has been moved; {AGAIN}")
    photo = _photo(session, face.photo_id)
    change = moving(session, face, _within(box, photo))
    summary = f"Moved the box of a face on {frame_path.shown(photo.path)}"
    return Placed(journal.record(session, "draw", summary, [change]) if change else None, face_id)


def moving(session: Session, face: Face, box: Box) -> Change | None:
    """Return the change that moves a face to this box; None if it is already there."""
    if box == box_of(face):
        return None
    before = next(iter(current_rows(session, "handbox", col(HandBox.face_id), [int(face.id or 0)])), None)
    edges = dict(zip(EDGES, map(float, box.as_tuple()), strict=True))
    return Change("handbox", before, {"face_id": face.id, "photo_id": face.photo_id, **edges, "at": utc_now()})


def place(session: Session, face_id: int) -> FacePlace | None:
    """See Faces.place, also for the errors."""
    face = session.get(Face, face_id)
    if face is None or is_hidden(session, face_id):
        raise NotFound(f"There is no face {face_id} in the library.")
    if withheld_among(session, [face_id]):
        return None
    photo = session.get_one(Photo, face.photo_id)
    return FacePlace(face.photo_id, photo.path, box_of(face), max(photo.width, photo.height))


def is_hidden(session: Session, face_id: int) -> bool:
    """Whether the face, or its person, is hidden from the current actor."""
    if acting(session).role.includes(Role.EDITOR):
        return False
    wanted = select(Face.flag, Person.hidden).outerjoin(Label, col(Label.face_id) == col(Face.id))  # type: ignore[call-overload]
    wanted = wanted.outerjoin(Person, col(Person.id) == col(Label.person_id)).where(col(Face.id) == face_id)
    found = session.execute(wanted).first()
    return found is not None and (bool(found[1]) or found[0] == Flag.HIDDEN.value)


def undescribed(session: Session, limit: int) -> list[Undescribed]:
    """See Faces.undescribed."""
    by_hand = exists().where(col(HandBox.face_id) == col(Face.id))
    wanted = (
        select(Face, Photo.path, by_hand)  # type: ignore[call-overload]
        .join(UndescribedFace, col(UndescribedFace.face_id) == col(Face.id))
        .join(Photo, col(Photo.id) == col(Face.photo_id))
        .where(col(Face.id).not_in(withheld_faces()))
        .order_by(col(Face.id))
        .limit(limit)
    )
    return [
        Undescribed(face.id, face.photo_id, path, box_of(face), by_hand)
        for face, path, by_hand in session.execute(wanted)
    ]


def describe(session: Session, face: Undescribed, embedder: str, found: NewFace | None) -> bool:
    """See Faces.describe."""
    row = session.get(Face, face.face_id)
    waits = session.get(UndescribedFace, face.face_id) is not None
    if row is None or not waits or box_of(row) != face.box or withheld_among(session, [face.face_id]):
        return False
    session.execute(delete(UndescribedFace).where(col(UndescribedFace.face_id) == face.face_id))
    if found is None or not is_finite(pack(found.vector)):
        return True
    row.landmarks = np.ascontiguousarray(found.face.landmarks, "<f4").tobytes()
    row.quality = float(found.quality.score)
    row.quality_parts = {
        part: float(getattr(found.quality, part)) for part in ("size", "sharpness", "pose", "exposure")
    }
    session.execute(delete(Crop).where(col(Crop.face_id) == face.face_id))
    session.execute(delete(Embedding).where(col(Embedding.face_id) == face.face_id))
    session.flush()
    session.execute(insert(Crop), [{"face_id": face.face_id, "data": found.crop}])
    vector = {"face_id": face.face_id, "embedder": embedder, "vector": pack(found.vector)}
    session.execute(insert(Embedding), [vector])
    person_counts.forget(session, (), [face.face_id])
    return True


def _photo(session: Session, photo_id: int) -> Photo:
    photo = session.get(Photo, photo_id)
    if photo is None:
        raise NotFound(f"There is no photo {photo_id} in the library.")
    if not (photo.width and photo.height):
        raise BadInput("This photo could not be read, so it has no place for a box; repair the file and import it.")
    return photo


def _within(box: Box, photo: Photo) -> Box:
    """Clip a box to its photo and round it to a hundredth of a pixel. Raises BadInput."""
    if not all(map(math.isfinite, box.as_tuple())):
        raise BadInput("A box needs left, top, right and bottom in pixels, but one of them is not a number.")
    left, right = (round(min(max(edge, 0.0), float(photo.width)), 2) for edge in (box.left, box.right))
    top, bottom = (round(min(max(edge, 0.0), float(photo.height)), 2) for edge in (box.top, box.bottom))
    if right - left < LEAST_PX or bottom - top < LEAST_PX:
        raise BadInput(
            f"This box is too small; draw one of at least {LEAST_PX:.0f} pixels a side within the photo."
        )
    return Box(left, top, right, bottom)


def _is_at(face: Face, drawn: Box) -> bool:
    """Whether the face is where the page drew it, apart from rounding."""
    return all(abs(a - b) < 1 for a, b in zip(box_of(face).as_tuple(), drawn.as_tuple(), strict=True))
