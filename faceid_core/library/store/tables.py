"""The tables. Queries live in faceid_core.library, nowhere else.

Times are naive UTC. Enumerations are stored as their text value, vectors as little-endian float32 bytes.
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
    """A foreign key whose rows are deleted with their parent."""
    return Column(Integer, ForeignKey(f"{table}.id", ondelete="CASCADE"), **column)


class Photo(SQLModel, table=True):
    """A photo, identified by content: the same bytes in two folders are one photo with two sources.

    Ids are never reused (AUTOINCREMENT), so that references to an erased photo can't point to another one.
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
    """A photo's perceptual hash, see image_hash. Its bits never change: a changed hash is a new row with a new id,
    so that caches only have to read the rows after the last id that they know.

    alike: derived; the lowest id among the rows of photos that are copies of each other, 0 for a photo without
    copies, None before the comparison.
    """

    __table_args__: ClassVar[Any] = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    photo_id: int = Field(sa_column=_parent("photo", nullable=False, index=True, unique=True))
    bits: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    alike: int | None = Field(default=None, index=True)


class WatchedFolder(SQLModel, table=True):
    """A folder whose photos are imported automatically. video_seconds: as for an import, None to use the setting;
    poll: for network drives, which report no changes."""

    path: str = Field(primary_key=True)
    video_seconds: float | None = None
    poll: bool = False
    at: datetime = Field(default_factory=utc_now, sa_type=DateTime)


class Source(SQLModel, table=True):
    """A file that contains a photo. Its size and time identify an unchanged file without reading it."""

    path: str = Field(primary_key=True)
    photo_id: int = Field(sa_column=_parent("photo", nullable=False, index=True))
    size_bytes: int = Field(default=0, sa_type=BigInteger)
    modified_ns: int = Field(default=0, sa_type=BigInteger)


class Face(SQLModel, table=True):
    """A face. Its box and landmarks are in pixels of the upright photo. Ids are never reused."""

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
    """A hand-drawn box, in pixels of the upright photo, which takes precedence over the detector's.

    found: derived; the detector's box (left, top, right, bottom), None for a face that no detector found.
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
    """A face with a new box: its landmarks, quality, picture and vector still have to be computed."""

    face_id: int = Field(sa_column=_parent("face", primary_key=True))


class Crop(SQLModel, table=True):
    """The aligned 150x150 face as JPEG."""

    face_id: int = Field(sa_column=_parent("face", primary_key=True))
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Embedding(SQLModel, table=True):
    """A face's vector by one embedder. Vectors of different embedders are never compared."""

    face_id: int = Field(sa_column=_parent("face", primary_key=True))
    embedder: str = Field(primary_key=True, max_length=64)
    vector: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Person(SQLModel, table=True):
    """A named person. name_key is the case-folded name, which must be unique.

    Ids are never reused (AUTOINCREMENT), so that undoing an old decision can't affect another person.
    """

    __table_args__: ClassVar[Any] = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=100)
    name_key: str = Field(unique=True, max_length=300)  # case-folding turns a character into up to three
    cover_face_id: int | None = Field(
        default=None, sa_column=Column(Integer, ForeignKey("face.id", ondelete="SET NULL"))
    )
    birth_date: date | None = None
    hidden: bool = False
    created_at: datetime = Field(default_factory=utc_now, sa_type=DateTime)


class Consent(SQLModel, table=True):
    """A person's consent to being recognised. Without a row, it is unknown. basis: where it is documented. at: when
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
    """A person's counts. Derived: missing rows are computed on demand, see person_counts."""

    __tablename__ = "persontally"

    person_id: int = Field(sa_column=_parent("person", primary_key=True))
    faces: int = 0
    photos: int = 0
    best_face_id: int | None = None


class Rejection(SQLModel, table=True):
    """A user's decision that a face is not this person."""

    face_id: int = Field(sa_column=_parent("face", primary_key=True))
    person_id: int = Field(sa_column=_parent("person", primary_key=True, index=True))
    at: datetime = Field(default_factory=utc_now, sa_type=DateTime)


class PairConstraint(SQLModel, table=True):
    """A user's verdict on two faces: must-link or cannot-link. face_id is the smaller id."""

    __tablename__ = "verdict"

    face_id: int = Field(sa_column=_parent("face", primary_key=True))
    other_id: int = Field(sa_column=_parent("face", primary_key=True, index=True))
    same: bool
    at: datetime = Field(default_factory=utc_now, sa_type=DateTime)


class Event(SQLModel, table=True):
    """A human decision: who, when, what, and each changed row before and after."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=utc_now, index=True, sa_type=DateTime)
    actor: str = Field(max_length=100)
    kind: str = Field(max_length=32)
    summary: str
    changes: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    undone_at: datetime | None = Field(default=None, sa_type=DateTime)
    undone_by: str | None = Field(default=None, max_length=100)


class EventFace(SQLModel, table=True):
    """A face mentioned by an event. Derived from the event's changes, see event_faces."""

    __table_args__: ClassVar[Any] = {"sqlite_with_rowid": False}

    face_id: int = Field(sa_column=_parent("face", primary_key=True))
    event_id: int = Field(sa_column=_parent("event", primary_key=True, index=True))


class ClusterRun(SQLModel, table=True):
    """A grouping of all faces. Pages show the latest run that is not undone."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=utc_now, sa_type=DateTime)
    algorithm: str = Field(max_length=64)
    parameters: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    embedder: str = Field(max_length=64)
    faces: int = 0
    clusters: int = 0
    undone: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))


class Cluster(SQLModel, table=True):
    """A group of faces; number 1 is the largest. Only a suggestion, never a person."""

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
    """A face's position on the 2-D map of a projector and embedder (no unit)."""

    face_id: int = Field(sa_column=_parent("face", primary_key=True))
    projector: str = Field(primary_key=True, max_length=64)
    embedder: str = Field(primary_key=True, max_length=64)
    x: float
    y: float


class TrainedModel(SQLModel, table=True):
    """A trained recogniser. artifact: the name of its folder in the library's models folder. precedence: the model
    with the highest is in use. threshold: the one in use; metrics["threshold"]: the one that was measured."""

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
    """A run that wrote names into files. It is undone as a whole."""

    __table_args__: ClassVar[Any] = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=utc_now, sa_type=DateTime)
    actor: str = Field(max_length=100)
    undone_at: datetime | None = Field(default=None, sa_type=DateTime)


class NamesFile(SQLModel, table=True):
    """A file into which a run wrote names. Stored before the file is changed: the file's hash shows whether it was.

    before: the previous content, compressed. None if the file did not exist (before_sha256 is also None), if it is
    a photo, whose copy is in the library's folder `originals`, and after an erasure. entries: everything in the
    file that faceid wrote, see exchange.name_packet.Entry.
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
    """A user who may sign in. Ids are never reused, so that an old session can't become another user's.

    password: Argon2's encoded hash, None for users who sign in through a proxy or provider. stamp: part of every
    session; a new stamp ends them all. subject: hash of the provider's id of the user.
    """

    __tablename__ = "account"  # "user" is a reserved word in SQL
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
    """A program's access token. digest: SHA-256 of the secret, which is not stored."""

    __table_args__: ClassVar[Any] = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(sa_column=_parent("account", nullable=False, index=True))
    name: str = Field(max_length=100)
    name_key: str = Field(unique=True, max_length=300)
    digest: str = Field(unique=True, max_length=64)
    created_at: datetime = Field(default_factory=utc_now, sa_type=DateTime)
    expires_at: datetime | None = Field(default=None, sa_type=DateTime)


class EndedSession(SQLModel, table=True):
    """A session that was ended before its cookie expired, which makes copies of the cookie worthless."""

    id: str = Field(primary_key=True, max_length=32)
    until: datetime = Field(index=True, sa_type=DateTime)


class ShareLink(SQLModel, table=True):
    """A link that shows a person or a search to anyone who has it. digest: SHA-256 of its secret, which is not
    stored. query: the fields of a PhotoQuery. password: Argon2's encoded hash."""

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
