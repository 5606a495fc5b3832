"""Photos of the library, with the files they were found in."""

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
        """Of path -> (bytes, modified in ns), the paths that were imported in just this state."""
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
        """Whether a photo with this content was imported and could be read."""
        return self.with_content(sha256) is not None

    def with_content(self, sha256: str) -> int | None:
        """The photo with this content, where it was imported and could be read."""
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

        A file whose picture was saved anew, turned or moved keeps its photo, and faces that are found again keep
        their rows. again: so do the faces of known content, which was searched anew. A photo with a vector that is
        not finite is stored as one that could not be read. progress: how far parts of a job are with these photos;
        it is written in the same transaction. Raises LeaseLost where somebody else has the parts.
        """
        with self._database.write(Role.OWNER) as session:
            self._phashes.refresh(session)
            # Each sees what those before it in the batch left.
            added = [carry_out(session, plan(session, photo, self._phashes, again=again)) for photo in photos]
            if progress is not None:
                record(session, progress(added))
            return added

    def follow(self, paths: Sequence[str]) -> int:
        """Show each photo whose own file is gone as one of these files that hold it. Returns how many changed."""
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
        """Photos none of whose files is there any more, in the order of import. It looks for every file."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            files = session.execute(select(Source.photo_id, Source.path)).tuples().all()  # type: ignore[call-overload]
            gone = gone_among(path for _, path in files)
            found = {photo for photo, path in files if path not in gone}
            views = (PhotoView(*row) for row in session.execute(_views().order_by(col(Photo.id))))
            return [photo for photo in views if photo.id not in found]

    def fingerprints(self, ids: Sequence[int]) -> dict[int, tuple[str, set[int]]]:
        """Photo -> its SHA-256 and the sizes in bytes of its files, for those of these photos that are files."""
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
        """Note where photos are now, and show those there whose own file is gone. places: path -> photo, bytes,
        modified in ns. Returns how many photos are shown elsewhere."""
        with self._database.write(Role.OWNER) as session:
            for path, (photo, size, modified) in places.items():
                session.merge(Source(path=path, photo_id=photo, size_bytes=size, modified_ns=modified))
        return self.follow(list(places))

    def note_copies(self) -> int:
        """Compare new photos with all others, for the filter by copies. Returns of how many photos something else
        is noted than before; without new ones it does nothing."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            if copies.are_noted(session):
                return 0
        with self._database.write(Role.OWNER) as session:
            return copies.note(session)

    def at(self, paths: Sequence[str]) -> dict[str, int]:
        """Path -> id of the photo that was found there, for those that the library knows."""
        self._database.actor.require(Role.OWNER)
        known: dict[str, int] = {}
        with self._database.read() as session:
            for chunk in chunks(paths):
                wanted = select(Source.path, Source.photo_id).where(col(Source.path).in_(chunk))  # type: ignore[call-overload]
                known.update(session.execute(wanted).tuples().all())
        return known

    def frames(self, video: str) -> list[int]:
        """Ids of the photos that are frames of the video at this path."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            return [source.photo_id for source in frames(session, video)]

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
        """Photos that a query asks for, newest first, behind the photo `after`: in the order of import, or by the
        day on which they were taken, those without a date last. Raises NotAllowed for a folder unless an owner
        asks."""
        query = query or PhotoQuery()
        wanted = _views().where(*photo_conditions(query, self._database.actor)).limit(limit)
        with self._database.read() as session:
            wanted = wanted.order_by(*photo_order.newest_first(by_date=query.by_date))
            if after is not None:
                wanted = wanted.where(photo_order.behind(session, after, by_date=query.by_date))
            return [PhotoView(*row) for row in session.execute(wanted)]

    def months(self, query: PhotoQuery) -> list[tuple[int, int, int]]:
        """(year, month, photos) of the photos with a date that a query asks for, the newest first. Raises
        NotAllowed like `page`."""
        year, month = extract("year", col(Photo.taken_at)), extract("month", col(Photo.taken_at))
        wanted = select(year, month, func.count(col(Photo.id))).where(
            col(Photo.taken_at).is_not(None), *photo_conditions(query, self._database.actor)
        )
        with self._database.read() as session:
            rows = session.execute(wanted.group_by(year, month).order_by(year.desc(), month.desc()))
            return [(int(row[0]), int(row[1]), int(row[2])) for row in rows]

    def first_and_last(self, query: PhotoQuery) -> tuple[datetime, datetime] | None:
        """When the first and the last photo that a query asks for were taken; None where no date is known."""
        wanted = select(func.min(col(Photo.taken_at)), func.max(col(Photo.taken_at)))
        with self._database.read() as session:
            first, last = session.execute(wanted.where(*photo_conditions(query, self._database.actor))).one()
        return (first, last) if first is not None else None

    def cameras(self) -> list[str]:
        """Models of the cameras, the one with most photos first."""
        number = func.count(col(Photo.id))
        wanted = select(col(Photo.camera)).where(col(Photo.camera).is_not(None)).group_by(col(Photo.camera))
        with self._database.read() as session:
            return [str(name) for name in session.scalars(wanted.order_by(number.desc(), col(Photo.camera)))]

    def beside(self, photo_id: int, query: PhotoQuery) -> tuple[int | None, int | None]:
        """The photos before and behind this one in the order of `page`, among those that a query asks for."""
        wanted = select(col(Photo.id)).where(*photo_conditions(query, self._database.actor)).limit(1)
        by_date = query.by_date
        with self._database.read() as session:
            newer = wanted.where(photo_order.before(session, photo_id, by_date=by_date))
            older = wanted.where(photo_order.behind(session, photo_id, by_date=by_date))
            before = session.scalars(newer.order_by(*photo_order.oldest_first(by_date=by_date))).first()
            behind = session.scalars(older.order_by(*photo_order.newest_first(by_date=by_date))).first()
        return before, behind

    def is_gone(self, photo_id: int) -> bool:
        """Whether none of the photo's files is there any more."""
        with self._database.read() as session:
            paths = session.scalars(select(col(Source.path)).where(col(Source.photo_id) == photo_id)).all()
        return all(map(is_gone, paths))

    def files(self) -> list[tuple[str, str, int, int]]:
        """(sha256, path, width, height) of every photo that could be read, in the order of import."""
        self._database.actor.require(Role.OWNER)
        wanted = (
            select(Photo.sha256, Photo.path, Photo.width, Photo.height)  # type: ignore[call-overload]
            .where(col(Photo.status) == PhotoStatus.DONE.value)
            .order_by(col(Photo.id))
        )
        with self._database.read() as session:
            return [tuple(row) for row in session.execute(wanted)]

    def searched_otherwise(self, detector: str) -> list[tuple[int, str]]:
        """(id, path) of the photos that another detector searched, in the order of import; no frames of videos.

        detector: as in the settings; a custom model's stored name goes on with the start of its file's hash.
        """
        self._database.actor.require(Role.OWNER)
        wanted = select(Photo.id, Photo.path).where(*_searched_otherwise(detector)).order_by(col(Photo.id))  # type: ignore[call-overload]
        with self._database.read() as session:
            return [tuple(row) for row in session.execute(wanted)]

    def number_searched_otherwise(self, detector: str) -> int:
        """How many `searched_otherwise` gives."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            return session.scalar(select(func.count(col(Photo.id))).where(*_searched_otherwise(detector))) or 0

    def ids(self, query: PhotoQuery) -> list[int]:
        """All photos that a query asks for, in the order of import. Raises NotAllowed like `page`."""
        wanted = select(col(Photo.id)).where(*photo_conditions(query, self._database.actor)).order_by(col(Photo.id))
        with self._database.read() as session:
            return [int(photo or 0) for photo in session.scalars(wanted)]

    def number(self, query: PhotoQuery) -> int:
        """How many photos a query asks for. Raises NotAllowed like `page`."""
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
