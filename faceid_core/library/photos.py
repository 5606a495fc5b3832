"""The photos of the library and the files that contain them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, extract, func, select
from sqlmodel import col

from faceid_core.errors import NotFound
from faceid_core.library import copies, photo_order
from faceid_core.library.filters import PhotoQuery, photo_conditions
from faceid_core.library.job_rows import PartProgress, record
from faceid_core.library.phash_cache import PhashCache
from faceid_core.library.photo_files import gone_among, is_gone, shown_path
from faceid_core.library.photo_plan import frames, plan
from faceid_core.library.photo_rows import carry_out
from faceid_core.library.store.database import Database, chunks
from faceid_core.library.store.records import Added, PhotoView
from faceid_core.library.store.tables import Face, PerceptualHash, Photo, Source
from faceid_core.values import NewPhoto, PhotoStatus, Role


class Photos:
    """Adds and lists photos."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._phashes = PhashCache()

    def unchanged(self, stats: Mapping[str, tuple[int, int]]) -> set[str]:
        """Return the paths that were imported in exactly this state. stats: path -> (bytes, modified in ns)."""
        self._database.actor.require(Role.OWNER)
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
        """Whether a readable photo with this content was imported."""
        return self.with_content(sha256) is not None

    def with_content(self, sha256: str) -> int | None:
        """Return the id of the readable photo with this content, or None."""
        self._database.actor.require(Role.OWNER)
        wanted = select(col(Photo.id)).where(
            col(Photo.sha256) == sha256, col(Photo.status) == PhotoStatus.DONE.value
        )
        with self._database.read() as session:
            return session.scalars(wanted).first()

    def add_many(
        self,
        photos: Sequence[NewPhoto],
        *,
        again: bool = False,
        progress: Callable[[list[Added]], Sequence[PartProgress]] | None = None,
    ) -> list[Added]:
        """Store photos with their faces in one transaction. Known content only gets another source.

        If a file's picture was resaved, rotated or moved, its photo is kept, and faces that are found again keep
        their rows. again: known content was searched again, so update its faces in the same way. A photo with a
        vector that is not finite is stored as unreadable. progress: of the parts of a job that these photos belong
        to, written in the same transaction. Raises LeaseLost if another worker holds the parts.
        """
        with self._database.write(Role.OWNER) as session:
            self._phashes.refresh(session)
            # Each photo sees the changes of those before it in the batch.
            added = [carry_out(session, plan(session, photo, self._phashes, again=again)) for photo in photos]
            if progress is not None:
                record(session, progress(added))
            return added

    def follow(self, paths: Sequence[str]) -> int:
        """Point photos whose file no longer exists to one of these files. Returns how many photos changed."""
        self._database.actor.require(Role.OWNER)
        moved: dict[int, str] = {}
        elsewhere = (
            select(Photo.id, Photo.path, Source.path)  # type: ignore[call-overload]
            .join(Source, col(Source.photo_id) == col(Photo.id))
            .where(col(Source.path) != col(Photo.path))
        )
        with self._database.read() as session:
            for chunk in chunks(paths):
                for photo, path, found in session.execute(elsewhere.where(col(Source.path).in_(chunk))):
                    if (shown := shown_path(moved.get(photo, path), found)) != path:
                        moved[photo] = shown
        if moved:
            with self._database.write(Role.OWNER) as session:
                for photo, path in moved.items():
                    session.get_one(Photo, photo).path = path
        return len(moved)

    def missing(self) -> list[PhotoView]:
        """Return photos without any existing file, in import order. Checks every file."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            files = session.execute(select(Source.photo_id, Source.path)).tuples().all()  # type: ignore[call-overload]
            gone = gone_among(path for _, path in files)
            found = {photo for photo, path in files if path not in gone}
            views = (PhotoView(*row) for row in session.execute(_views().order_by(col(Photo.id))))
            return [photo for photo in views if photo.id not in found]

    def fingerprints(self, ids: Sequence[int]) -> dict[int, tuple[str, set[int]]]:
        """Return photo id -> (SHA-256, sizes of its files in bytes). Video frames are left out."""
        self._database.actor.require(Role.OWNER)
        found: dict[int, tuple[str, set[int]]] = {}
        columns = select(Photo.id, Photo.sha256, Source.size_bytes)  # type: ignore[call-overload]
        joined = columns.join(Source, col(Source.photo_id) == col(Photo.id))
        with self._database.read() as session:
            for chunk in chunks(ids):
                wanted = joined.where(col(Photo.id).in_(chunk), col(Photo.sha256).is_not(None))
                for photo, sha256, size in session.execute(wanted):
                    found.setdefault(photo, (sha256, set()))[1].add(size)
        return found

    def found_at(self, places: Mapping[str, tuple[int, int, int]]) -> int:
        """Record new locations of photos, and point photos to them whose file no longer exists. places: path ->
        (photo id, bytes, modified in ns). Returns how many photos point to a new file."""
        with self._database.write(Role.OWNER) as session:
            for path, (photo, size, modified) in places.items():
                session.merge(Source(path=path, photo_id=photo, size_bytes=size, modified_ns=modified))
        return self.follow(list(places))

    def note_copies(self) -> int:
        """Compare new photos with all others, for the filter by copies. Returns for how many photos the stored
        value changed. Does nothing if there are no new photos."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            if copies.are_noted(session):
                return 0
        with self._database.write(Role.OWNER) as session:
            return copies.note(session)

    def at(self, paths: Sequence[str]) -> dict[str, int]:
        """Return path -> id of the photo found there, for known paths."""
        self._database.actor.require(Role.OWNER)
        known: dict[str, int] = {}
        with self._database.read() as session:
            for chunk in chunks(paths):
                wanted = select(Source.path, Source.photo_id).where(col(Source.path).in_(chunk))  # type: ignore[call-overload]
                known.update(session.execute(wanted).tuples().all())
        return known

    def frames(self, video: str) -> list[int]:
        """Return the ids of the photos that are frames of the video at this path."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            return [source.photo_id for source in frames(session, video)]

    def get(self, photo_id: int) -> PhotoView:
        """Return a photo. Raises NotFound."""
        with self._database.read() as session:
            row = session.execute(_views().where(col(Photo.id) == photo_id)).first()
        if row is None:
            raise NotFound(f"There is no photo {photo_id} in the library.")
        return PhotoView(*row)

    def phashes(self, ids: Sequence[int]) -> dict[int, tuple[bytes, tuple[int, int]]]:
        """Return photo id -> perceptual hash and (width, height), for photos that have a hash; see image_hash."""
        known: dict[int, tuple[bytes, tuple[int, int]]] = {}
        columns = select(Photo.id, PerceptualHash.bits, Photo.width, Photo.height)  # type: ignore[call-overload]
        wanted = columns.join(PerceptualHash, col(PerceptualHash.photo_id) == col(Photo.id))
        with self._database.read() as session:
            for chunk in chunks(ids):
                for photo, phash, *size in session.execute(wanted.where(col(Photo.id).in_(chunk))):
                    known[photo] = (phash, tuple(size))
        return known

    def page(
        self, after: int | None = None, limit: int = 60, *, query: PhotoQuery | None = None
    ) -> list[PhotoView]:
        """List photos that match a query, newest first, after the photo `after`: by import, or by the day they were
        taken, with undated photos last. Raises NotAllowed for a folder unless the actor is an owner."""
        query = query or PhotoQuery()
        wanted = _views().where(*photo_conditions(query, self._database.actor)).limit(limit)
        with self._database.read() as session:
            wanted = wanted.order_by(*photo_order.newest_first(by_date=query.by_date))
            if after is not None:
                wanted = wanted.where(photo_order.behind(session, after, by_date=query.by_date))
            return [PhotoView(*row) for row in session.execute(wanted)]

    def months(self, query: PhotoQuery) -> list[tuple[int, int, int]]:
        """Count the dated photos that match a query as (year, month, photos), newest first. Raises NotAllowed like
        `page`."""
        year, month = extract("year", col(Photo.taken_at)), extract("month", col(Photo.taken_at))
        wanted = select(year, month, func.count(col(Photo.id))).where(
            col(Photo.taken_at).is_not(None), *photo_conditions(query, self._database.actor)
        )
        with self._database.read() as session:
            rows = session.execute(wanted.group_by(year, month).order_by(year.desc(), month.desc()))
            return [(int(row[0]), int(row[1]), int(row[2])) for row in rows]

    def first_and_last(self, query: PhotoQuery) -> tuple[datetime, datetime] | None:
        """Return when the first and the last photo that match a query were taken; None if no dates are known."""
        wanted = select(func.min(col(Photo.taken_at)), func.max(col(Photo.taken_at)))
        with self._database.read() as session:
            first, last = session.execute(wanted.where(*photo_conditions(query, self._database.actor))).one()
        return (first, last) if first is not None else None

    def cameras(self) -> list[str]:
        """Return the camera models, the one with the most photos first."""
        number = func.count(col(Photo.id))
        wanted = select(col(Photo.camera)).where(col(Photo.camera).is_not(None)).group_by(col(Photo.camera))
        with self._database.read() as session:
            return [str(name) for name in session.scalars(wanted.order_by(number.desc(), col(Photo.camera)))]

    def beside(self, photo_id: int, query: PhotoQuery) -> tuple[int | None, int | None]:
        """Return the previous and next photo among those that match a query, in the order of `page`."""
        wanted = select(col(Photo.id)).where(*photo_conditions(query, self._database.actor)).limit(1)
        by_date = query.by_date
        with self._database.read() as session:
            newer = wanted.where(photo_order.before(session, photo_id, by_date=by_date))
            older = wanted.where(photo_order.behind(session, photo_id, by_date=by_date))
            before = session.scalars(newer.order_by(*photo_order.oldest_first(by_date=by_date))).first()
            behind = session.scalars(older.order_by(*photo_order.newest_first(by_date=by_date))).first()
        return before, behind

    def is_gone(self, photo_id: int) -> bool:
        """Whether none of the photo's files exists any more."""
        with self._database.read() as session:
            paths = session.scalars(select(col(Source.path)).where(col(Source.photo_id) == photo_id)).all()
        return all(map(is_gone, paths))

    def files(self) -> list[tuple[str, str, int, int]]:
        """Return (sha256, path, width, height) of every readable photo, in import order."""
        self._database.actor.require(Role.OWNER)
        wanted = (
            select(Photo.sha256, Photo.path, Photo.width, Photo.height)  # type: ignore[call-overload]
            .where(col(Photo.status) == PhotoStatus.DONE.value)
            .order_by(col(Photo.id))
        )
        with self._database.read() as session:
            return [tuple(row) for row in session.execute(wanted)]

    def searched_otherwise(self, detector: str) -> list[tuple[int, str]]:
        """Return (id, path) of photos searched with another detector, in import order, without video frames.

        detector: as in the settings. The stored name of a custom model also has the start of its file's hash.
        """
        self._database.actor.require(Role.OWNER)
        wanted = select(Photo.id, Photo.path).where(*_searched_otherwise(detector)).order_by(col(Photo.id))  # type: ignore[call-overload]
        with self._database.read() as session:
            return [tuple(row) for row in session.execute(wanted)]

    def number_searched_otherwise(self, detector: str) -> int:
        """Count the photos that `searched_otherwise` returns."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            return session.scalar(select(func.count(col(Photo.id))).where(*_searched_otherwise(detector))) or 0

    def ids(self, query: PhotoQuery) -> list[int]:
        """Return the ids of all photos that match a query, in import order. Raises NotAllowed like `page`."""
        wanted = select(col(Photo.id)).where(*photo_conditions(query, self._database.actor)).order_by(col(Photo.id))
        with self._database.read() as session:
            return [int(photo or 0) for photo in session.scalars(wanted)]

    def number(self, query: PhotoQuery) -> int:
        """Count the photos that match a query. Raises NotAllowed like `page`."""
        conditions = photo_conditions(query, self._database.actor)
        with self._database.read() as session:
            return session.scalar(select(func.count(col(Photo.id))).where(*conditions)) or 0


def _views() -> Select[tuple[object, ...]]:
    faces = select(func.count()).where(col(Face.photo_id) == col(Photo.id)).scalar_subquery()
    return select(Photo.id, Photo.path, Photo.width, Photo.height, Photo.taken_at, Photo.status, Photo.error, faces)  # type: ignore[call-overload, no-any-return]


def _searched_otherwise(detector: str) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Photo.status) == PhotoStatus.DONE.value,
        col(Photo.detector) != detector,
        ~col(Photo.detector).startswith(f"{detector}-", autoescape=True),
        ~col(Photo.path).contains("#t="),
    )
