"""Carries out the plans of photo_plan: writes a photo's row, faces and files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from sqlalchemy import delete, select
from sqlmodel import Session, col

from faceid_core.geometry import carried, carried_points, inverse, shifted
from faceid_core.image_hash import split_phashes
from faceid_core.library.photo_files import shown_path
from faceid_core.library.photo_plan import Insert, Keep, Plan, Reread
from faceid_core.library.reconciliation import Matched, box_of, faces_of, hand_boxed
from faceid_core.library.store import hand_boxes, person_counts
from faceid_core.library.store.packed_vectors import pack
from faceid_core.library.store.records import Added
from faceid_core.library.store.tables import Crop, Embedding, Face, HandBox, PerceptualHash, Photo, Source
from faceid_core.library.store.withholding import NO_LANDMARKS, withheld_among
from faceid_core.values import Box, NewFace, NewPhoto, PhotoStatus, utc_now


def carry_out(session: Session, plan: Plan) -> Added:
    """Carry out a plan in the transaction that made it."""
    added = _act(session, plan.photo, plan.action)
    _note_file(session, plan.photo, added.photo_id)
    if plan.photo.frame and plan.photo.frame.every:  # a source for the video itself detects that it is unchanged
        _note_file(session, replace(plan.photo, path=plan.photo.frame.video), added.photo_id)
    for number in plan.obsolete:
        _remove(session, session.get_one(Photo, number))
    return added


def _act(session: Session, new: NewPhoto, action: Keep | Reread | Insert) -> Added:
    error = new.error if action.outcome == "failed" else None
    if isinstance(action, Keep):
        photo = session.get_one(Photo, action.photo_id)
        photo.path = shown_path(photo.path, new.path)
        return Added(action.photo_id, action.outcome, error=error)
    if isinstance(action, Reread):
        _reread(session, session.get_one(Photo, action.photo_id), new, action.faces)
        return Added(action.photo_id, action.outcome)
    photo = Photo(path=new.path) if action.repairs is None else session.get_one(Photo, action.repairs)
    photo.imported_at = utc_now()
    number = _describe(session, photo, new)
    _add_faces(session, number, new, new.faces)
    return Added(number, action.outcome, action.near_copy, action.near_copy_orientation, error)


def _reread(session: Session, photo: Photo, new: NewPhoto, faces: Matched) -> None:
    old = {int(face.id or 0): face for face in faces_of(session, photo)}
    person_counts.forget(session, (), list(old))
    for number in faces.gone:
        session.delete(old.pop(number))
    boxed = hand_boxed(session, list(old.values()))
    for number in old.keys() - set(faces.kept.values()):
        _carry(old[number], photo, new, faces.orientation)
    for number in boxed:
        place = next((place for place, kept in faces.kept.items() if kept == number), None)
        _keep_box(session, old[number], photo, new, faces, new.faces[place].face.box if place is not None else None)
    withheld = withheld_among(session, faces.kept.values())
    for place, number in faces.kept.items():
        if number in boxed:
            continue
        _write_face(session, old[number], new, new.faces[place], withheld=number in withheld)
    found = _describe(session, photo, new)
    known = faces.kept.keys() | faces.absorbed
    _add_faces(session, found, new, [face for place, face in enumerate(new.faces) if place not in known])


def _keep_box(session: Session, face: Face, photo: Photo, new: NewPhoto, faces: Matched, found: Box | None) -> None:
    """Keep a hand-drawn box, moved to its place on the new picture, and describe the face again. found: the box
    that the detector found now."""
    number = int(face.id or 0)
    move: Callable[[Box], Box] = partial(
        carried,
        size=(photo.width, photo.height),
        onto=(new.width, new.height),
        orientation=inverse(faces.orientation),
    )
    if not faces.by_place and found is not None:  # a cropped picture: the detected face shows where it moved
        move = partial(shifted, was=box_of(face), now=found)
    if not faces.by_place or faces.orientation or (photo.width, photo.height) != (new.width, new.height):
        hand_boxes.carry(session, number, move)
    row = session.get_one(HandBox, number)
    face.left, face.top, face.right, face.bottom = row.left, row.top, row.right, row.bottom
    if found is not None:
        row.found, face.detector = list(found.as_tuple()), new.detector
    elif row.found is not None:
        row.found = list(move(Box(*row.found)).as_tuple())
    session.flush()
    hand_boxes.to_describe(session, [number])


def _carry(face: Face, photo: Photo, new: NewPhoto, orientation: int) -> None:
    """Move a face that was not found again to its place on the new picture."""
    move = (photo.width, photo.height), (new.width, new.height), inverse(orientation)
    points = np.frombuffer(face.landmarks, "<f4").reshape(-1, 2)
    face.left, face.top, face.right, face.bottom = carried(box_of(face), *move).as_tuple()
    face.landmarks = np.ascontiguousarray(carried_points(points, *move), "<f4").tobytes()


def _describe(session: Session, photo: Photo, new: NewPhoto) -> int:
    """Write the photo's row, and a new row for its perceptual hash if that changed. Returns the photo's id."""
    photo.sha256, photo.path, photo.detector = new.sha256, new.path, new.detector
    photo.width, photo.height, photo.taken_at = new.width, new.height, new.taken_at
    photo.camera = new.camera
    photo.status = PhotoStatus.FAILED.value if new.error else PhotoStatus.DONE.value
    photo.error = new.error
    session.add(photo)
    session.flush()
    number, bits = int(photo.id or 0), next(iter(split_phashes(new.phashes)), None)
    of_photo = col(PerceptualHash.photo_id) == number
    if session.scalars(select(col(PerceptualHash.bits)).where(of_photo)).first() != bits:
        session.execute(delete(PerceptualHash).where(of_photo))
        if bits is not None:
            session.add(PerceptualHash(photo_id=number, bits=bits))
            session.flush()
    return number


def _add_faces(session: Session, photo_id: int, new: NewPhoto, faces: Sequence[NewFace]) -> None:
    rows = [_row(photo_id, new.detector, face) for face in faces]
    session.add_all(rows)
    session.flush()
    for row, face in zip(rows, faces, strict=True):
        session.add_all(_crop_and_vector(row, new.embedder, face))


def _write_face(session: Session, row: Face, new: NewPhoto, face: NewFace, *, withheld: bool) -> None:
    """Update a row with this face. Vectors of other embedders stay, as it is the same face. withheld: its person
    refused consent, so store only its place."""
    for name, value in _row(row.photo_id, new.detector, face).model_dump(exclude={"id", "flag"}).items():
        setattr(row, name, value)
    if withheld:
        row.landmarks = NO_LANDMARKS
        return
    for part in _crop_and_vector(row, new.embedder, face):
        session.merge(part)


def _crop_and_vector(row: Face, embedder: str, face: NewFace) -> tuple[Crop, Embedding]:
    assert row.id is not None
    vector = pack(face.vector)
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


def _note_file(session: Session, new: NewPhoto, photo_id: int) -> None:
    """Record that the file contains this photo. A photo that it contained before stays, under its other files if
    any. A photo that could never be read is deleted with its last file."""
    source = session.get(Source, new.path)
    left = source.photo_id if source and source.photo_id != photo_id else None
    source = source or Source(path=new.path, photo_id=photo_id)
    source.photo_id, source.size_bytes, source.modified_ns = photo_id, new.size_bytes, new.modified_ns
    session.add(source)
    session.flush()
    if left is not None:
        other = session.scalars(select(Source).where(col(Source.photo_id) == left)).first()
        photo = session.get(Photo, left)
        if other is not None and photo is not None:
            photo.path = other.path
        elif photo is not None and photo.status == PhotoStatus.FAILED.value:
            session.delete(photo)


def _remove(session: Session, photo: Photo) -> None:
    person_counts.forget(session, (), [int(face.id or 0) for face in faces_of(session, photo)])
    session.delete(photo)
