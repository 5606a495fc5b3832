"""Exports: the faces that match a query, never those of hidden people or of people who refused consent. Only owners
export."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlmodel import col

from faceid_core.library.faces import MEMBERS, stored_source
from faceid_core.library.filters import PhotoQuery, photo_conditions
from faceid_core.library.store.database import Database, chunks
from faceid_core.library.store.packed_vectors import unpack, usable
from faceid_core.library.store.photo_tables import PersonOnPhoto
from faceid_core.library.store.tables import Cluster, Consent, Crop, Embedding, Face, Label, Person, Photo, Source
from faceid_core.library.store.withholding import withheld_faces
from faceid_core.values import Actor, Box, ConsentState, ExportedFace, ExportedPhoto, Flag, Role, Vectors

AT_ONCE = 1000
"""Rows fetched per batch."""

SHOWN_FLAGS = tuple(flag for flag in Flag if flag is not Flag.HIDDEN)


@dataclass(frozen=True, slots=True)
class ExportQuery:
    """Faces that meet all of these conditions.

    people: ids; the face bears one of their names, if there are any. photos: conditions on the photo.
    least_quality: 0 to 1. flags: the face bears one of them; hidden ones are never exported.
    """

    people: tuple[int, ...] = ()
    photos: PhotoQuery = field(default_factory=PhotoQuery)
    least_quality: float = 0.0
    flags: tuple[Flag, ...] = (Flag.NONE,)
    named_only: bool = False


EVERY_FACE = ExportQuery(flags=SHOWN_FLAGS)


@dataclass(frozen=True, slots=True)
class ExportPreview:
    """What an export would contain. photo_bytes: size of the photo files; crop_bytes: size of the face pictures."""

    faces: int
    named: int
    people: int
    photos: int
    photo_bytes: int
    crop_bytes: int


class Exports:
    """Reads the data for exports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def faces(self, query: ExportQuery = EVERY_FACE) -> Iterator[ExportedFace]:
        """Yield faces by photo path, from left to right. Raises NotAllowed."""
        self._database.actor.require(Role.OWNER)
        columns = (
            *(Face.id, Face.photo_id, Photo.path, Photo.sha256, Photo.width, Photo.height, Photo.taken_at),
            *(Face.left, Face.top, Face.right, Face.bottom, Face.score, Face.quality, Face.flag),
            *(Cluster.number, Person.name, Label.source),
        )
        wanted = (
            _faces(self._database.actor, query, *columns)
            .outerjoin(MEMBERS, MEMBERS.c.face_id == col(Face.id))
            .outerjoin(Cluster, col(Cluster.id) == MEMBERS.c.cluster_id)
            .order_by(col(Photo.path), col(Face.left), col(Face.id))
        )
        with self._database.read() as session:
            for row in session.execute(wanted.execution_options(yield_per=AT_ONCE)):
                yield _exported(*row)

    def without_face(self, query: ExportQuery = EVERY_FACE) -> list[ExportedPhoto]:
        """Return photos in which people appear without a face, by path. The query's conditions on faces are
        ignored. Raises NotAllowed."""
        self._database.actor.require(Role.OWNER)
        columns = (Photo.id, Photo.path, Photo.width, Photo.height, Photo.taken_at, Person.name)
        wanted = _without_face(self._database.actor, query, *columns)
        with self._database.read() as session:
            rows = session.execute(wanted.order_by(col(Photo.path), col(Person.name_key)))
            return [ExportedPhoto(*row) for row in rows]

    def preview(self, query: ExportQuery = EVERY_FACE, *, whole_photos: bool = False) -> ExportPreview:
        """Return counts and sizes without reading any picture. whole_photos: also count photos in which people
        appear without a face. Raises NotAllowed."""
        actor = self._database.actor
        actor.require(Role.OWNER)
        faces = _faces(actor, query, Face.id, Face.photo_id, Label.person_id).subquery()
        there: Any = select(faces.c.photo_id, faces.c.person_id)
        if whole_photos:
            there = there.union(_without_face(actor, query, PersonOnPhoto.photo_id, PersonOnPhoto.person_id))
        on_photos = there.subquery()
        photos = select(on_photos.c.photo_id).distinct()
        sizes = select(func.max(Source.size_bytes).label("size")).where(col(Source.photo_id).in_(photos))
        each = sizes.group_by(col(Source.photo_id)).subquery()
        crops = select(func.sum(func.length(col(Crop.data)))).where(col(Crop.face_id).in_(select(faces.c.id)))
        counts = select(func.count(), func.count(faces.c.person_id)).select_from(faces)
        whom = select(func.count(on_photos.c.person_id.distinct()), func.count(on_photos.c.photo_id.distinct()))
        with self._database.read() as session:
            number, named = session.execute(counts).one()
            people, photo_number = session.execute(whom).one()
            photo_bytes = session.scalar(select(func.sum(each.c.size))) or 0
            crop_bytes = session.scalar(crops) or 0
        return ExportPreview(number, named, people, photo_number, int(photo_bytes), int(crop_bytes))

    def vectors(self, embedder: str, ids: Iterable[int]) -> tuple[list[int], Vectors]:
        """Return the ids of the given faces that have a vector, and the vectors (N, D). Raises NotAllowed."""
        self._database.actor.require(Role.OWNER)
        found: list[tuple[int, bytes]] = []
        with self._database.read() as session:
            for chunk in chunks(ids):
                wanted = select(Embedding.face_id, Embedding.vector).where(  # type: ignore[call-overload]
                    col(Embedding.embedder) == embedder, col(Embedding.face_id).in_(chunk)
                )
                found += usable(session.execute(wanted.order_by(col(Embedding.face_id))).all(), 1)
        return [face for face, _ in found], unpack([vector for _, vector in found])

    def to_blur(self, photos: Iterable[int]) -> dict[int, list[Box]]:
        """Return photo id -> boxes of faces that must not be shown, in pixels of the upright photo: hidden faces,
        and faces of people who are hidden or refused consent. Raises NotAllowed."""
        self._database.actor.require(Role.OWNER)
        found: dict[int, list[Box]] = defaultdict(list)
        columns = select(Face.photo_id, Face.left, Face.top, Face.right, Face.bottom)  # type: ignore[call-overload]
        joined = (
            columns.outerjoin(Label, col(Label.face_id) == col(Face.id))
            .outerjoin(Person, col(Person.id) == col(Label.person_id))
            .outerjoin(Consent, col(Consent.person_id) == col(Label.person_id))
        )
        refused = col(Consent.state) == ConsentState.REFUSED.value
        private = or_(col(Face.flag) == Flag.HIDDEN.value, col(Person.hidden).is_(True), refused)
        with self._database.read() as session:
            for chunk in chunks(photos):
                for photo, *edges in session.execute(joined.where(private, col(Face.photo_id).in_(chunk))):
                    found[photo].append(Box(*edges))
        return dict(found)


def _faces(actor: Actor, query: ExportQuery, *columns: Any) -> Select[Any]:
    """Select columns of Face, Photo, Label and Person for the faces that match a query and may be exported."""
    wanted = (
        select(*columns)
        .select_from(Face)
        .join(Photo, col(Photo.id) == col(Face.photo_id))
        .outerjoin(Label, col(Label.face_id) == col(Face.id))
        .outerjoin(Person, col(Person.id) == col(Label.person_id))
        .where(*photo_conditions(query.photos, actor))
        .where(col(Face.flag).in_([flag.value for flag in query.flags if flag is not Flag.HIDDEN]))
        .where(or_(col(Label.person_id).is_(None), _may_leave()))
    )
    if query.least_quality > 0:
        wanted = wanted.where(col(Face.quality) >= query.least_quality)
    if query.people:
        wanted = wanted.where(col(Label.person_id).in_(query.people))
    if query.named_only:
        wanted = wanted.where(col(Label.person_id).is_not(None))
    return wanted


def _without_face(actor: Actor, query: ExportQuery, *columns: Any) -> Select[Any]:
    """Select columns of PersonOnPhoto, Photo and Person for people who are not hidden, have not refused consent,
    and have no face on the photo that would be exported."""
    refused = select(col(Consent.person_id)).where(col(Consent.state) == ConsentState.REFUSED.value)
    faces = select(col(Label.face_id)).join(Face, col(Face.id) == col(Label.face_id))
    theirs = faces.where(
        col(Face.photo_id) == col(PersonOnPhoto.photo_id),
        col(Label.person_id) == col(PersonOnPhoto.person_id),
        col(Face.flag) != Flag.HIDDEN.value,
    )
    wanted = (
        select(*columns)
        .select_from(PersonOnPhoto)
        .join(Photo, col(Photo.id) == col(PersonOnPhoto.photo_id))
        .join(Person, col(Person.id) == col(PersonOnPhoto.person_id))
        .where(*photo_conditions(query.photos, actor), ~theirs.exists())
        .where(col(Person.hidden).is_(False), col(Person.id).not_in(refused))
    )
    return wanted.where(col(Person.id).in_(query.people)) if query.people else wanted


def _exported(
    face: int, photo: int, path: str, sha256: str | None, width: int, height: int, *rest: Any
) -> ExportedFace:
    taken_at, left, top, right, bottom, score, quality, flag, cluster, person, source = rest
    box = Box(left, top, right, bottom)
    found = (score, quality, Flag(flag), cluster, person, stored_source(source))
    return ExportedFace(face, photo, path, sha256, width, height, taken_at, box, *found)


def _may_leave() -> ColumnElement[bool]:
    return and_(col(Person.hidden).is_(False), col(Face.id).not_in(withheld_faces()))
