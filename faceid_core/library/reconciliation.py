"""When a photo is read again (searched with another detector, resaved, rotated or moved), matches the new faces to
the old ones, and finds the faces that may be deleted. This module only reads; photo_rows writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import Select, select
from sqlmodel import Session, col

from faceid_core.geometry import SAME_FACE_IOU, best_pairs, carried, inverse, overlaps
from faceid_core.library.store import event_faces
from faceid_core.library.store.database import chunks
from faceid_core.library.store.packed_vectors import is_finite
from faceid_core.library.store.tables import (
    Embedding,
    Face,
    HandBox,
    Label,
    PairConstraint,
    Person,
    Photo,
    Rejection,
)
from faceid_core.values import Box, Flag, NewPhoto

SAME_CROP = 0.35
"""Distance between vectors below which a face on an edited picture is the same face as before: far less than
between two photos of a person. On dlib's scale, like the next one; see NewPhoto.unit."""

SAME_PERSON = 0.5
"""Distance between vectors below which faces at the same place in two copies of a picture are the same face. When
resaved at half the size, 79 faces of real photos moved by 0.44 at most. In a rotated picture, the network sees
faces sideways, so vectors can't be compared (0.7 for the same face)."""


@dataclass(frozen=True, slots=True)
class Matched:
    """The matched faces of a photo that is read again. orientation: turns the new picture into the old one.

    kept: index of a new face -> id of the existing face; the other new faces are added. gone: ids of faces that
    were not found again and have no decisions. All other faces stay, moved to their new place. absorbed: indices
    of new faces covered by hand-drawn boxes. by_place: whether earlier boxes can be mapped to the new picture.
    """

    orientation: int
    kept: dict[int, int]
    gone: frozenset[int]
    absorbed: frozenset[int] = frozenset()
    by_place: bool = True


def by_place(session: Session, photo: Photo, new: NewPhoto, orientation: int) -> Matched:
    """Match by boxes: the same picture, possibly rotated or searched with another detector."""
    old = faces_of(session, photo)
    move = (photo.width, photo.height), (new.width, new.height), inverse(orientation)
    places = [carried(box_of(face), *move) for face in old]
    new_boxes = [face.face.box for face in new.faces]
    scores = overlaps(new_boxes, places)
    by_hand = _by_hand(session, old)
    before = [carried(by_hand.get(face.id) or box_of(face), *move) for face in old]
    scores = np.maximum(scores, overlaps(new_boxes, before))  # or where the detector found it before
    if orientation == 0 and new.sha256 != photo.sha256:  # portraits with the same backdrop also share a hash
        distances = _distances(session, old, new)
        scores[np.isfinite(distances) & (distances > SAME_PERSON * new.unit)] = 0
    matched = _matched(session, old, best_pairs(scores, SAME_FACE_IOU), orientation)
    boxed = [place for place, face in enumerate(old) if face.id in by_hand]
    absorbed = {place for place in range(len(new.faces)) if (scores[place, boxed] >= SAME_FACE_IOU).any()}
    return replace(matched, absorbed=frozenset(absorbed - matched.kept.keys()))


def by_vector(session: Session, photo: Photo, new: NewPhoto) -> Matched | None:
    """Match by vectors, for an edited picture, such as a cropped one. Returns None if that would lose a face with
    decisions: the file then contains another photo."""
    old = faces_of(session, photo)
    matched = _matched(session, old, best_pairs(-_distances(session, old, new), -SAME_CROP * new.unit), 0)
    stay = {face.id for face in old} - set(matched.kept.values()) - matched.gone
    return None if stay else replace(matched, by_place=False)


def faces_of(session: Session, photo: Photo) -> list[Face]:
    """Return the faces of a photo, by id."""
    return list(session.scalars(select(Face).where(col(Face.photo_id) == photo.id).order_by(col(Face.id))))


def box_of(face: Face) -> Box:
    """Return the box of a row."""
    return Box(face.left, face.top, face.right, face.bottom)


def alike(session: Session, one: Face, other: Face, units: Mapping[str, float]) -> bool:
    """Whether the vectors of two faces on near copies are close, or can't be compared. units: embedder name -> its
    NewPhoto.unit; vectors of other embedders are ignored."""
    wanted = select(Embedding).where(col(Embedding.face_id).in_([one.id, other.id]))
    vectors: dict[str, list[Any]] = {}
    for row in session.scalars(wanted.where(col(Embedding.embedder).in_(units))):
        if is_finite(row.vector):
            vectors.setdefault(row.embedder, []).append(np.frombuffer(row.vector, "<f4"))
    return all(
        np.linalg.norm(pair[0] - pair[1]) < SAME_PERSON * units[embedder]
        for embedder, pair in vectors.items()
        if len(pair) == 2
    )


def decided(session: Session, faces: Iterable[int | None]) -> set[int]:
    """Return the faces with decisions, including undone ones, which can be redone."""
    ids = {face for face in faces if face is not None}
    standing = _decided_now(session, ids)
    return standing | event_faces.mentioned(session, ids - standing)


def decided_photos(session: Session, photos: Sequence[int]) -> set[int]:
    """Return the photos that have a face with a decision in force."""
    found: set[int] = set()
    for chunk in chunks(photos):
        wanted = select(Face.id, Face.photo_id).where(col(Face.photo_id).in_(chunk))  # type: ignore[call-overload]
        faces = dict(session.execute(wanted).tuples().all())
        found |= {faces[face] for face in _decided_now(session, faces)}
    return found


def hand_boxed(session: Session, faces: Sequence[Face]) -> set[int]:
    """Return the faces with a hand-drawn or moved box."""
    return {face for face in _by_hand(session, faces) if face is not None}


def _by_hand(session: Session, faces: Sequence[Face]) -> dict[int | None, Box | None]:
    """Return face id -> the detector's box or None, for faces with a hand-drawn or moved box."""
    wanted = select(HandBox.face_id, HandBox.found).where(col(HandBox.face_id).in_([face.id for face in faces]))  # type: ignore[call-overload]
    return {face: Box(*found) if found else None for face, found in session.execute(wanted)}


def _decided_now(session: Session, faces: Iterable[int]) -> set[int]:
    found: set[int] = set()
    for chunk in chunks(faces):
        for wanted in _decisions(chunk):
            found.update(session.scalars(wanted))
    return found


def _decisions(ids: Sequence[int]) -> tuple[Select[Any], ...]:
    return (
        select(col(Label.face_id)).where(col(Label.face_id).in_(ids)),
        select(col(Rejection.face_id)).where(col(Rejection.face_id).in_(ids)),
        select(col(Person.cover_face_id)).where(col(Person.cover_face_id).in_(ids)),
        select(col(PairConstraint.face_id)).where(col(PairConstraint.face_id).in_(ids)),
        select(col(PairConstraint.other_id)).where(col(PairConstraint.other_id).in_(ids)),
        select(col(Face.id)).where(col(Face.flag) != Flag.NONE.value, col(Face.id).in_(ids)),
        select(col(HandBox.face_id)).where(col(HandBox.face_id).in_(ids)),
    )


def _matched(session: Session, old: Sequence[Face], pairs: dict[int, int], orientation: int) -> Matched:
    """From pairs of places among the new and the old faces."""
    kept = {place: int(old[other].id or 0) for place, other in pairs.items()}
    lost = {int(face.id or 0) for face in old} - set(kept.values())
    return Matched(orientation, kept, frozenset(lost - decided(session, lost)))


def _distances(session: Session, old: Sequence[Face], new: NewPhoto) -> np.ndarray:
    """The distance of each new face to each old one, (N, M); infinite where there is no vector to compare."""
    wanted = select(Embedding).where(col(Embedding.face_id).in_([face.id for face in old]))
    rows = session.scalars(wanted.where(col(Embedding.embedder) == new.embedder))
    vectors = {row.face_id: np.frombuffer(row.vector, "<f4") for row in rows if is_finite(row.vector)}
    found = np.full((len(new.faces), len(old)), np.inf)
    for place, face in enumerate(new.faces):
        for other, row in enumerate(old):
            if row.id in vectors:
                found[place, other] = np.linalg.norm(face.vector - vectors[row.id])
    return found
