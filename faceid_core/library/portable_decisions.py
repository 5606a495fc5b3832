"""Human decisions keyed by photo content and box instead of face ids, so that they can move between libraries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, or_, select, true
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from faceid_core.geometry import SAME_FACE_IOU, best_pairs, carried, inverse, overlaps
from faceid_core.library import boxes, consents, person_details, portable_photos
from faceid_core.library.consents import COLUMNS as CONSENT_COLUMNS
from faceid_core.library.pair_constraints import pair_constraint_changes
from faceid_core.library.person_names import key as name_key
from faceid_core.library.portable_photos import PhotoDecision
from faceid_core.library.reconciliation import alike, box_of, faces_of
from faceid_core.library.store.database import Database, chunks
from faceid_core.library.store.journal import record
from faceid_core.library.store.person_tables import PersonDetails
from faceid_core.library.store.records import NO_CONSENT, Added, ConsentView, TakenOver
from faceid_core.library.store.row_changes import Change, Row, current_rows, row_of
from faceid_core.library.store.tables import Consent, Face, HandBox, Label, PairConstraint, Person, Photo, Rejection
from faceid_core.values import Box, ConsentState, Flag, LabelSource, Role, utc_now


@dataclass(frozen=True, slots=True)
class PersonDecision:
    """A person with their details."""

    name: str
    birth_date: date | None = None
    hidden: bool = False
    consent: ConsentView = NO_CONSENT
    death_date: date | None = None
    favourite: bool = False


@dataclass(frozen=True, slots=True)
class FaceDecision:
    """All decisions about a face. photo: the file's SHA-256; path: where it was, for information only; not_people:
    names that were rejected; cover_of: whose cover it is; by_hand: whether a user drew or moved the box."""

    photo: str
    path: str
    box: Box
    person: str | None = None
    source: str = LabelSource.HUMAN.value
    at: datetime | None = None
    flag: str = Flag.NONE.value
    not_people: tuple[str, ...] = ()
    cover_of: str | None = None
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class FaceRef:
    """A reference to a face, by the same fields as in FaceDecision."""

    photo: str
    path: str
    box: Box


@dataclass(frozen=True, slots=True)
class PairDecision:
    """A user's verdict on two faces: same person or not."""

    one: FaceRef
    other: FaceRef
    same: bool


@dataclass(frozen=True, slots=True)
class FaceBox:
    """A face of this library, with the fields needed for matching."""

    id: int
    box: Box


class Decisions:
    """Reads all decisions and applies those of another library. For owners only; others get NotAllowed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def people(self) -> list[PersonDecision]:
        """Return all people, by name."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            details = person_details.COLUMNS
            columns: tuple[Any, ...] = (Person.name, Person.birth_date, Person.hidden, *details, *CONSENT_COLUMNS)
            wanted = select(*columns).outerjoin(Consent, col(Consent.person_id) == col(Person.id))
            wanted = wanted.outerjoin(PersonDetails, col(PersonDetails.person_id) == col(Person.id))
            found = session.execute(wanted.order_by(col(Person.name_key)))
            return [
                PersonDecision(*(*row[:3], consents.view_of(session, *row[5:]), row[3], bool(row[4])))
                for row in found
            ]

    def faces(self) -> Iterator[FaceDecision]:
        """Yield every face with a decision, by id."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            for _, decision in _read(session, true()):
                yield decision

    def pairs(self) -> list[PairDecision]:
        """Return all verdicts on pairs of faces."""
        self._database.actor.require(Role.OWNER)
        one, other = aliased(Face), aliased(Face)
        first, second = aliased(Photo), aliased(Photo)
        ends: tuple[Any, ...] = (one, first.sha256, first.path, other, second.sha256, second.path)
        columns = (*ends, PairConstraint.same)
        wanted = (
            select(*columns)
            .join(PairConstraint, col(PairConstraint.face_id) == col(one.id))
            .join(other, col(other.id) == col(PairConstraint.other_id))
            .join(first, col(first.id) == col(one.photo_id))
            .join(second, col(second.id) == col(other.photo_id))
            .order_by(col(one.id), col(other.id))
        )
        with self._database.read() as session:
            rows = session.execute(wanted).all()
        refs = [(FaceRef(row[1], row[2], box_of(row[0])), FaceRef(row[4], row[5], box_of(row[3]))) for row in rows]
        return [PairDecision(*pair, same=row[6]) for pair, row in zip(refs, rows, strict=True)]

    def of_near_copies(self, copies: Iterable[Added], units: Mapping[str, float]) -> list[tuple[int, FaceDecision]]:
        """Return the decisions about each photo's near copy, matched to the faces of the photo. units: embedder
        name -> its NewPhoto.unit, used to decide whether two faces look the same.

        Names count as imported: a user gave them to the near copy, not to this face.
        """
        self._database.actor.require(Role.OWNER)
        wanted = [copy for copy in copies if copy.near_copy is not None]
        if not wanted:
            return []
        originals = {copy.near_copy for copy in wanted}
        decided: dict[int | None, list[tuple[Face, FaceDecision]]] = defaultdict(list)
        with self._database.read() as session:
            for face, decision in _read(session, col(Face.photo_id).in_(originals)):
                decided[face.photo_id].append((face, decision))
            return [
                pair for copy in wanted for pair in _of_near_copy(session, copy, decided[copy.near_copy], units)
            ]

    def known(self, photos: Iterable[str]) -> dict[str, list[FaceBox]]:
        """Return SHA-256 -> faces of the photo; photos that are not in the library are left out."""
        self._database.actor.require(Role.OWNER)
        found: dict[str, list[FaceBox]] = {}
        columns: tuple[Any, ...] = (Photo.sha256, Face)
        faces = select(*columns).outerjoin(Face, col(Face.photo_id) == col(Photo.id))
        wanted = faces.order_by(col(Face.id))
        with self._database.read() as session:
            for chunk in chunks(dict.fromkeys(photos)):
                for sha256, face in session.execute(wanted.where(col(Photo.sha256).in_(chunk))):
                    here = found.setdefault(sha256, [])
                    if face is not None:
                        here.append(FaceBox(face.id, Box(face.left, face.top, face.right, face.bottom)))
        return found

    def denied(self, faces: Iterable[int]) -> dict[int, set[str]]:
        """Return face id -> keys (person_names.key) of the names that were rejected for it."""
        found: dict[int, set[str]] = defaultdict(set)
        columns = select(Rejection.face_id, Person.name_key)  # type: ignore[call-overload]
        wanted = columns.join(Person, col(Person.id) == col(Rejection.person_id))
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            for chunk in chunks(faces):
                for face, name in session.execute(wanted.where(col(Rejection.face_id).in_(chunk))):
                    found[face].add(name)
        return found

    def take_over(
        self,
        people: Sequence[PersonDecision],
        faces: Sequence[tuple[int, FaceDecision]],
        pairs: Sequence[tuple[int, int, bool]] = (),
        photos: Sequence[PhotoDecision] = (),
        *,
        summary: str = "",
    ) -> TakenOver:
        """Apply decisions to faces of this library, as one event.

        faces: (face id, decision); pairs: (face id, face id, whether they are the same person). A negative id
        stands for a face that does not exist here and is added at its box.
        Existing decisions of this library win, except that a refusal of consent overrides consent given here.
        """
        with self._database.write(Role.OWNER) as session:
            drawn = {face: _draw(session, said) for face, said in faces if face < 0}
            ids = {face: row["face_id"] for face, row in drawn.items()}
            taking = _Taking(session, people, [(ids.get(face, face), said) for face, said in faces])
            here = [(ids.get(one, one), ids.get(other, other), same) for one, other, same in pairs]
            of_photos = portable_photos.changes(session, photos, taking.ids())
            changes = [*taking.changes(), *pair_constraint_changes(session, here), *of_photos]
            summary = summary or f"Replayed decisions about {len(faces)} face{'s' * (len(faces) != 1)}"
            made = [Change("person", None, row) for row in taking.made]
            made += [Change("handbox", None, row) for row in drawn.values()]
            event = record(session, "replay", summary, changes, done=made)
        return TakenOver(event, tuple(sorted(taking.disagreeing)))


def _draw(session: Session, said: FaceDecision) -> Row:
    """Add a hand-drawn face to the photo with this content. Returns the row of its box."""
    photo = session.scalars(select(col(Photo.id)).where(col(Photo.sha256) == said.photo)).one()
    return boxes.new_face(session, int(photo or 0), said.box)


def _read(session: Session, which: ColumnElement[bool]) -> Iterator[tuple[Face, FaceDecision]]:
    """Yield faces with decisions that meet a condition, with all decisions about each."""
    everybody = session.scalars(select(Person)).all()
    names = {person.id: person.name for person in everybody}
    covers = {person.cover_face_id: person.name for person in everybody}
    rejected: dict[int, list[str]] = defaultdict(list)
    for row in session.scalars(select(Rejection).join(Face, col(Face.id) == col(Rejection.face_id)).where(which)):
        rejected[row.face_id].append(names[row.person_id])
    for face, sha256, path, label, by_hand in session.execute(
        _decided().where(which).execution_options(yield_per=1000)
    ):
        decision = FaceDecision(
            photo=sha256,
            path=path,
            box=box_of(face),
            person=names[label.person_id] if label else None,
            source=LabelSource(label.source).value if label else LabelSource.HUMAN.value,
            at=label.at if label else None,
            flag=face.flag,
            not_people=tuple(sorted(rejected.get(face.id, ()))),
            cover_of=covers.get(face.id),
            by_hand=by_hand,
        )
        yield face, decision


def _of_near_copy(
    session: Session, copy: Added, decided: Sequence[tuple[Face, FaceDecision]], units: Mapping[str, float]
) -> Iterator[tuple[int, FaceDecision]]:
    photo, near_copy = session.get_one(Photo, copy.photo_id), session.get_one(Photo, copy.near_copy)
    here = faces_of(session, photo)
    move = (near_copy.width, near_copy.height), (photo.width, photo.height), inverse(copy.near_copy_orientation)
    there = [carried(decision.box, *move) for _, decision in decided]
    pairs = best_pairs(overlaps([box_of(face) for face in here], there), SAME_FACE_IOU)
    for place, other in pairs.items():
        face, decision = decided[other]
        if copy.near_copy_orientation or alike(session, here[place], face, units):
            source = LabelSource.IMPORTED.value if decision.person else decision.source
            yield int(here[place].id or 0), replace(decision, source=source, cover_of=None, by_hand=False)


def _decided() -> Select[Any]:
    """Select (Face, sha256, path, Label or None, whether by hand) for every face that has a name, flag, rejection
    or hand-drawn box, or is a cover."""
    by_hand = exists().where(col(HandBox.face_id) == col(Face.id))
    rejected = select(col(Rejection.face_id))
    covers = select(col(Person.cover_face_id)).where(col(Person.cover_face_id).is_not(None))
    columns: tuple[Any, ...] = (Face, Photo.sha256, Photo.path, Label, by_hand)
    return (
        select(*columns)
        .join(Photo, col(Photo.id) == col(Face.photo_id))
        .outerjoin(Label, col(Label.face_id) == col(Face.id))
        .where(
            or_(
                col(Label.face_id).is_not(None),
                col(Face.flag) != Flag.NONE.value,
                col(Face.id).in_(rejected),
                col(Face.id).in_(covers),
                by_hand,
            )
        )
        .order_by(col(Face.id))
    )


class _Taking:
    """Collects the changes that apply decisions to the library, in one transaction."""

    def __init__(
        self, session: Session, people: Sequence[PersonDecision], faces: Sequence[tuple[int, FaceDecision]]
    ) -> None:
        self._session, self._faces = session, faces
        ids = [face for face, _ in faces]
        self._rows = {row["id"]: row for row in current_rows(session, "face", col(Face.id), ids)}
        self._labels = {row["face_id"]: row for row in current_rows(session, "label", col(Label.face_id), ids)}
        rejections = current_rows(session, "rejection", col(Rejection.face_id), ids)
        self._boxed = {row["face_id"] for row in current_rows(session, "handbox", col(HandBox.face_id), ids)}
        self._rejected = {(row["face_id"], row["person_id"]) for row in rejections}
        self.made: list[Row] = []
        self._made: dict[int, Person] = {}
        self.disagreeing: set[int] = set()
        self._people = {name_key(person.name): self._person(person) for person in people}
        self._said = {self._id(person.name): person.consent for person in people}
        self._known = {self._id(person.name): (person.death_date, person.favourite) for person in people}

    def _person(self, wanted: PersonDecision) -> Row:
        key = name_key(wanted.name)
        row = self._session.scalars(select(Person).where(col(Person.name_key) == key)).first()
        if row is None:
            row = Person(name=wanted.name, name_key=key, birth_date=wanted.birth_date, hidden=wanted.hidden)
            self._session.add(row)
            self._session.flush()
            self.made.append(row_of(row))
            self._made[int(row.id or 0)] = row
        return row_of(row)

    def changes(self) -> list[Change]:
        found: list[Change] = []
        for face, said in self._faces:
            if face in self._rows:
                found += [*self._naming(face, said), *self._flagging(face, said), *self._rejecting(face, said)]
                found += self._placing(face, said)
        return [*found, *self._covers(), *self._consents(), *self._details()]

    def ids(self) -> dict[str, int]:
        """Name key -> person id."""
        return {key: row["id"] for key, row in self._people.items()}

    def _id(self, name: str) -> int:
        person: int = self._people[name_key(name)]["id"]
        return person

    def _naming(self, face: int, said: FaceDecision) -> Iterator[Change]:
        if said.person is None:
            return
        here, person = self._labels.get(face), self._id(said.person)
        if (face, person) in self._rejected or here:
            if here is None or here["person_id"] != person:
                self.disagreeing.add(face)
            return
        at = said.at or utc_now()
        label = {"face_id": face, "person_id": person, "source": said.source, "confidence": 1.0, "at": at}
        self._labels[face] = label
        yield Change("label", here, label)

    def _flagging(self, face: int, said: FaceDecision) -> Iterator[Change]:
        row = self._rows[face]
        if said.flag in (Flag.NONE.value, row["flag"]):
            return
        if row["flag"] != Flag.NONE.value:
            self.disagreeing.add(face)
            return
        yield Change("face", row, {**row, "flag": said.flag})

    def _placing(self, face: int, said: FaceDecision) -> list[Change]:
        """Return the change for a hand-drawn box. One that was drawn here stays."""
        if not said.by_hand or face in self._boxed:
            return []
        change = boxes.moving(self._session, self._session.get_one(Face, face), said.box)
        return [change] if change else []

    def _rejecting(self, face: int, said: FaceDecision) -> Iterator[Change]:
        for name in said.not_people:
            person, here = self._id(name), self._labels.get(face)
            if here is not None and here["person_id"] == person:
                self.disagreeing.add(face)
            elif (face, person) not in self._rejected:
                self._rejected.add((face, person))
                yield Change("rejection", None, {"face_id": face, "person_id": person, "at": utc_now()})

    def _consents(self) -> list[Change]:
        """Return the changes for refusals, and for other consents if none is known here."""
        rows = current_rows(self._session, "consent", col(Consent.person_id), self._said)
        known = {row["person_id"] for row in rows}
        refused = ConsentState.REFUSED
        wanted = {who: said for who, said in self._said.items() if who not in known or said.state is refused}
        rejected = {row["person_id"] for row in rows if row["state"] == refused.value}
        return consents.consent_changes(
            self._session, {who: said for who, said in wanted.items() if who not in rejected}
        )

    def _details(self) -> list[Change]:
        """Return the changes for details of people who have none here."""
        here = person_details.details_of(self._session, list(self._known))
        return [
            person_details.known_anew(who, died, favourite)
            for who, (died, favourite) in self._known.items()
            if who not in here and (died or favourite)
        ]

    def _covers(self) -> Iterator[Change]:
        for face, said in self._faces:
            row = self._people.get(name_key(said.cover_of)) if said.cover_of else None
            if row is None or row["cover_face_id"] is not None or face not in self._rows:
                continue
            after = {**row, "cover_face_id": face}
            self._people[row["name_key"]] = after
            if row in self.made:  # an event has each row once: the person is created with this cover
                self._made[row["id"]].cover_face_id = face
                self.made[self.made.index(row)] = after
            else:
                yield Change("person", row, after)
        self._session.flush()
