"""Faces: their crops, vectors and flags, and the lists shown on pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Row, Select, or_, select, true
from sqlmodel import Session, col

from faceid_core.errors import NotFound, VectorsNotFinite
from faceid_core.library import boxes
from faceid_core.library.drawn import check_faces, latest_run, states_of
from faceid_core.library.store import journal
from faceid_core.library.store.database import Database, acting, chunks
from faceid_core.library.store.packed_vectors import pack, unpack, usable
from faceid_core.library.store.records import (
    Changed,
    DrawnFaces,
    FacePlace,
    FaceVectors,
    FaceView,
    Placed,
    Undescribed,
)
from faceid_core.library.store.row_changes import Change, current_rows
from faceid_core.library.store.tables import (
    Cluster,
    ClusterMember,
    Crop,
    Embedding,
    Face,
    Label,
    Person,
    Photo,
)
from faceid_core.library.store.withholding import withheld_among
from faceid_core.values import Actor, Box, Flag, Ints, LabelSource, NewFace, Role, Vectors
from faceid_core.wording import count

BACKGROUND = 1 / 3
"""Height relative to the photo's largest face below which a face is in the background."""

STRANGERS = 5
"""Minimum number of unnamed faces in a crowd, which can be ignored all at once."""

ROWS_AT_ONCE = 10_000
"""Number of faces whose vectors are read per batch."""

_FLAG_WORDS = {
    Flag.NONE: "Brought back {}",
    Flag.NOT_A_FACE: "Marked {} as not a face",
    Flag.STRANGER: "Ignored {}",
    Flag.HIDDEN: "hidden",
}


class Faces:
    """Reads faces, adds vectors, sets flags."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def vectors(self, embedder: str) -> FaceVectors:
        """Return all faces without a flag that have a vector of this embedder, by id."""
        wanted = (
            select(Face.id, Face.photo_id, Face.quality, Embedding.vector)  # type: ignore[call-overload]
            .join(Embedding, (col(Embedding.face_id) == col(Face.id)) & (col(Embedding.embedder) == embedder))
            .where(col(Face.flag) == Flag.NONE.value)
            .order_by(col(Face.id))
        )
        # A million rows as Python objects take a gigabyte; their vectors take half of that.
        at_once = wanted.execution_options(yield_per=ROWS_AT_ONCE)
        with self._database.read() as session:
            found = (usable(rows, 3) for rows in session.execute(at_once).partitions())
            parts = [_vectors_of(rows) for rows in found if rows]
        columns = zip(*(parts or [_vectors_of([])]), strict=True)
        return FaceVectors(*(np.concatenate(column) for column in columns))

    def missing_vectors(self, embedder: str) -> list[int]:
        """Return the faces that have a crop but no vector of this embedder."""
        has = select(col(Embedding.face_id)).where(
            col(Embedding.embedder) == embedder, col(Embedding.face_id) == col(Crop.face_id)
        )
        wanted = select(col(Crop.face_id)).where(~has.exists()).order_by(col(Crop.face_id))
        with self._database.read() as session:
            return list(session.scalars(wanted))

    def add_vectors(self, embedder: str, ids: Sequence[int], vectors: Vectors) -> None:
        """Store vectors (N, D) of faces that have none of this embedder yet. Raises VectorsNotFinite and stores
        nothing if one is not finite."""
        bad = int(len(vectors) - np.isfinite(vectors).all(axis=1).sum()) if len(vectors) else 0
        if bad:
            raise VectorsNotFinite(
                f"The face network {embedder} returned numbers that are not finite for {bad} of "
                f"{len(vectors)} faces; check the model."
            )
        with self._database.write(Role.VIEWER) as session:
            withheld = withheld_among(session, map(int, ids))  # consent refused since the crops were read
            session.add_all(
                Embedding(face_id=int(face), embedder=embedder, vector=pack(vector))
                for face, vector in zip(ids, vectors, strict=True)
                if int(face) not in withheld
            )

    def crop(self, face_id: int) -> bytes:
        """Return the aligned face as JPEG. Raises NotFound, also if it is hidden from the actor."""
        with self._database.read() as session:
            crop = session.get(Crop, face_id)
            hidden = boxes.is_hidden(session, face_id)
        if crop is None or hidden:
            raise NotFound(f"There is no face {face_id} in the library.")
        return crop.data

    def place(self, face_id: int) -> FacePlace | None:
        """Return the face's photo and box; None if its person refused consent. Raises NotFound, also if it is
        hidden from the actor."""
        with self._database.read() as session:
            return boxes.place(session, face_id)

    def crops(self, ids: Iterable[int]) -> dict[int, bytes]:
        """Return the aligned faces as JPEG, by id; ids without a crop are left out."""
        found: dict[int, bytes] = {}
        with self._database.read() as session:
            for chunk in chunks(int(face) for face in ids):
                rows = session.scalars(select(Crop).where(col(Crop.face_id).in_(chunk)))
                found.update({row.face_id: row.data for row in rows})
        return found

    def get(self, face_id: int) -> FaceView:
        """Return a face. Raises NotFound, also if it is hidden from the current user."""
        found = self.get_many([face_id])
        if not found:
            raise NotFound(f"There is no face {face_id} in the library.")
        return found[0]

    def get_many(self, ids: Sequence[int]) -> list[FaceView]:
        """Return faces in the order of `ids`; those that no longer exist are left out."""
        with self._database.read() as session:
            views = [
                view
                for chunk in chunks(int(face) for face in ids)
                for view in _load(session, _selected().where(col(Face.id).in_(chunk)))
            ]
        by_id = {view.id: view for view in views}
        return [by_id[int(face)] for face in ids if int(face) in by_id]

    def of_photo(self, photo_id: int) -> list[FaceView]:
        """Return the faces of a photo, from left to right."""
        wanted = _selected().where(col(Face.photo_id) == photo_id).order_by(col(Face.left), col(Face.id))
        with self._database.read() as session:
            return _load(session, wanted)

    def background(self, photo_id: int) -> list[int]:
        """Return the unnamed, unflagged faces of a photo that are small next to its largest: mostly passers-by."""
        faces = self.of_photo(photo_id)
        small = BACKGROUND * max((face.box.height for face in faces), default=0.0)
        return [face.id for face in faces if _waits(face) and face.box.height < small]

    def strangers_on(self, photo_id: int) -> list[int]:
        """Return the unnamed, unflagged faces of a photo, whatever their size; none if fewer than STRANGERS. In a
        crowd, size does not tell strangers apart, and known people already have names."""
        waiting = [face.id for face in self.of_photo(photo_id) if _waits(face)]
        return waiting if len(waiting) >= STRANGERS else []

    def of_person(self, person_id: int, after: int | None = None, limit: int = 60) -> list[FaceView]:
        """List a person's faces without a flag, best quality first, after the face `after`."""
        shown = col(Face.flag) == Flag.NONE.value
        return self._by_quality(shown & (col(Label.person_id) == person_id), after, limit)

    def of_cluster(
        self, number: int, after: int | None = None, limit: int = 60, *, unnamed: bool = False
    ) -> list[FaceView]:
        """List a group's faces without a flag, best quality first, after the face `after`."""
        members = (
            select(col(ClusterMember.face_id))
            .join(Cluster, col(Cluster.id) == col(ClusterMember.cluster_id))
            .where(col(Cluster.run_id) == latest_run(), col(Cluster.number) == number)
        )
        condition = col(Face.id).in_(members) & (col(Face.flag) == Flag.NONE.value)
        return self._by_quality(condition & col(Label.face_id).is_(None) if unnamed else condition, after, limit)

    def singles(self, after: int | None = None, limit: int = 60, *, least_quality: float = 0.0) -> list[FaceView]:
        """List ungrouped, unnamed faces, best quality first, after the face `after`."""
        return self._by_quality(~grouped() & unnamed_face() & (col(Face.quality) >= least_quality), after, limit)

    def as_drawn(self, ids: Sequence[int]) -> DrawnFaces:
        """Return the current person and flag of these faces, for a page that draws them. Faces that no longer exist
        are left out."""
        with self._database.read() as session:
            states = states_of(session, ids)
        return DrawnFaces({face: states[face] for face in ids if face in states})

    def flag(self, ids: Sequence[int], flag: Flag, *, drawn: DrawnFaces | None = None) -> Changed:
        """Set the flag of faces: not a face, stranger, hidden, or NONE to clear it.

        Raises OutOfDate if the faces are not as they were drawn.
        """
        with self._database.write() as session:
            check_faces(session, ids, drawn)
            rows = current_rows(session, "face", col(Face.id), [int(face) for face in ids])
            changes = [
                Change("face", row, {**row, "flag": flag.value}) for row in rows if row["flag"] != flag.value
            ]
            summary = _FLAG_WORDS[flag].format(count(len(changes), "face"))
            event = journal.record(session, "flag", summary, changes)
        return Changed(event, len(changes))

    def add(self, photo_id: int, box: Box) -> Placed:
        """Add a face that a user marked on a photo. Its landmarks, quality and vector are computed later, see
        `undescribed`. Raises NotFound, BadInput."""
        with self._database.write() as session:
            return boxes.add(session, photo_id, box)

    def move(self, face_id: int, box: Box, *, drawn: Box | None = None) -> Placed:
        """Move a face to this box. drawn: where a page drew it. Raises NotFound, BadInput, OutOfDate."""
        with self._database.write() as session:
            return boxes.move(session, face_id, box, drawn)

    def undescribed(self, limit: int = 100) -> list[Undescribed]:
        """Return faces with a new box for which nothing has been computed yet, by id."""
        with self._database.read() as session:
            return boxes.undescribed(session, limit)

    def describe(self, face: Undescribed, embedder: str, found: NewFace | None) -> bool:
        """Store what was computed for a face. None means that nothing could be; the face keeps its name. Returns
        False if the face has since been moved or deleted."""
        with self._database.write(Role.VIEWER) as session:
            return boxes.describe(session, face, embedder, found)

    def with_flag(self, flag: Flag) -> list[int]:
        """Return the faces with this flag."""
        with self._database.read() as session:
            found = session.scalars(select(col(Face.id)).where(col(Face.flag) == flag.value).order_by(col(Face.id)))
            return [face for face in found if face is not None]

    def imported_before(self, moment: datetime, *, ignored: bool) -> list[int]:
        """Return faces of photos imported before this time (naive UTC): ignored ones, or those without name and
        flag."""
        set_aside = col(Face.flag).in_([Flag.STRANGER.value, Flag.NOT_A_FACE.value])
        wanted = (
            select(col(Face.id))
            .join(Photo, col(Photo.id) == col(Face.photo_id))
            .outerjoin(Label, col(Label.face_id) == col(Face.id))
            .where(col(Photo.imported_at) < moment, set_aside if ignored else unnamed_face())
            .where(col(Label.face_id).is_(None))
            .order_by(col(Face.id))
        )
        with self._database.read() as session:
            return [face for face in session.scalars(wanted) if face is not None]

    def _by_quality(self, condition: Any, after: int | None, limit: int) -> list[FaceView]:
        """Keyset pagination by (quality, id), best first."""
        wanted = _selected().where(condition).order_by(col(Face.quality).desc(), col(Face.id)).limit(limit)
        with self._database.read() as session:
            last = session.get(Face, after) if after is not None else None
            if last is not None:
                behind = (col(Face.quality) == last.quality) & (col(Face.id) > last.id)
                wanted = wanted.where(or_(col(Face.quality) < last.quality, behind))
            return _load(session, wanted)


def _waits(face: FaceView) -> bool:
    return face.person is None and face.flag is Flag.NONE


def grouped() -> Any:
    """Condition: the face is in a group of the latest grouping. Correlated, as a page needs few faces."""
    member = (
        select(col(ClusterMember.face_id))
        .join(Cluster, col(Cluster.id) == col(ClusterMember.cluster_id))
        .where(col(ClusterMember.face_id) == col(Face.id), col(Cluster.run_id) == latest_run())
    )
    return member.correlate(Face).exists()


def unnamed_face() -> Any:
    """Condition (with Label joined): the face has neither name nor flag."""
    return col(Label.face_id).is_(None) & (col(Face.flag) == Flag.NONE.value)


MEMBERS = (
    select(ClusterMember.face_id, ClusterMember.cluster_id)  # type: ignore[call-overload]
    .join(Cluster, col(Cluster.id) == col(ClusterMember.cluster_id))
    .where(col(Cluster.run_id) == latest_run())
    .subquery("members")
)
"""The members of the groups of the latest grouping."""

# SQLAlchemy creates a subquery's columns on first use, without a lock. If two threads used it first at the same
# time, one would build its query with columns that are then replaced.
_ = MEMBERS.c


def shown_person(actor: Actor) -> ColumnElement[bool]:
    """Condition on Person: the actor may see them. Hidden people are only for roles that can unhide them."""
    return true() if actor.role.includes(Role.EDITOR) else col(Person.hidden).is_(False)


def _selected() -> Select[Any]:
    columns: tuple[Any, ...] = (Face, Label.person_id, Person.name, Label.source)
    labelled = select(*columns).outerjoin(Label, col(Label.face_id) == col(Face.id))
    return labelled.outerjoin(Person, col(Person.id) == col(Label.person_id))


def _load(session: Session, wanted: Select[Any]) -> list[FaceView]:
    """Load the selected faces. Their groups come from a second query, not from a join over all members. Viewers get
    neither hidden faces nor faces of hidden people."""
    if not acting(session).role.includes(Role.EDITOR):
        wanted = wanted.where(col(Person.hidden).is_not(True), col(Face.flag) != Flag.HIDDEN.value)
    rows = session.execute(wanted).all()
    numbers = _cluster_numbers(session, [row[0].id for row in rows])
    return [
        FaceView(
            id=face.id,
            photo_id=face.photo_id,
            box=Box(face.left, face.top, face.right, face.bottom),
            score=face.score,
            quality=face.quality,
            quality_parts=face.quality_parts,
            flag=Flag(face.flag),
            person_id=person_id,
            person=person,
            source=stored_source(source),
            cluster=numbers.get(face.id),
        )
        for face, person_id, person, source in rows
    ]


def _vectors_of(rows: Sequence[Row[tuple[int, int, float, bytes]]]) -> tuple[Ints, Ints, Vectors, Vectors]:
    """Return the fields of FaceVectors, in the order of the rows."""
    ids, photos, quality, vectors = zip(*rows, strict=True) if rows else ((), (), (), ())
    return np.array(ids, np.int64), np.array(photos, np.int64), np.array(quality, np.float32), unpack(vectors)


def stored_source(stored: str | None) -> str | None:
    """Convert a stored label source to its current name, see LabelSource."""
    return LabelSource(stored).value if stored else None


def _cluster_numbers(session: Session, ids: Sequence[int]) -> dict[int, int]:
    numbers: dict[int, int] = {}
    for chunk in chunks(ids):
        wanted = (
            select(ClusterMember.face_id, Cluster.number)  # type: ignore[call-overload]
            .join(Cluster, col(Cluster.id) == col(ClusterMember.cluster_id))
            .where(col(Cluster.run_id) == latest_run(), col(ClusterMember.face_id).in_(chunk))
        )
        numbers.update(session.execute(wanted).tuples().all())
    return numbers


def as_ints(values: Iterable[int]) -> Ints:
    """(N,) int64."""
    return np.array(list(values), np.int64)
