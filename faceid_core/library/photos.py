"""Photos of the library, with the files they were found in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Select, func, select
from sqlmodel import Session, col

from faceid_core import frame_path
from faceid_core.errors import NotFound
from faceid_core.image_hash import PhashIndex
from faceid_core.library.filters import PhotoQuery, photo_conditions
from faceid_core.library.reconciliation import drop_undecided, edited, in_place, older_version, renew, store
from faceid_core.library.store.database import Database, chunks
from faceid_core.library.store.records import Added, PhotoView
from faceid_core.library.store.tables import Face, Photo, Source
from faceid_core.values import FrameOf, NewPhoto, PhotoStatus


class Photos:
    """Adds and lists photos."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._phashes = PhashIndex()

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

    def add_many(self, photos: Sequence[NewPhoto], *, again: bool = False) -> list[Added]:
        """Store photos with their faces in one transaction. Known content only gets another source.

        A file whose picture was saved anew, turned or moved keeps its photo, and faces that are found again keep
        their rows. again: so do the faces of known content, which was searched anew.
        """
        with self._database.write() as session:
            self._refresh_phashes(session)
            return [_add(session, photo, self._phashes, again) for photo in photos]

    def _refresh_phashes(self, session: Session) -> None:
        hashed = select(Photo.id, Photo.phash).where(col(Photo.phash).is_not(None))  # type: ignore[call-overload]
        more = hashed.where(col(Photo.id) > self._phashes.last)
        rows = session.execute(more.order_by(col(Photo.id))).all()
        self._phashes.add([row[0] for row in rows], [row[1] for row in rows])

    def at(self, paths: Sequence[str]) -> dict[str, int]:
        """Path -> id of the photo that was found there, for those that the library knows."""
        known: dict[str, int] = {}
        with self._database.read() as session:
            for chunk in chunks(paths):
                wanted = select(Source.path, Source.photo_id).where(col(Source.path).in_(chunk))  # type: ignore[call-overload]
                known.update(session.execute(wanted).tuples().all())
        return known

    def shots(self, video: str) -> list[int]:
        """Ids of the photos that are pictures of the video at this path."""
        with self._database.read() as session:
            return [source.photo_id for source in _shots(session, video)]

    def get(self, photo_id: int) -> PhotoView:
        """One photo. Raises NotFound."""
        with self._database.read() as session:
            row = session.execute(_views().where(col(Photo.id) == photo_id)).first()
        if row is None:
            raise NotFound(f"There is no photo {photo_id} in the library.")
        return PhotoView(*row)

    def phashes(self, ids: Sequence[int]) -> dict[int, tuple[bytes, tuple[int, int]]]:
        """The perceptual hash, and (width, height), of those photos that have one; see image_hash."""
        known: dict[int, tuple[bytes, tuple[int, int]]] = {}
        wanted = select(Photo.id, Photo.phash, Photo.width, Photo.height).where(col(Photo.phash).is_not(None))  # type: ignore[call-overload]
        with self._database.read() as session:
            for chunk in chunks(ids):
                for photo, phash, *size in session.execute(wanted.where(col(Photo.id).in_(chunk))):
                    known[photo] = (phash, tuple(size))
        return known

    def page(
        self, after: int | None = None, limit: int = 60, *, query: PhotoQuery | None = None
    ) -> list[PhotoView]:
        """Photos that a query asks for, in the order of import, newest first, behind the photo `after`."""
        wanted = (
            _views().where(*photo_conditions(query or PhotoQuery())).order_by(col(Photo.id).desc()).limit(limit)
        )
        if after is not None:
            wanted = wanted.where(col(Photo.id) < after)
        with self._database.read() as session:
            return [PhotoView(*row) for row in session.execute(wanted)]

    def files(self) -> list[tuple[str, str, int, int]]:
        """(sha256, path, width, height) of every photo that could be read, in the order of import."""
        wanted = (
            select(Photo.sha256, Photo.path, Photo.width, Photo.height)  # type: ignore[call-overload]
            .where(col(Photo.status) == PhotoStatus.DONE.value)
            .order_by(col(Photo.id))
        )
        with self._database.read() as session:
            return [tuple(row) for row in session.execute(wanted)]

    def number(self, query: PhotoQuery) -> int:
        """How many photos a query asks for."""
        with self._database.read() as session:
            return session.scalar(select(func.count(col(Photo.id))).where(*photo_conditions(query))) or 0


def _views() -> Select[tuple[object, ...]]:
    faces = select(func.count()).where(col(Face.photo_id) == col(Photo.id)).scalar_subquery()
    return select(Photo.id, Photo.path, Photo.width, Photo.height, Photo.taken_at, Photo.status, Photo.error, faces)  # type: ignore[call-overload, no-any-return]


def _add(session: Session, new: NewPhoto, phashes: PhashIndex, again: bool) -> Added:
    known = _existing(session, new)
    source = session.get(Source, new.path)
    near_copy: tuple[int, int] | None = None
    if known is not None and known.status == PhotoStatus.DONE.value:
        photo, outcome = known, "unchanged" if source and source.photo_id == known.id else "duplicate"
        resumed = new.shot is not None and outcome == "unchanged"  # the interval may be another one than before
        if (again or resumed) and new.width:  # a further file of a photo that was searched comes unread
            renew(session, photo, new, 0)
            outcome = "renewed" if again else outcome
    elif known is None and not new.error and (older := _renewed(session, source, new, phashes)):
        photo, outcome = older, "renewed"
    else:
        photo = store(session, known or Photo(path=new.path), new)
        outcome = "failed" if new.error else "imported"
        near_copy = next(iter(phashes.same(new.phashes)), None) if new.faces else None
    assert photo.id is not None
    _point_source(session, source, new, photo.id)
    if new.shot and new.shot.every:
        _complete(session, new, new.shot, photo.id)
    return Added(photo.id, outcome, *(near_copy or (None, 0)))


def _renewed(session: Session, source: Source | None, new: NewPhoto, phashes: PhashIndex) -> Photo | None:
    """The photo that this file held before, read anew; None for a picture that has not been here."""
    older = older_version(session, source, new, phashes)
    if older is not None:
        renew(session, older[0], new, older[1])
        return older[0]
    photo = in_place(session, source, new)
    return photo if photo is not None and edited(session, photo, new) else None


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


def _complete(session: Session, new: NewPhoto, shot: FrameOf, photo_id: int) -> None:
    """All pictures of a video are stored: a source for the file itself tells it unchanged. Pictures of an older
    reading go, unless something was decided about them."""
    _point_source(session, session.get(Source, shot.video), replace(new, path=shot.video), photo_id)
    every = set(shot.every)
    for source in _shots(session, shot.video):
        old = None if source.path in every else in_place(session, source, replace(new, path=source.path))
        if old is not None:
            drop_undecided(session, old)


def _shots(session: Session, video: str) -> list[Source]:
    prefix = frame_path.frames_prefix(video)
    found = session.scalars(select(Source).where(col(Source.path).startswith(prefix, autoescape=True)))
    return [source for source in found if source.path.startswith(prefix)]  # LIKE does not tell A from a in SQLite
