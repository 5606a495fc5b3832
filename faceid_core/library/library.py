"""The library: one object with an attribute for each kind of data in it."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from faceid_core.library.clusters import Clusters
from faceid_core.library.consents import Consents
from faceid_core.library.drawn import latest_run
from faceid_core.library.erasure import Erasing
from faceid_core.library.exports import Exports
from faceid_core.library.faces import Faces, shown_person
from faceid_core.library.gallery import Gallery
from faceid_core.library.job_parts import JobParts
from faceid_core.library.jobs import Jobs
from faceid_core.library.maps import Maps
from faceid_core.library.models import Models
from faceid_core.library.pair_constraints import PairConstraints
from faceid_core.library.people import People
from faceid_core.library.photo_tags import PhotoTags
from faceid_core.library.photos import Photos
from faceid_core.library.portable_decisions import Decisions
from faceid_core.library.searches import Searches
from faceid_core.library.shares import Shares
from faceid_core.library.statistics import Statistics
from faceid_core.library.store.database import Database, connect, make_folder
from faceid_core.library.store.journal import Journal
from faceid_core.library.store.lease import Lease
from faceid_core.library.store.read_only import READ_ONLY
from faceid_core.library.store.records import (
    Counts,
)
from faceid_core.library.store.tables import Cluster, Face, Label, MapPoint, Person, Photo, TrainedModel
from faceid_core.library.tokens import Tokens
from faceid_core.library.users import Users, refuse_open_door
from faceid_core.library.watched import Watched
from faceid_core.library.workers import Workers
from faceid_core.library.written_names import WrittenNames
from faceid_core.remote_cache import keep_as
from faceid_core.settings import Settings
from faceid_core.values import Actor, Flag, PhotoStatus, Role

UNFINISHED = "The database files still contain erased data; stop the app and other commands, then run this again."
"""The problem reported for an unfinished erasure."""

FLAGGED = [flag.value for flag in Flag if flag is not Flag.NONE]


class Library:
    """A library folder and its database. Safe to share between threads; each operation is its own transaction.

    Opening it makes the caller its owner; `acting_as` returns the same library for another actor. All of these
    compare equal, because they have the same content: cached results are shared between them.
    """

    def __init__(self, settings: Settings, database: Database, *, original: Library | None = None) -> None:
        self.settings = settings
        self._database, self._original = database, original
        self.photos = Photos(database)
        self.tags = PhotoTags(database)
        self.faces = Faces(database)
        self.people = People(database)
        self.clusters = Clusters(database)
        self.maps = Maps(database)
        self.models = Models(database, settings.models_folder)
        self.jobs = Jobs(database)
        self.job_parts = JobParts(database)
        self.workers = Workers(database)
        self.watched = Watched(database)
        self.journal = Journal(database)
        self.gallery = Gallery(database)
        self.exports = Exports(database)
        self.statistics = Statistics(database)
        self.pair_constraints = PairConstraints(database)
        self.decisions = Decisions(database)
        self.written_names = WrittenNames(database)
        self.erasing = Erasing(database, settings)
        self.consents = Consents(database)
        self.shares = Shares(database)
        self.searches = Searches(database)
        self.users = Users(database)
        self.tokens = Tokens(database)

    @classmethod
    def open(cls, settings: Settings) -> Library:
        """Open the library. Creates the folder and the tables if they don't exist, and finishes an erasure that
        other programs had blocked, unless one is still reading.

        Raises LibraryError, LibraryBusy, SchemaOutdated, SchemaTooNew.
        """
        make_folder(settings)
        keep_as(settings)
        library = cls(settings, connect(settings))
        if not library.read_only:
            library.erasing.finish()
        return library

    @property
    def read_only(self) -> str | None:
        """Return a message if the library is read-only, else None."""
        return READ_ONLY if self._database.read_only else None

    @property
    def actor(self) -> Actor:
        """Who acts here."""
        return self._database.actor

    def acting_as(self, actor: Actor, lease: Lease | None = None) -> Library:
        """Return the same library for another actor. What the actor's role does not allow raises NotAllowed. Cheap
        enough for each request. The connections are shared; only the original closes them.

        lease: work that another worker may take over. Once it has, every write here raises LeaseLost."""
        return Library(self.settings, self._database.acting_as(actor, lease), original=self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Library) and other._database.engine is self._database.engine

    def __hash__(self) -> int:
        return hash(self._database.engine)

    def counts(self) -> Counts:
        """Return the library in numbers."""

        def number(what: object, *conditions: object) -> Any:
            return select(func.count()).select_from(what).where(*conditions).scalar_subquery()  # type: ignore[arg-type]

        # Unnamed faces are computed as the rest: counting them directly would look up every face's label.
        flagged = (
            select(func.count())
            .select_from(Face)
            .outerjoin(Label, col(Label.face_id) == col(Face.id))
            .where(col(Face.flag).in_(FLAGGED), col(Label.face_id).is_(None))
            .scalar_subquery()
        )
        # SQLite would sort all rows for a count(DISTINCT), although an index has them in order.
        on_a_map = select(col(MapPoint.face_id)).distinct().subquery()
        mapped = number(on_a_map)
        wanted = select(
            number(Photo),
            number(Photo, col(Photo.status) == PhotoStatus.FAILED.value),
            number(Face),
            flagged,
            number(Person, shown_person(self.actor)),
            number(Label),
            number(Cluster, col(Cluster.run_id) == latest_run()),
            mapped,
            number(TrainedModel),
        )
        with self._database.read() as session:
            photos, failed, faces, flags, people, named, clusters, mapped, models = session.execute(wanted).one()
        unnamed = faces - named - flags
        return Counts(photos, failed, faces, unnamed, people, named, clusters, mapped, models)

    def refuse_open_door(self) -> None:
        """Raise BadInput if the web app would be open to the network although the settings don't allow it."""
        refuse_open_door(self.settings, self.users)

    def problems(self) -> list[str]:
        """Check the database and return its problems, one sentence each. Reads every row: a minute for a million
        faces. Raises NotAllowed for all but owners."""
        self.actor.require(Role.OWNER)
        from faceid_core.library.store.integrity import problems

        left = [UNFINISHED] if self.erasing.unfinished else []
        return [*left, *problems(self._database), *self.models.problems()]

    def close(self) -> None:
        """Close all database connections. The library can't be used afterwards."""
        if self._original is None:
            self._database.close()

    def __enter__(self) -> Library:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
