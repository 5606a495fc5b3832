"""Photos of the library, with the files they were found in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from sqlalchemy import Select, func, select
from sqlmodel import Session, col

from faceid_core.database import Database, chunks
from faceid_core.errors import NotFound
from faceid_core.library.views import Added, NewFace, NewPhoto, PhotoView
from faceid_core.tables import Crop, Embedding, Face, Photo, PhotoStatus, Source, utc_now


class Photos:
    """Adds and lists photos."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unchanged(self, stats: Mapping[str, tuple[int, int]]) -> set[str]:
        """Of path -> (bytes, modified in ns), the paths that were imported in just this state."""
        known: set[str] = set()
        wanted = (
            select(Source.path, Source.size_bytes, Source.modified_ns)  # type: ignore[call-overload]
            .join(Photo, col(Photo.id) == col(Source.photo_id))
            .where(col(Photo.status) == PhotoStatus.DONE.value)
        )
        with self._database.read() as session:
            for paths in chunks(stats):
                for path, size, modified in session.execute(wanted.where(col(Source.path).in_(paths))):
                    if stats[path] == (size, modified):
                        known.add(path)
        return known

    def knows(self, sha256: str) -> bool:
        """Whether a photo with this content was imported and could be read."""
        with self._database.read() as session:
            photo = session.scalars(select(Photo).where(col(Photo.sha256) == sha256)).first()
            return photo is not None and photo.status == PhotoStatus.DONE.value

    def add_many(self, photos: Sequence[NewPhoto]) -> list[Added]:
        """Store photos with their faces in one transaction. Known content only gets another source."""
        with self._database.write() as session:
            return [_add(session, photo) for photo in photos]

    def at(self, paths: Sequence[str]) -> dict[str, int]:
        """Path -> id of the photo that was found there, for those that the library knows."""
        known: dict[str, int] = {}
        with self._database.read() as session:
            for chunk in chunks(paths):
                wanted = select(Source.path, Source.photo_id).where(col(Source.path).in_(chunk))  # type: ignore[call-overload]
                known.update(session.execute(wanted).tuples().all())
        return known

    def get(self, photo_id: int) -> PhotoView:
        """One photo. Raises NotFound."""
        with self._database.read() as session:
            row = session.execute(_views().where(col(Photo.id) == photo_id)).first()
        if row is None:
            raise NotFound(f"There is no photo {photo_id} in the library.")
        return PhotoView(*row)

    def page(
        self,
        after: int | None = None,
        limit: int = 60,
        *,
        status: PhotoStatus | None = None,
        search: str | None = None,
    ) -> list[PhotoView]:
        """Photos in the order of import, newest first, behind the photo `after`."""
        wanted = _views().order_by(col(Photo.id).desc()).limit(limit)
        if after is not None:
            wanted = wanted.where(col(Photo.id) < after)
        if status is not None:
            wanted = wanted.where(col(Photo.status) == status.value)
        if search:
            wanted = wanted.where(col(Photo.path).icontains(search, autoescape=True))
        with self._database.read() as session:
            return [PhotoView(*row) for row in session.execute(wanted)]


def _views() -> Select[tuple[object, ...]]:
    faces = select(func.count()).where(col(Face.photo_id) == col(Photo.id)).scalar_subquery()
    return select(Photo.id, Photo.path, Photo.width, Photo.height, Photo.taken_at, Photo.status, Photo.error, faces)  # type: ignore[call-overload, no-any-return]


def _add(session: Session, new: NewPhoto) -> Added:
    photo = _existing(session, new)
    source = session.get(Source, new.path)
    if photo is not None and photo.status == PhotoStatus.DONE.value:
        outcome = "unchanged" if source and source.photo_id == photo.id else "duplicate"
    else:
        photo = _store(session, photo or Photo(path=new.path), new)
        outcome = "failed" if new.error else "imported"
    assert photo.id is not None
    _point_source(session, source, new, photo.id)
    return Added(photo.id, outcome)


def _existing(session: Session, new: NewPhoto) -> Photo | None:
    """The photo with this content; else the unreadable one of this path, which is then repaired in place - unless
    it lies in other files too, which are as broken as before."""
    if new.sha256:
        photo = session.scalars(select(Photo).where(col(Photo.sha256) == new.sha256)).first()
        if photo is not None:
            return photo
    elsewhere = select(Source).where(col(Source.photo_id) == col(Photo.id), col(Source.path) != new.path)
    unread = select(Photo).where(
        col(Photo.path) == new.path, col(Photo.status) == PhotoStatus.FAILED.value, ~elsewhere.exists()
    )
    return session.scalars(unread).first()


def _store(session: Session, photo: Photo, new: NewPhoto) -> Photo:
    photo.sha256, photo.path, photo.detector = new.sha256, new.path, new.detector
    photo.width, photo.height, photo.taken_at = new.width, new.height, new.taken_at
    photo.status = PhotoStatus.FAILED.value if new.error else PhotoStatus.DONE.value
    photo.error, photo.imported_at = new.error, utc_now()
    session.add(photo)
    session.flush()
    assert photo.id is not None
    faces = [_face(photo.id, new.detector, face) for face in new.faces]
    session.add_all(faces)
    session.flush()
    for row, face in zip(faces, new.faces, strict=True):
        assert row.id is not None
        vector = np.ascontiguousarray(face.vector, "<f4").tobytes()
        session.add(Crop(face_id=row.id, data=face.crop))
        session.add(Embedding(face_id=row.id, embedder=new.embedder, vector=vector))
    return photo


def _face(photo_id: int, detector: str, new: NewFace) -> Face:
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


def _point_source(session: Session, source: Source | None, new: NewPhoto, photo_id: int) -> None:
    """The file now holds this photo. A photo that it held before lives on, under its other files if any; what
    could never be read goes with its last file."""
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
