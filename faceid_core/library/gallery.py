"""The decisions made so far, in the form that suggestions need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Select, case, func, literal, or_, select
from sqlmodel import Session, col

from faceid_core.errors import NotFound
from faceid_core.library.drawn import latest_run
from faceid_core.library.faces import MEMBERS, as_ints, unnamed_face
from faceid_core.library.store.database import Database, chunks
from faceid_core.library.store.packed_vectors import unpack, usable
from faceid_core.library.store.person_tables import PersonDetails
from faceid_core.library.store.tables import (
    Embedding,
    Event,
    Face,
    HandBox,
    Label,
    PairConstraint,
    Person,
    Photo,
    Rejection,
    UndescribedFace,
)
from faceid_core.library.store.withholding import withheld_faces
from faceid_core.lifetimes import NO_DAY, NOBODYS, Lifetimes
from faceid_core.values import LOW_QUALITY, Flag, GalleryFaces, Ints, LabelSource, Vectors

PER_PERSON = 40
"""Confirmed faces used per person, best quality first. More take time and do not change the results."""


@dataclass(frozen=True, slots=True, eq=False)
class Probes:
    """Faces to ask about. ids, photos, groups (-1 for none): (N,) int64; vectors: (N, D) float32."""

    ids: Ints
    photos: Ints
    groups: Ints
    vectors: Vectors


@dataclass(frozen=True, slots=True, eq=False)
class PersonLabels:
    """The person of each named face. ids, people: (N,) int64."""

    ids: Ints
    people: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """A snapshot of all decisions in force.

    labels: (L, 3) face, person and photo id of every label; accepted: (L,) whether it was an accepted suggestion;
    flagged: ids of the faces with a flag; rejections: (R, 2) face and person id; cannot_link, must_link: (M, 2)
    face ids; hidden: ids of hidden people; run: the grouping in force; lifetimes: of people with known dates.
    """

    labels: Ints
    accepted: npt.NDArray[np.bool_]
    flagged: Ints
    rejections: Ints
    cannot_link: Ints
    must_link: Ints
    hidden: frozenset[int]
    run: int | None
    lifetimes: Lifetimes = NOBODYS


class Gallery:
    """Confirmed faces, unnamed faces, and what was ruled out."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def cache_version(self) -> tuple[object, ...]:
        """Return a value that changes whenever a decision is made or undone, or faces are added or removed."""
        wanted = select(
            select(func.max(Event.id)).scalar_subquery(),
            select(func.max(Event.undone_at)).scalar_subquery(),
            select(func.count(col(Event.undone_at))).scalar_subquery(),
            select(func.max(Face.id)).scalar_subquery(),
            select(func.count()).select_from(Face).scalar_subquery(),
        )
        with self._database.read() as session:
            return tuple(session.execute(wanted).one())

    def file_version(self) -> tuple[object, ...] | None:
        """Return a value that changes with every write, except for writes within a few milliseconds of each other;
        None if only the database can tell. Costs next to nothing."""
        return self._database.file_version()

    def standing(self) -> Standing:
        """Return all decisions in force."""
        accepted = case((col(Label.source) == LabelSource.ACCEPTED.value, 1), else_=0)
        labels = select(Label.face_id, Label.person_id, Face.photo_id, accepted).join(  # type: ignore[call-overload]
            Face, col(Face.id) == col(Label.face_id)
        )
        rejections = select(Rejection.face_id, Rejection.person_id)  # type: ignore[call-overload]
        constraints = select(PairConstraint.face_id, PairConstraint.other_id, PairConstraint.same)  # type: ignore[call-overload]
        flagged = select(col(Face.id)).where(
            col(Face.flag).in_([flag.value for flag in Flag if flag is not Flag.NONE])
        )
        hidden = select(col(Person.id)).where(col(Person.hidden))
        with self._database.read() as session:
            named = _as_pairs(
                session.connection().execute(labels), 4
            )  # by the ORM, it would take three times as long
            pairs = session.execute(constraints.order_by(PairConstraint.face_id, PairConstraint.other_id)).all()
            return Standing(
                labels=named[:, :3],
                accepted=named[:, 3] > 0,
                flagged=np.sort(as_ints(face for face in session.scalars(flagged) if face is not None)),
                rejections=_as_pairs(session.execute(rejections).all(), 2),
                cannot_link=_as_pairs([row[:2] for row in pairs if not row[2]], 2),
                must_link=_as_pairs([row[:2] for row in pairs if row[2]], 2),
                hidden=frozenset(person for person in session.scalars(hidden) if person is not None),
                run=session.scalar(select(latest_run())),
                lifetimes=_lifetimes(session),
            )

    def faces_cache_version(self) -> tuple[object, ...]:
        """Return a value that changes whenever faces are added, removed, flagged, unflagged, reread or regrouped,
        or a person refuses consent."""
        wanted = select(
            select(func.max(Face.id)).scalar_subquery(),
            select(func.count()).select_from(Face).where(col(Face.flag) == Flag.NONE.value).scalar_subquery(),
            select(func.max(Photo.imported_at)).scalar_subquery(),
            latest_run(),
            select(func.count()).select_from(withheld_faces().subquery()).scalar_subquery(),
            *_boxes_version(),
        )
        with self._database.read() as session:
            return tuple(session.execute(wanted).one())

    def names(self) -> PersonLabels:
        """Return the faces of all people, without flagged ones."""
        wanted = (
            select(Label.face_id, Label.person_id)  # type: ignore[call-overload]
            .join(Face, col(Face.id) == col(Label.face_id))
            .where(col(Face.flag) == Flag.NONE.value)
            .order_by(col(Label.face_id))
        )
        with self._database.read() as session:
            rows = session.execute(wanted).all()
        return PersonLabels(as_ints(row[0] for row in rows), as_ints(row[1] for row in rows))

    def newest_face(self) -> int:
        """Return the highest face id; 0 if there are no faces."""
        with self._database.read() as session:
            return session.scalar(select(func.max(Face.id))) or 0

    def newest_faces(self) -> tuple[object, ...]:
        """Return a value that changes whenever faces are added, removed or reread, or a person refuses consent, and
        vectors may therefore have changed."""
        wanted = select(
            func.max(Face.id),
            func.count(),
            select(func.max(Photo.imported_at)).scalar_subquery(),
            select(func.count()).select_from(withheld_faces().subquery()).scalar_subquery(),
            *_boxes_version(),
        )
        with self._database.read() as session:
            return tuple(session.execute(wanted).one())

    def twice(self, limit: int) -> list[tuple[int, int, tuple[int, ...]]]:
        """Return (photo, person, faces) for people who appear more than once on a photo, at most `limit`, newest
        first. People who refused consent are left out, as there are no pictures to check."""
        shown = (col(Face.flag) == Flag.NONE.value, col(Face.id).not_in(withheld_faces()))
        places = (
            select(Face.photo_id, Label.person_id)  # type: ignore[call-overload]
            .join(Label, col(Label.face_id) == col(Face.id))
            .where(*shown)
            .group_by(col(Face.photo_id), col(Label.person_id))
            .having(func.count() > 1)
            .order_by(col(Face.photo_id).desc(), col(Label.person_id))
            .limit(limit)
        ).subquery()
        faces = (
            select(Face.photo_id, Label.person_id, Face.id)  # type: ignore[call-overload]
            .join(Label, col(Label.face_id) == col(Face.id))
            .join(places, (places.c.photo_id == col(Face.photo_id)) & (places.c.person_id == col(Label.person_id)))
            .where(*shown)
            .order_by(col(Face.photo_id).desc(), col(Label.person_id), col(Face.left), col(Face.id))
        )
        with self._database.read() as session:
            rows = session.execute(faces).tuples().all()
        together = groupby(rows, key=itemgetter(0, 1))
        return [(*place, tuple(face for _, _, face in found)) for place, found in together]

    def faces(
        self, embedder: str, per_person: int = PER_PERSON, *, people: Sequence[int] | None = None
    ) -> GalleryFaces:
        """Return the best confirmed faces of each person. people: restrict to these ids."""
        rank = func.row_number().over(
            partition_by=col(Label.person_id), order_by=(col(Face.quality).desc(), col(Face.id))
        )
        ranked = (
            select(Label.face_id, Label.person_id, rank.label("place"))  # type: ignore[call-overload]
            .join(Face, col(Face.id) == col(Label.face_id))
            .where(col(Face.flag) == Flag.NONE.value)
            .where(*([] if people is None else [col(Label.person_id).in_(people)]))
            .subquery()
        )
        wanted = (
            select(ranked.c.face_id, ranked.c.person_id, Embedding.vector)  # type: ignore[call-overload]
            .join(Embedding, (col(Embedding.face_id) == ranked.c.face_id) & (col(Embedding.embedder) == embedder))
            .where(ranked.c.place <= per_person)
            .order_by(ranked.c.person_id, ranked.c.place)
        )
        return self._known(wanted)

    def vectors_of(self, faces: Ints, embedder: str) -> Vectors:
        """Return the vectors (N, D) of these faces, in their order. Raises NotFound if one has none."""
        ids = [int(face) for face in faces]
        found: dict[int, bytes] = {}
        with self._database.read() as session:
            for chunk in chunks(ids):
                wanted = select(Embedding.face_id, Embedding.vector).where(  # type: ignore[call-overload]
                    col(Embedding.embedder) == embedder, col(Embedding.face_id).in_(chunk)
                )
                found.update(dict(session.execute(wanted).tuples().all()))
        if missing := set(ids) - found.keys():
            raise NotFound(f"{len(missing):,} faces have no vector of {embedder}; try again.")
        return unpack([found[face] for face in ids])

    def negatives(self, embedder: str) -> GalleryFaces:
        """Return rejected faces, each with the person that it was said not to be."""
        wanted = (
            select(Rejection.face_id, Rejection.person_id, Embedding.vector)  # type: ignore[call-overload]
            .join(
                Embedding,
                (col(Embedding.face_id) == col(Rejection.face_id)) & (col(Embedding.embedder) == embedder),
            )
            .order_by(col(Rejection.face_id), col(Rejection.person_id))
        )
        return self._known(wanted)

    def _known(self, wanted: Select[Any]) -> GalleryFaces:
        """Load rows of face, person and vector."""
        with self._database.read() as session:
            rows = usable(session.execute(wanted).all(), 2)
        return GalleryFaces(
            as_ints(row[0] for row in rows), as_ints(row[1] for row in rows), unpack([r[2] for r in rows])
        )

    def probes(self, embedder: str, limit: int) -> Probes:
        """Return faces without name or flag, best quality first, excluding low quality."""
        wanted = (
            select(Face.id, Face.photo_id, func.coalesce(MEMBERS.c.cluster_id, -1), Embedding.vector)  # type: ignore[call-overload]
            .outerjoin(MEMBERS, MEMBERS.c.face_id == col(Face.id))
            .join(Embedding, (col(Embedding.face_id) == col(Face.id)) & (col(Embedding.embedder) == embedder))
            .outerjoin(Label, col(Label.face_id) == col(Face.id))
            .where(unnamed_face(), col(Face.quality) >= LOW_QUALITY)
            .order_by(col(Face.quality).desc(), col(Face.id))
            .limit(limit)
        )
        with self._database.read() as session:
            rows = usable(session.execute(wanted).all(), 3)
        ids, photos, groups = (as_ints(row[place] for row in rows) for place in range(3))
        return Probes(ids, photos, groups, unpack([row[3] for row in rows]))

    def strangers(self, embedder: str, limit: int) -> GalleryFaces:
        """Return faces of unnamed people: ignored faces, ungrouped faces, and one face per group without names,
        best first, at most `limit`. Their person is -1."""
        named_groups = select(MEMBERS.c.cluster_id).join(Label, col(Label.face_id) == MEMBERS.c.face_id)
        stranger = col(Face.flag) == Flag.STRANGER.value
        place = func.row_number().over(
            partition_by=func.coalesce(MEMBERS.c.cluster_id, -col(Face.id)),
            order_by=(col(Face.quality).desc(), col(Face.id)),
        )
        ranked = (
            select(Face.id, Face.quality, place.label("place"))  # type: ignore[call-overload]
            .outerjoin(MEMBERS, MEMBERS.c.face_id == col(Face.id))
            .outerjoin(Label, col(Label.face_id) == col(Face.id))
            .where(or_(unnamed_face(), stranger & col(Label.face_id).is_(None)))
            .where(or_(MEMBERS.c.cluster_id.is_(None), MEMBERS.c.cluster_id.not_in(named_groups)))
            .subquery()
        )
        wanted = (
            select(ranked.c.id, literal(-1), Embedding.vector)  # type: ignore[call-overload]
            .join(Embedding, (col(Embedding.face_id) == ranked.c.id) & (col(Embedding.embedder) == embedder))
            .where(ranked.c.place == 1)
            .order_by(ranked.c.quality.desc(), ranked.c.id)
            .limit(limit)
        )
        return self._known(wanted)

    def lifetimes(self) -> Lifetimes:
        """Return the lifetimes of all people with known dates."""
        with self._database.read() as session:
            return _lifetimes(session)

    def days(self, faces: Iterable[int]) -> Ints:
        """Return the day of each face's photo, (N,), in the order of `faces`; see Lifetimes."""
        ids = np.asarray(list(faces), np.int64)
        found: dict[int, int] = {}
        wanted = select(Face.id, Photo.taken_at).join(Photo, col(Photo.id) == col(Face.photo_id))  # type: ignore[call-overload]
        wanted = wanted.where(col(Photo.taken_at).is_not(None))
        with self._database.read() as session:
            for chunk in chunks(ids.tolist()):
                for face, taken in session.execute(wanted.where(col(Face.id).in_(chunk))):
                    found[face] = taken.toordinal()
        return as_ints(found.get(face, NO_DAY) for face in ids.tolist())

    def out_of_question(self, faces: Iterable[int]) -> frozenset[tuple[int, int]]:
        """Return impossible pairs (face, person), for a few faces: those of `ruled_out`, and people who were not
        alive when the photo was taken."""
        ids = [int(face) for face in faces]
        living = self.lifetimes()
        if not len(living.people):
            return self.ruled_out(ids)
        out = living.exclude(self.days(ids)[:, None], living.people[None, :])
        dates = {(ids[row], int(living.people[place])) for row, place in np.argwhere(out).tolist()}
        return self.ruled_out(ids) | dates

    def ruled_out(self, faces: Iterable[int]) -> frozenset[tuple[int, int]]:
        """Return ruled-out pairs (face, person): a user rejected the person for this face, said that the face
        differs from a face of the person, or the person is already on that photo."""
        found: set[tuple[int, int]] = set()
        other = Face.__table__.alias("other")  # type: ignore[attr-defined]
        beside = (
            select(Face.id, Label.person_id)  # type: ignore[call-overload]
            .join(other, other.c.photo_id == col(Face.photo_id))
            .join(Label, col(Label.face_id) == other.c.id)
        )
        told = select(Rejection.face_id, Rejection.person_id)  # type: ignore[call-overload]
        with self._database.read() as session:
            for chunk in chunks(np.asarray(list(faces)).tolist()):
                parts = [beside.where(col(Face.id).in_(chunk)), *(_unlike(chunk, *pair) for pair in _BOTH_WAYS)]
                wanted = told.where(col(Rejection.face_id).in_(chunk)).union_all(*parts)
                found.update(session.execute(wanted).tuples())
        return frozenset(found)


_BOTH_WAYS: tuple[tuple[Any, Any], ...] = (
    (PairConstraint.face_id, PairConstraint.other_id),
    (PairConstraint.other_id, PairConstraint.face_id),
)


def _unlike(faces: Sequence[int], one: Any, other: Any) -> Select[Any]:
    """Select (face, person) for faces that a user said differ from a face of the person."""
    unlike = select(one, Label.person_id).join(Label, col(Label.face_id) == col(other))  # type: ignore[call-overload]
    wanted: Select[Any] = unlike.where(col(PairConstraint.same).is_(False), col(one).in_(faces))
    return wanted


def _lifetimes(session: Session) -> Lifetimes:
    known = select(Person.id, Person.birth_date, PersonDetails.death_date).outerjoin(  # type: ignore[call-overload]
        PersonDetails, col(PersonDetails.person_id) == col(Person.id)
    )
    known = known.where(or_(col(Person.birth_date).is_not(None), col(PersonDetails.death_date).is_not(None)))
    return Lifetimes.of(session.execute(known).tuples().all())


def _boxes_version() -> tuple[Any, ...]:
    """Return columns that change whenever a box is drawn, moved or undone, or its face is described."""
    return (
        select(func.count()).select_from(HandBox).scalar_subquery(),
        select(func.max(HandBox.at)).scalar_subquery(),
        select(func.count()).select_from(UndescribedFace).scalar_subquery(),
    )


def _as_pairs(rows: Iterable[Any], width: int) -> Ints:
    return np.fromiter(chain.from_iterable(rows), np.int64).reshape(-1, width)
