"""The tables. Queries live in faceid_core.library, nowhere else.

Times are UTC without a zone. Enumerations are stored as their text value, vectors as little-endian float32 bytes.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    false,
)
from sqlmodel import Field, SQLModel

from faceid_core.library.store import job_tables, person_tables, photo_tables  # noqa: F401  (in the metadata)
from faceid_core.values import Flag, PhotoStatus, utc_now


def _parent(table: str, **column: Any) -> Any:
    """A foreign key whose rows go with their parent."""
    return Column(Integer, ForeignKey(f"{table}.id", ondelete="CASCADE"), **column)


class Photo(SQLModel, table=True):
    """One photo by content: the same bytes in two folders are one photo with two sources.

    An id is never used twice (AUTOINCREMENT), so that what others remember of an erased photo meets no stranger.
    """

    __table_args__: ClassVar[Any] = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    sha256: str | None = Field(default=None, unique=True, max_length=64)
    path: str = Field(index=True)
    width: int = 0
    height: int = 0
    taken_at: datetime | None = Field(default=None, index=True, sa_type=DateTime)
    imported_at: datetime = Field(default_factory=utc_now, sa_type=DateTime)
    status: str = Field(default=PhotoStatus.DONE.value, index=True, max_length=16)
    error: str | None = None
    detector: str = ""
    camera: str | None = Field(default=None, index=True, max_length=100)


class PerceptualHash(SQLModel, table=True):
    """A photo's perceptual hash, see image_hash. Its bits never change: another hash is another row with a new id,
    so that whoever has read all rows up to an id lacks only those behind it.

    alike: derived; the lowest id of the rows whose photos are copies of each other, 0 for one without any, None
    before they were compared.
    """

    __table_args__: ClassVar[Any] = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    photo_id: int = Field(sa_column=_parent("photo", nullable=False, index=True, unique=True))
    bits: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    alike: int | None = Field(default=None, index=True)


class WatchedFolder(SQLModel, table=True):
    """A folder whose photos come in by themselves. video_seconds: as for an import, None as in the settings; poll:
    for network drives, which report no changes."""

    path: str = Field(primary_key=True)
    video_seconds: float | None = None
    poll: bool = False
    at: datetime = Field(default_factory=utc_now, sa_type=DateTime)


class Source(SQLModel, table=True):
    """A file in which a photo was found; its size and time tell an unchanged file without reading it."""

    path: str = Field(primary_key=True)
    photo_id: int = Field(sa_column=_parent("photo", nullable=False, index=True))
    size_bytes: int = Field(default=0, sa_type=BigInteger)
    modified_ns: int = Field(default=0, sa_type=BigInteger)


class Face(SQLModel, table=True):
    """A detected face. Its box and landmarks are pixels of the upright photo. An id is never used twice."""

    __table_args__: ClassVar[Any] = (
        Index("ix_face_flag_quality", "flag", "quality"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True)
    photo_id: int = Field(sa_column=_parent("photo", nullable=False, index=True))
    left: float
    top: float
    right: float
    bottom: float
    score: float
    landmarks: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    quality: float = Field(default=0.0, index=True)
    quality_parts: dict[str, float] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    detector: str
    flag: str = Field(default=Flag.NONE.value, max_length=16)


class HandBox(SQLModel, table=True):
    """Where a human said that a face is, in pixels of the upright photo: this box goes before the detector's.

    found: the box that a detector gave (left, top, right, bottom), derived; None for a face that only a human saw.
    """

    face_id: int = Field(sa_column=_parent("face", primary_key=True))
    photo_id: int = Field(sa_column=_parent("photo", nullable=False, index=True))
    left: float
    top: float
    right: float
    bottom: float
    at: datetime = Field(default_factory=utc_now, sa_type=DateTime)
    found: list[float] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))


class UndescribedFace(SQLModel, table=True):
    """A face whose box is new: its landmarks, quality, picture and vector are still to be computed."""

    face_id: int = Field(sa_column=_parent("face", primary_key=True))


class Crop(SQLModel, table=True):
    """The aligned 150x150 face as JPEG."""

    face_id: int = Field(sa_column=_parent("face", primary_key=True))
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Embedding(SQLModel, table=True):
    """A face's vector in the space of one embedder. Vectors of different embedders never mix."""

    face_id: int = Field(sa_column=_parent("face", primary_key=True))
    embedder: str = Field(primary_key=True, max_length=64)
    vector: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Person(SQLModel, table=True):
    """A person that a human named. name_key is the name case-folded, so that names differ by more than case.

    An id is never used twice (AUTOINCREMENT), so that undoing an old decision can't meet a stranger.
    """

    __table_args__: ClassVar[Any] = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=100)
    name_key: str = Field(unique=True, max_length=300)  # case-folding makes up to three characters of one
    cover_face_id: int | None = Field(
        default=None, sa_column=Column(Integer, ForeignKey("face.id", ondelete="SET NULL"))
    )
    birth_date: date | None = None
    hidden: bool = False
    created_at: datetime = Field(default_factory=utc_now, sa_type=DateTime)


class Consent(SQLModel, table=True):
    """What a person said to being recognised; without a row it is unknown. basis: where that is written. at: when
    it was entered here."""

    person_id: int = Field(sa_column=_parent("person", primary_key=True))
    state: str = Field(max_length=16)
    basis: str = Field(default="", max_length=200)
    given_on: date | None = None
    until: date | None = None
    at: datetime = Field(default_factory=utc_now, sa_type=DateTime)


class Label(SQLModel, table=True):
    """The name of a face: at most one, with its source."""

    __table_args__: ClassVar[Any] = (Index("ix_label_source_confidence", "source", "confidence"),)

    face_id: int = Field(sa_column=_parent("face", primary_key=True))
    person_id: int = Field(sa_column=_parent("person", nullable=False, index=True))
    source: str = Field(max_length=16)
    confidence: float = 1.0
    at: datetime = Field(default_factory=utc_now, sa_type=DateTime)


class PersonCounts(SQLModel, table=True):
    """What a person's faces come to. Derived: a missing row is counted when it is asked for, see person_counts."""

    __tablename__ = "persontally"

    person_id: int = Field(sa_column=_parent("person", primary_key=True))
    faces: int = 0
    photos: int = 0
    best_face_id: int | None = None


class Rejection(SQLModel, table=True):
    """A human said: this face is not this person."""

    face_id: int = Field(sa_column=_parent("face", primary_key=True))
    person_id: int = Field(sa_column=_parent("person", primary_key=True, index=True))
    at: datetime = Field(default_factory=utc_now, sa_type=DateTime)


class PairConstraint(SQLModel, table=True):
    """A human said whether two faces are the same person: must-link or cannot-link. face_id is the smaller one."""

    __tablename__ = "verdict"

    face_id: int = Field(sa_column=_parent("face", primary_key=True))
    other_id: int = Field(sa_column=_parent("face", primary_key=True, index=True))
    same: bool
    at: datetime = Field(default_factory=utc_now, sa_type=DateTime)


class Event(SQLModel, table=True):
    """One human decision: who, when, what, and each changed row before and after."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=utc_now, index=True, sa_type=DateTime)
    actor: str = Field(max_length=100)
    kind: str = Field(max_length=32)
    summary: str
    changes: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    undone_at: datetime | None = Field(default=None, sa_type=DateTime)
    undone_by: str | None = Field(default=None, max_length=100)


class EventFace(SQLModel, table=True):
    """An event speaks of a face. Derived from the event's changes, see event_faces."""

    __table_args__: ClassVar[Any] = {"sqlite_with_rowid": False}

    face_id: int = Field(sa_column=_parent("face", primary_key=True))
    event_id: int = Field(sa_column=_parent("event", primary_key=True, index=True))


class ClusterRun(SQLModel, table=True):
    """One grouping of all faces. The latest run that is not undone is the one that pages show."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=utc_now, sa_type=DateTime)
    algorithm: str = Field(max_length=64)
    parameters: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    embedder: str = Field(max_length=64)
    faces: int = 0
    clusters: int = 0
    undone: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))


class Cluster(SQLModel, table=True):
    """A group of faces; number 1 is the largest. A suggestion of the program, never a person."""

    __table_args__: ClassVar[Any] = (Index("ix_cluster_run_number", "run_id", "number", unique=True),)

    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(sa_column=_parent("clusterrun", nullable=False))
    number: int
    size: int = 0


class ClusterMember(SQLModel, table=True):
    """Which face is in which cluster."""

    cluster_id: int = Field(sa_column=_parent("cluster", primary_key=True))
    face_id: int = Field(sa_column=_parent("face", primary_key=True, index=True))


class MapPoint(SQLModel, table=True):
    """Where a face lies on the 2-D map of one projector and embedder (no unit)."""

    face_id: int = Field(sa_column=_parent("face", primary_key=True))
    projector: str = Field(primary_key=True, max_length=64)
    embedder: str = Field(primary_key=True, max_length=64)
    x: float
    y: float


class TrainedModel(SQLModel, table=True):
    """A trained recogniser. artifact is its folder's name under the library's models folder. precedence: the one
    with the highest is in use. threshold: the one in use, metrics["threshold"] the one that was measured."""

    __table_args__: ClassVar[Any] = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=utc_now, sa_type=DateTime)
    embedder: str = Field(max_length=64)
    classes: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    metrics: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    threshold: float
    labels: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    artifact: str
    precedence: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    notes: str = Field(default="", sa_column=Column(Text, nullable=False, server_default=""))


class NamesRun(SQLModel, table=True):
    """One writing of names into files: an act that is undone as a whole."""

    __table_args__: ClassVar[Any] = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=utc_now, sa_type=DateTime)
    actor: str = Field(max_length=100)
    undone_at: datetime | None = Field(default=None, sa_type=DateTime)


class NamesFile(SQLModel, table=True):
    """A file into which a run wrote names. Stored before the file is changed: which of the two hashes the file has
    tells whether it was.

    before: the former bytes, compressed, or None: of a file that was not there (before_sha256 is None, too), of a
    photo, whose copy lies in the library's folder `originals`, and after an erasure.
    entries: all that is faceid's in the file from then on, see exchange.name_packet.Entry.
    """

    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(sa_column=_parent("namesrun", nullable=False, index=True))
    photo_id: int = Field(sa_column=_parent("photo", nullable=False, index=True))
    photo: str
    path: str = Field(index=True)
    before: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    before_sha256: str | None = Field(default=None, max_length=64)
    after_sha256: str = Field(max_length=64)
    entries: list[list[Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))


class User(SQLModel, table=True):
    """Somebody who may sign in. An id is never used twice, so that an old session can't become a stranger's.

    password: as Argon2 writes it, None for whom a proxy or provider signs in. stamp: part of every session; a new
    one ends them all. subject: the provider's own name of the user, as a hash.
    """

    __tablename__ = "account"  # "user" is a word of SQL
    __table_args__: ClassVar[Any] = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=100)
    name_key: str = Field(unique=True, max_length=300)
    role: str = Field(max_length=16)
    password: str | None = Field(default=None, max_length=200)
    stamp: str = Field(max_length=32)
    subject: str | None = Field(default=None, unique=True, max_length=64)
    created_at: datetime = Field(default_factory=utc_now, sa_type=DateTime)


class AccessToken(SQLModel, table=True):
    """What a program shows instead of a password. digest: SHA-256 of the secret, which is stored nowhere."""

    __table_args__: ClassVar[Any] = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(sa_column=_parent("account", nullable=False, index=True))
    name: str = Field(max_length=100)
    name_key: str = Field(unique=True, max_length=300)
    digest: str = Field(unique=True, max_length=64)
    created_at: datetime = Field(default_factory=utc_now, sa_type=DateTime)
    expires_at: datetime | None = Field(default=None, sa_type=DateTime)


class EndedSession(SQLModel, table=True):
    """A session that was signed out of before its cookie expires; copies of the cookie are worth nothing."""

    id: str = Field(primary_key=True, max_length=32)
    until: datetime = Field(index=True, sa_type=DateTime)


class ShareLink(SQLModel, table=True):
    """A link that shows one person or one search to whoever has it. digest: SHA-256 of its secret, which is stored
    nowhere. query: the fields of a PhotoQuery. password: as Argon2 writes it."""

    __table_args__: ClassVar[Any] = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    digest: str = Field(unique=True, max_length=64)
    person_id: int | None = Field(default=None, sa_column=_parent("person", nullable=True, index=True))
    query: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    title: str = Field(default="", max_length=100)
    show_name: bool = False
    blur_others: bool = True
    downloads: bool = False
    password: str | None = Field(default=None, max_length=200)
    created_by: str = Field(max_length=100)
    created_at: datetime = Field(default_factory=utc_now, sa_type=DateTime)
    expires_at: datetime = Field(sa_type=DateTime)
    views: int = 0
    viewed_at: datetime | None = Field(default=None, sa_type=DateTime)
