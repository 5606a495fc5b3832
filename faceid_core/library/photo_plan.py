"""Decides what an import does with a photo. This module only reads; photo_rows carries the plan out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import select
from sqlmodel import Session, col

from faceid_core import frame_path
from faceid_core.image_hash import same_picture
from faceid_core.library.phash_cache import PhashCache
from faceid_core.library.photo_files import is_gone
from faceid_core.library.reconciliation import Matched, by_place, by_vector, decided, decided_photos, faces_of
from faceid_core.library.store.photo_tables import PersonOnPhoto, PhotoTag
from faceid_core.library.store.tables import PerceptualHash, Photo, Source
from faceid_core.remote import is_remote
from faceid_core.values import NewPhoto, PhotoStatus

NOT_FINITE = "the face network returned numbers that are not finite; check the model, then import the photo again"
"""The error of a photo with vectors that can't be compared."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Known content: only the file is recorded. outcome: unchanged, duplicate, or failed if it was read again."""

    photo_id: int
    outcome: str


@dataclass(frozen=True, slots=True)
class Reread:
    """A known photo is updated with what was found this time. outcome: renewed, unchanged or duplicate."""

    photo_id: int
    outcome: str
    faces: Matched


@dataclass(frozen=True, slots=True)
class Insert:
    """A new picture, or one that could not be read. outcome: imported or failed.

    repairs: the unreadable photo that it replaces. near_copy: see Added.
    """

    outcome: str
    repairs: int | None = None
    near_copy: int | None = None
    near_copy_orientation: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """photo: as it will be stored, with an error if it can't be. obsolete: if this photo completes a video, ids of
    photos of older frames to delete."""

    photo: NewPhoto
    action: Keep | Reread | Insert
    obsolete: tuple[int, ...] = ()


def plan(session: Session, new: NewPhoto, phashes: PhashCache, *, again: bool) -> Plan:
    """Decide what to do with a photo. again: update the faces of known content as well."""
    new = _checked(new)
    return Plan(new, _action(session, new, phashes, again), tuple(_obsolete(session, new)))


def in_place(session: Session, path: str, *, besides: str | None = None) -> Photo | None:
    """Return the readable photo found only in this file. besides: another file to ignore."""
    source = session.get(Source, path)
    photo = session.get(Photo, source.photo_id) if source else None
    if photo is None or photo.status != PhotoStatus.DONE.value:
        return None
    return photo if set(_paths(session, photo)) - {besides} == {path} else None


def frames(session: Session, video: str) -> list[Source]:
    """Return the sources that are frames of the video at this path."""
    prefix = frame_path.frames_prefix(video)
    found = session.scalars(select(Source).where(col(Source.path).startswith(prefix, autoescape=True)))
    return [source for source in found if source.path.startswith(prefix)]  # LIKE ignores case in SQLite


def _checked(new: NewPhoto) -> NewPhoto:
    if all(np.isfinite(face.vector).all() for face in new.faces):
        return new
    return replace(new, error=NOT_FINITE, faces=(), width=0, height=0, phashes=b"")


def _action(session: Session, new: NewPhoto, phashes: PhashCache, again: bool) -> Keep | Reread | Insert:
    known = _by_content(session, new)
    if known is not None and known.status == PhotoStatus.DONE.value:
        return _of_known(session, known, new, again)
    if known is None and not new.error and (reread := _of_older_version(session, new, phashes)):
        return reread
    repairs = known.id if known is not None else _unreadable_at(session, new.path)
    if new.error:
        return Insert("failed", repairs)
    if not new.faces:
        return Insert("imported", repairs)
    return Insert("imported", repairs, *_near_copy(session, phashes.same(session, new.phashes)))


def _of_known(session: Session, known: Photo, new: NewPhoto, again: bool) -> Keep | Reread:
    source, number = session.get(Source, new.path), int(known.id or 0)
    outcome = "unchanged" if source and source.photo_id == number else "duplicate"
    if again and new.error:
        return Keep(number, "failed")
    # A frame is read again with its video: the sampling interval may have changed.
    wanted = again or (new.frame is not None and outcome == "unchanged")
    if not wanted or not new.width:  # another file of a photo already searched is not read
        return Keep(number, outcome)
    return Reread(number, "renewed" if again else outcome, by_place(session, known, new, 0))


def _of_older_version(session: Session, new: NewPhoto, phashes: PhashCache) -> Reread | None:
    """Return the photo that this file contained before it was edited, or that a file now missing contained."""
    if session.get(Source, new.path) is None:
        return _of_moved(session, new, phashes)
    photo = in_place(session, new.path)
    if photo is None:
        return None
    orientation = same_picture(new.phashes, _phash_of(session, photo))
    faces = by_vector(session, photo, new) if orientation is None else by_place(session, photo, new, orientation)
    return Reread(int(photo.id or 0), "renewed", faces) if faces else None


def _of_moved(session: Session, new: NewPhoto, phashes: PhashCache) -> Reread | None:
    for number, orientation in phashes.same(session, new.phashes):
        photo = session.get_one(Photo, number)
        if _was_moved(session, photo):
            return Reread(number, "renewed", by_place(session, photo, new, orientation))
    return None


def _near_copy(session: Session, candidates: list[tuple[int, int]]) -> tuple[int | None, int]:
    """Return the most similar candidate that has decisions to copy or, if none has, the most similar one."""
    of_use = decided_photos(session, [number for number, _ in candidates])
    wanted = [candidate for candidate in candidates if candidate[0] in of_use]
    return next(iter(wanted or candidates), (None, 0))


def _obsolete(session: Session, new: NewPhoto) -> list[int]:
    """Return, if this photo completes a video, photos of frames from an earlier import without decisions."""
    if new.frame is None or not new.frame.every:
        return []
    every, video = set(new.frame.every), new.frame.video
    # The last frame of the earlier import also owns the video file, until this photo takes its place.
    old = (
        in_place(session, source.path, besides=video)
        for source in frames(session, video)
        if source.path not in every
    )
    photos = [photo for photo in old if photo is not None]
    return [int(photo.id or 0) for photo in photos if not _is_decided(session, photo)]


def _is_decided(session: Session, photo: Photo) -> bool:
    said = any(
        session.scalars(select(col(table.photo_id)).where(col(table.photo_id) == photo.id)).first() is not None
        for table in (PersonOnPhoto, PhotoTag)
    )
    return said or bool(decided(session, [face.id for face in faces_of(session, photo)]))


def _by_content(session: Session, new: NewPhoto) -> Photo | None:
    if not new.sha256:
        return None
    return session.scalars(select(Photo).where(col(Photo.sha256) == new.sha256)).first()


def _unreadable_at(session: Session, path: str) -> int | None:
    """Return the unreadable photo at this path, unless it has other files, which are still broken."""
    elsewhere = select(Source).where(col(Source.photo_id) == col(Photo.id), col(Source.path) != path)
    failed = (col(Photo.path) == path, col(Photo.status) == PhotoStatus.FAILED.value, ~elsewhere.exists())
    return session.scalars(select(col(Photo.id)).where(*failed)).first()


def _phash_of(session: Session, photo: Photo) -> bytes | None:
    wanted = select(col(PerceptualHash.bits)).where(col(PerceptualHash.photo_id) == photo.id)
    return session.scalars(wanted).first()


def _was_moved(session: Session, photo: Photo) -> bool:
    """Whether none of its files exists although their folders do. Otherwise, an unplugged drive would make its
    photos look moved."""
    return all(is_gone(path) and _has_folder(path) for path in _paths(session, photo))


def _has_folder(path: str) -> bool:
    return is_remote(path) or frame_path.file_of(path).parent.is_dir()


def _paths(session: Session, photo: Photo) -> list[str]:
    return list(session.scalars(select(col(Source.path)).where(col(Source.photo_id) == photo.id)))
