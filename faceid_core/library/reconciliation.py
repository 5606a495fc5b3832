"""A photo that is read anew - found by another detector, saved again, turned, moved: its faces keep their rows, and
with them their names, flags and rejections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlmodel import Session, col

from faceid_core import frame_path
from faceid_core.geometry import SAME_FACE_IOU, best_pairs, carried, carried_points, inverse, overlaps
from faceid_core.image_hash import PhashIndex, same_picture, split_phashes
from faceid_core.library.store import person_counts
from faceid_core.library.store.tables import (
    Crop,
    Embedding,
    Event,
    Face,
    Label,
    PairConstraint,
    Person,
    Photo,
    Rejection,
    Source,
)
from faceid_core.values import Box, Flag, LabelSource, NewFace, NewPhoto, PhotoStatus, utc_now

SAME_CROP = 0.35
"""Distance of two vectors below which a face on an edited picture is the face of before: far below that of two
photos of one person."""

SAME_PERSON = 0.5
"""Distance of two vectors below which faces at one place of pictures of one look are the same face: saved anew at
half the size, 79 faces of real photos moved by 0.44 at most. On a turned picture faces lie on their side for the
network, so that vectors say nothing there (0.7 for the same face)."""

Pairs = dict[int, int]
"""Place of a face among the new ones -> place among the old ones."""


def store(session: Session, photo: Photo, new: NewPhoto) -> Photo:
    """Write a photo that has no faces yet."""
    photo.imported_at = utc_now()
    _describe(session, photo, new)
    assert photo.id is not None
    _add_faces(session, photo.id, new, new.faces)
    return photo


def renew(session: Session, photo: Photo, new: NewPhoto, orientation: int) -> None:
    """Read a known picture anew; `turn` makes the new one look like the old one.

    A face that is found again keeps its row. One that is not stays where something was decided about it.
    """
    old = faces_of(session, photo)
    move = (photo.width, photo.height), (new.width, new.height), inverse(orientation)
    for face in old:
        points = np.frombuffer(face.landmarks, "<f4").reshape(-1, 2)
        face.left, face.top, face.right, face.bottom = carried(box_of(face), *move).as_tuple()
        face.landmarks = np.ascontiguousarray(carried_points(points, *move), "<f4").tobytes()
    scores = overlaps([face.face.box for face in new.faces], [box_of(face) for face in old])
    if orientation == 0 and new.sha256 != photo.sha256:  # portraits before one backdrop look alike, too
        likeness = _likeness(session, old, new)
        scores[np.isfinite(likeness) & (likeness < -SAME_PERSON)] = 0
    _update(session, photo, new, old, best_pairs(scores, SAME_FACE_IOU))


def edited(session: Session, photo: Photo, new: NewPhoto) -> bool:
    """Whether the file of this photo holds a changed picture of the same faces, or a photo about whose faces nobody
    decided anything; it is then read anew in place."""
    old = faces_of(session, photo)
    pairs = best_pairs(_likeness(session, old, new), -SAME_CROP)
    lost = {face.id for place, face in enumerate(old) if place not in pairs.values()}
    if _decided(session, lost):
        return False
    _update(session, photo, new, old, pairs)
    return True


def older_version(
    session: Session, source: Source | None, new: NewPhoto, phashes: PhashIndex
) -> tuple[Photo, int] | None:
    """The photo that this file, or one that is gone, held before it was saved anew, and the turn between them."""
    if source is not None:
        photo = in_place(session, source, new)
        orientation = same_picture(new.phashes, photo.phash) if photo else None
        return None if photo is None or orientation is None else (photo, orientation)
    for number, orientation in phashes.same(new.phashes):
        photo = session.get(Photo, number)
        if photo is not None and _was_moved(session, photo):
            return photo, orientation
    return None


def drop_undecided(session: Session, photo: Photo) -> None:
    """Take a photo out of the library, unless something was decided about a face of it."""
    faces = [face.id for face in faces_of(session, photo) if face.id is not None]
    if not _decided(session, faces):
        person_counts.forget(session, (), faces)
        session.delete(photo)


def faces_of(session: Session, photo: Photo) -> list[Face]:
    """The faces of a photo by id."""
    return list(session.scalars(select(Face).where(col(Face.photo_id) == photo.id).order_by(col(Face.id))))


def alike(session: Session, one: Face, other: Face) -> bool:
    """Whether the vectors of two faces on pictures of one look are near; so, too, when they can't be compared."""
    wanted = select(Embedding).where(col(Embedding.face_id).in_([one.id, other.id]))
    vectors: dict[str, list[Any]] = {}
    for row in session.scalars(wanted):
        vectors.setdefault(row.embedder, []).append(np.frombuffer(row.vector, "<f4"))
    return all(np.linalg.norm(pair[0] - pair[1]) < SAME_PERSON for pair in vectors.values() if len(pair) == 2)


def in_place(session: Session, source: Source | None, new: NewPhoto) -> Photo | None:
    """The readable photo that this file, and no other one, held before."""
    photo = session.get(Photo, source.photo_id) if source else None
    readable = photo is not None and photo.status == PhotoStatus.DONE.value
    return photo if photo and readable and _only_file(session, photo, new.path) else None


def _only_file(session: Session, photo: Photo, path: str) -> bool:
    paths = session.scalars(select(col(Source.path)).where(col(Source.photo_id) == photo.id))
    return list(paths) == [path]


def _was_moved(session: Session, photo: Photo) -> bool:
    """Whether none of its files is there any more, though their folders are: a drive that is not plugged in is no
    reason to take a photo for moved."""
    paths = session.scalars(select(col(Source.path)).where(col(Source.photo_id) == photo.id))
    return all(file.parent.is_dir() and not file.exists() for file in map(frame_path.file_of, paths))


def _describe(session: Session, photo: Photo, new: NewPhoto) -> None:
    photo.sha256, photo.path, photo.detector = new.sha256, new.path, new.detector
    photo.width, photo.height, photo.taken_at = new.width, new.height, new.taken_at
    photo.status = PhotoStatus.FAILED.value if new.error else PhotoStatus.DONE.value
    photo.error = new.error
    photo.phash = next(iter(split_phashes(new.phashes)), None)
    session.add(photo)
    session.flush()


def _update(session: Session, photo: Photo, new: NewPhoto, old: Sequence[Face], pairs: Pairs) -> None:
    assert photo.id is not None
    person_counts.forget(session, (), [face.id for face in old if face.id is not None])
    lost = {face.id: face for place, face in enumerate(old) if place not in pairs.values()}
    kept = _decided(session, lost)
    for number, face in lost.items():
        if number not in kept:
            session.delete(face)
    for place, other in pairs.items():
        _write_face(session, old[other], new, new.faces[place])
    _describe(session, photo, new)
    _add_faces(session, photo.id, new, [face for place, face in enumerate(new.faces) if place not in pairs])


def _add_faces(session: Session, photo_id: int, new: NewPhoto, faces: Sequence[NewFace]) -> None:
    rows = [_row(photo_id, new.detector, face) for face in faces]
    session.add_all(rows)
    session.flush()
    for row, face in zip(rows, faces, strict=True):
        session.add_all(_crop_and_vector(row, new.embedder, face))


def _write_face(session: Session, row: Face, new: NewPhoto, face: NewFace) -> None:
    """The row now shows this face; vectors of other embedders stay, as it is the same face."""
    for name, value in _row(row.photo_id, new.detector, face).model_dump(exclude={"id", "flag"}).items():
        setattr(row, name, value)
    for part in _crop_and_vector(row, new.embedder, face):
        session.merge(part)


def _crop_and_vector(row: Face, embedder: str, face: NewFace) -> tuple[Crop, Embedding]:
    assert row.id is not None
    vector = np.ascontiguousarray(face.vector, "<f4").tobytes()
    return Crop(face_id=row.id, data=face.crop), Embedding(face_id=row.id, embedder=embedder, vector=vector)


def _row(photo_id: int, detector: str, new: NewFace) -> Face:
    box, quality = new.face.box, new.quality
    return Face(
        photo_id=photo_id,
        left=float(box.left),
        top=float(box.top),
        right=float(box.right),
        bottom=float(box.bottom),
        score=float(new.face.score),
        landmarks=np.ascontiguousarray(new.face.landmarks, "<f4").tobytes(),
        quality=float(quality.score),
        quality_parts={part: float(getattr(quality, part)) for part in ("size", "sharpness", "pose", "exposure")},
        detector=detector,
    )


def box_of(face: Face) -> Box:
    """Where a face is, in pixels of the upright photo."""
    return Box(face.left, face.top, face.right, face.bottom)


def _likeness(session: Session, old: Sequence[Face], new: NewPhoto) -> np.ndarray:
    """Minus the distance of each new face to each old one, (N, M); -inf where there is no vector to compare."""
    wanted = select(Embedding).where(col(Embedding.face_id).in_([face.id for face in old]))
    rows = session.scalars(wanted.where(col(Embedding.embedder) == new.embedder))
    vectors = {row.face_id: np.frombuffer(row.vector, "<f4") for row in rows}
    found = np.full((len(new.faces), len(old)), -np.inf)
    for place, face in enumerate(new.faces):
        for other, row in enumerate(old):
            if row.id in vectors:
                found[place, other] = -np.linalg.norm(face.vector - vectors[row.id])
    return found


def _decided(session: Session, faces: Iterable[int | None]) -> set[int]:
    """Of these faces, those about which a human decided something, be it undone: it can be done again."""
    ids = [face for face in faces if face is not None]
    wanted = (
        select(col(Label.face_id)).where(col(Label.source) != LabelSource.MODEL.value, col(Label.face_id).in_(ids)),
        select(col(Rejection.face_id)).where(col(Rejection.face_id).in_(ids)),
        select(col(Person.cover_face_id)).where(col(Person.cover_face_id).in_(ids)),
        select(col(PairConstraint.face_id)).where(col(PairConstraint.face_id).in_(ids)),
        select(col(PairConstraint.other_id)).where(col(PairConstraint.other_id).in_(ids)),
        select(col(Face.id)).where(col(Face.flag) != Flag.NONE.value, col(Face.id).in_(ids)),
    )
    found = {number for each in wanted for number in session.scalars(each) if number is not None}
    return found | _mentioned(session, set(ids) - found)


def _mentioned(session: Session, faces: set[int]) -> set[int]:
    """Of these faces, those that an event of the journal speaks of. It reads the whole journal."""
    found: set[int] = set()
    if faces:
        for changes in session.scalars(select(col(Event.changes)).execution_options(yield_per=100)):
            found |= faces & {face for change in changes for face in _faces_in(change)}
    return found


def _faces_in(change: dict[str, Any]) -> Iterator[int | None]:
    for row in filter(None, (change["before"], change["after"])):
        yield row.get("id") if change["table"] == "face" else row.get("face_id", row.get("cover_face_id"))
        yield row.get("other_id")
