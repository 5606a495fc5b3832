"""People and the faces that bear their names. Every change here is one event of the journal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

from sqlalchemy import func, select, true
from sqlmodel import Session, col

from faceid_core import frame_path
from faceid_core.errors import BadInput, NameTaken, NotFound, TwiceOnPhoto
from faceid_core.library import person_names
from faceid_core.library.faces import as_ints
from faceid_core.library.store import journal, person_counts
from faceid_core.library.store.database import Database, chunks
from faceid_core.library.store.records import NamedFaces, Naming, PersonView
from faceid_core.library.store.row_changes import Change, Row, current_rows, row_of
from faceid_core.library.store.tables import (
    Crop,
    Embedding,
    Event,
    Face,
    Label,
    Person,
    PersonCounts,
    Photo,
    Rejection,
)
from faceid_core.values import EARLIEST, Flag, LabelSource, utc_now

_STRENGTH = {source: strength for strength, source in enumerate(reversed(LabelSource))}


class People:
    """Names faces; renames, merges and lists people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[PersonView]:
        """Everybody, those with most faces first."""
        person_counts.fill_counts(self._database)
        with self._database.read() as session:
            return sorted(_views(session), key=lambda person: (-person.faces, person.name.casefold()))

    def get(self, person_id: int) -> PersonView:
        """One person. Raises NotFound."""
        with self._database.read() as session:
            found = _views(session, [person_id])
        if not found:
            raise NotFound("That person is not in the library any more; choose another one.")
        return found[0]

    def find(self, name: str) -> PersonView | None:
        """The person of that name, in whatever case."""
        with self._database.read() as session:
            wanted = select(col(Person.id)).where(
                col(Person.name_key) == person_names.key(person_names.clean(name))
            )
            found = _views(session, [person for person in session.scalars(wanted) if person is not None])
        return found[0] if found else None

    def known(self, name: str) -> PersonView:
        """The person of that name. Raises NotFound."""
        person = self.find(name)
        if person is None:
            raise NotFound(f"Nobody is called {name}; `faceid people` lists the names.")
        return person

    def name_faces(
        self,
        ids: Sequence[int],
        name: str,
        *,
        actor: str,
        source: LabelSource = LabelSource.HUMAN,
        confidence: float = 1.0,
        once: bool = False,
    ) -> Naming:
        """Give faces to the person of that name, who is made if new. Raises InvalidName.

        A weaker source leaves alone what a stronger one decided: other names, flags and rejections.
        once: raise TwiceOnPhoto when the person would then be on one photo twice (right for a mirror or a collage).
        """
        name = person_names.clean(name)
        with self._database.write() as session:
            person, created = _find_or_add(session, name)
            changes = _naming(session, [int(face) for face in ids], row_of(person), source, confidence)
            if once:
                _refuse_twice(session, changes, row_of(person))
            if created and not changes:
                session.delete(person)  # nobody exists without ever having had a face
            faces = sum(change.table == "label" for change in changes)
            done = [Change("person", None, row_of(person))] if created else []
            summary = f"Named {_count(faces)} {person.name}"
            naming = Naming(int(person.id or 0), person.name, created and bool(changes), faces)
            journal.record(session, "name", summary, changes, actor=actor, done=done)
        return naming

    def rename(self, person_id: int, name: str, *, actor: str) -> PersonView:
        """Give a person another name. Raises NotFound, InvalidName, NameTaken."""
        return self.describe(person_id, name=name, actor=actor)

    def describe(
        self,
        person_id: int,
        *,
        actor: str,
        name: str | None = None,
        birth_date: date | Literal["unchanged"] | None = "unchanged",
        hidden: bool | None = None,
    ) -> PersonView:
        """Change a person's name, birth date (None: unknown), or whether lists leave them out, as one event.

        Raises NotFound, InvalidName, NameTaken, BadInput for a new birth date before EARLIEST or in the future. A
        date that is stored already may be any: it can have come with imported decisions.
        """
        with self._database.write() as session:
            before = _row(session, person_id)
            after = {**before, **(_renamed(session, person_id, name) if name is not None else {})}
            if birth_date not in ("unchanged", before["birth_date"]):
                after["birth_date"] = _checked_birth(birth_date)
            if hidden is not None:
                after["hidden"] = hidden
            changes = [Change("person", before, after)] if after != before else []
            journal.record(session, *_described(before, after), changes, actor=actor)
        return self.get(person_id)

    def merge(self, keep_id: int, other_ids: Sequence[int], *, actor: str) -> PersonView:
        """Make several people one: faces and rejections go to `keep_id`. Raises NotFound, BadInput."""
        others = list(dict.fromkeys(int(other) for other in other_ids if int(other) != keep_id))
        if not others:
            raise BadInput("Choose another person to merge with.")
        with self._database.write() as session:
            keep = _row(session, keep_id)
            gone = [_row(session, other) for other in others]
            changes = [Change("person", row, None) for row in gone]
            changes += _moved_labels(session, others, keep_id)
            changes += _moved_rejections(session, others, keep_id)
            others_names = " and ".join(row["name"] for row in gone)
            journal.record(session, "merge", f"Merged {others_names} into {keep['name']}", changes, actor=actor)
        return self.get(keep_id)

    def delete(self, person_id: int, *, actor: str) -> None:
        """Forget a person: the faces become unnamed. Raises NotFound."""
        with self._database.write() as session:
            row = _row(session, person_id)
            changes = [Change("person", row, None)]
            for table, column in (("label", col(Label.person_id)), ("rejection", col(Rejection.person_id))):
                changes += [Change(table, old, None) for old in current_rows(session, table, column, [person_id])]
            journal.record(session, "delete", f"Deleted {row['name']}", changes, actor=actor)

    def remove_faces(self, ids: Sequence[int], *, actor: str) -> int:
        """Take faces from their people and remember that they are not them. Returns how many changed."""
        with self._database.write() as session:
            labels = current_rows(session, "label", col(Label.face_id), {int(face) for face in ids})
            changes = [Change("label", row, None) for row in labels]
            changes += _new_rejections(session, [(row["face_id"], row["person_id"]) for row in labels])
            journal.record(session, "remove", f"Took {_count(len(labels))} from a person", changes, actor=actor)
        return len(labels)

    def reject(self, ids: Sequence[int], person_id: int, *, actor: str) -> int:
        """Remember that faces are not this person; a label saying so goes. Returns how many faces changed.

        Raises NotFound. Faces that are not in the library any more are left out.
        """
        with self._database.write() as session:
            person = _row(session, person_id)
            faces = [row["id"] for row in current_rows(session, "face", col(Face.id), {int(face) for face in ids})]
            labels = current_rows(session, "label", col(Label.face_id), faces)
            changes = [Change("label", row, None) for row in labels if row["person_id"] == person_id]
            changes += _new_rejections(session, [(face, person_id) for face in faces])
            changed = len({row["face_id"] for change in changes if (row := change.before or change.after)})
            verb = "is" if changed == 1 else "are"
            summary = f"Said that {_count(changed)} {verb} not {person['name']}"
            journal.record(session, "reject", summary, changes, actor=actor)
        return changed

    def set_cover(self, person_id: int, face_id: int, *, actor: str) -> None:
        """Show a person by this face. Raises NotFound."""
        with self._database.write() as session:
            before = _row(session, person_id)
            if session.get(Face, face_id) is None:
                raise NotFound("That face is not in the library any more; choose another one.")
            after = {**before, "cover_face_id": face_id}
            changes = [Change("person", before, after)] if after != before else []
            journal.record(session, "cover", f"Chose a picture for {before['name']}", changes, actor=actor)

    def training_faces(self, embedder: str | None = None) -> NamedFaces:
        """Faces that a human named (or confirmed, or imported), without flag, with a crop; and with a vector of the
        embedder, where one is given."""
        wanted = (
            select(Face.id, Person.name, Face.photo_id, Person.id)  # type: ignore[call-overload]
            .join(Label, col(Label.face_id) == col(Face.id))
            .join(Person, col(Person.id) == col(Label.person_id))
            .join(Crop, col(Crop.face_id) == col(Face.id))
            .where(col(Face.flag) == Flag.NONE.value)
            .order_by(col(Face.id))
        )
        if embedder is not None:
            of_face = (col(Embedding.face_id) == col(Face.id)) & (col(Embedding.embedder) == embedder)
            wanted = wanted.join(Embedding, of_face)
        with self._database.read() as session:
            as_of = session.scalar(select(func.max(col(Event.id)))) or 0
            rows = session.execute(wanted).all()
        ids, photos, people = (as_ints(row[column] for row in rows) for column in (0, 2, 3))
        return NamedFaces(ids, [row[1] for row in rows], photos, people, as_of)


def _renamed(session: Session, person_id: int, name: str) -> Row:
    name = person_names.clean(name)
    other = session.scalars(select(Person).where(col(Person.name_key) == person_names.key(name))).first()
    if other is not None and other.id != person_id:
        raise NameTaken(f"{other.name} is already someone; choose another name, or merge the two people.")
    return {"name": name, "name_key": person_names.key(name)}


def _checked_birth(born: date | str | None) -> date | str | None:
    if isinstance(born, date) and born > date.today():
        raise BadInput("Nobody is born in the future; choose an earlier date.")
    if isinstance(born, date) and born < EARLIEST:
        raise BadInput(f"Choose a birth date from {EARLIEST.year} on.")
    return born


def _described(before: Row, after: Row) -> tuple[str, str]:
    """Kind and summary of the event that changes a person."""
    old, new, born = before["name"], after["name"], after["birth_date"]
    said: list[tuple[str, str]] = []
    if old != new:
        said.append(("rename", f"renamed {old} to {new}"))
    if before["birth_date"] != born:
        said.append(
            ("birth date", f"noted that {new} was born on {born}" if born else f"forgot when {new} was born")
        )
    if before["hidden"] != after["hidden"]:
        said.append(("hide", f"hid {new}" if after["hidden"] else f"showed {new} again"))
    summary = ", ".join(text for _, text in said)
    return (said[0][0] if len(said) == 1 else "describe"), summary[:1].upper() + summary[1:]


def _count(faces: int) -> str:
    return f"{faces} face{'s' * (faces != 1)}"


def _views(session: Session, ids: Sequence[int] | None = None) -> list[PersonView]:
    """People with their counts and a cover: the chosen one, else the face of best quality. Everybody as counted by
    person_counts.fill_counts; just these as they are."""
    counts = PersonCounts.__table__ if ids is None else person_counts.counted(ids).subquery()  # type: ignore[attr-defined]
    cover = func.coalesce(Person.cover_face_id, counts.c.best_face_id)
    columns: tuple[Any, ...] = (
        *(Person.id, Person.name, func.coalesce(counts.c.faces, 0), func.coalesce(counts.c.photos, 0), cover),
        *(Person.hidden, Person.birth_date),
    )
    wanted = select(*columns).outerjoin(counts, counts.c.person_id == col(Person.id))
    mine = true() if ids is None else col(Person.id).in_(ids)
    return [PersonView(*row) for row in session.execute(wanted.where(mine))]


def _row(session: Session, person_id: int) -> Row:
    person = session.get(Person, person_id)
    if person is None:
        raise NotFound("That person is not in the library any more; choose another one.")
    return row_of(person)


def _find_or_add(session: Session, name: str) -> tuple[Person, bool]:
    """The person of that name, and whether it was made just now."""
    person = session.scalars(select(Person).where(col(Person.name_key) == person_names.key(name))).first()
    if person is not None:
        return person, False
    person = Person(name=name, name_key=person_names.key(name))
    session.add(person)
    session.flush()
    return person, True


def _naming(
    session: Session, faces: list[int], person: Row, source: LabelSource, confidence: float
) -> list[Change]:
    labels = {row["face_id"]: row for row in current_rows(session, "label", col(Label.face_id), faces)}
    rows = {row["id"]: row for row in current_rows(session, "face", col(Face.id), faces)}
    rejected = [
        row
        for row in current_rows(session, "rejection", col(Rejection.face_id), faces)
        if row["person_id"] == person["id"]
    ]
    human = source is LabelSource.HUMAN
    free = set(rows) if human else _free(rows, labels, {row["face_id"] for row in rejected}, source)
    now = utc_now()
    changes: list[Change] = []
    for face in sorted(free):
        label = {
            "face_id": face,
            "person_id": person["id"],
            "source": source.value,
            "confidence": confidence,
            "at": now,
        }
        old = labels.get(face)
        if old is None or (old["person_id"], old["source"]) != (person["id"], source.value):
            changes.append(Change("label", old, label))
    if human:
        changes += [Change("rejection", row, None) for row in rejected]
        flagged = [row for row in rows.values() if row["flag"] != Flag.NONE.value]
        changes += [Change("face", row, {**row, "flag": Flag.NONE.value}) for row in flagged]
    return changes


def _refuse_twice(session: Session, changes: list[Change], person: Row) -> None:
    """Raises TwiceOnPhoto for the first photo on which the person's new faces meet each other or older ones."""
    new = {change.after["face_id"] for change in changes if change.table == "label" and change.after}
    photos: dict[int, int] = {}
    for chunk in chunks(new):
        wanted = select(Face.photo_id, func.count()).where(col(Face.id).in_(chunk)).group_by(col(Face.photo_id))  # type: ignore[call-overload]
        for photo, faces in session.execute(wanted):
            photos[photo] = photos.get(photo, 0) + faces
    for chunk in chunks(photos):
        there = (
            select(Face.photo_id, Face.id)  # type: ignore[call-overload]
            .join(Label, col(Label.face_id) == col(Face.id))
            .where(col(Face.photo_id).in_(chunk), col(Label.person_id) == person["id"])
        )
        for photo, face in session.execute(there):
            photos[photo] += face not in new
    twice = [photo for photo, faces in photos.items() if faces > 1]
    if twice:
        raise TwiceOnPhoto(_twice(session, person["name"], twice))


def _twice(session: Session, name: str, photos: list[int]) -> str:
    photo = session.get(Photo, min(photos))
    assert photo is not None
    more = f" and {len(photos) - 1} more" if len(photos) > 1 else ""
    return (
        f"{name} would be on {frame_path.shown(photo.path)}{more} twice; leave one of the faces out, or give the "
        "name again if both are right."
    )


def _free(rows: dict[int, Row], labels: dict[int, Row], rejected: set[int], source: LabelSource) -> set[int]:
    """Faces that a source weaker than a human may name."""

    def open_to(face: int) -> bool:
        label = labels.get(face)
        weaker = label is None or _STRENGTH[LabelSource(label["source"])] <= _STRENGTH[source]
        return weaker and rows[face]["flag"] == Flag.NONE.value and face not in rejected

    return {face for face in rows if open_to(face)}


def _moved_labels(session: Session, others: Sequence[int], keep_id: int) -> list[Change]:
    rows = current_rows(session, "label", col(Label.person_id), others)
    return [Change("label", row, {**row, "person_id": keep_id}) for row in rows]


def _moved_rejections(session: Session, others: Sequence[int], keep_id: int) -> list[Change]:
    """Rejections follow, except where the face is, or will be, the kept person's."""
    mine = current_rows(session, "label", col(Label.person_id), [keep_id, *others])
    kept = {row["face_id"] for row in mine}
    kept |= {r["face_id"] for r in current_rows(session, "rejection", col(Rejection.person_id), [keep_id])}
    changes: list[Change] = []
    for row in current_rows(session, "rejection", col(Rejection.person_id), others):
        changes.append(Change("rejection", row, None))
        if row["face_id"] not in kept:
            kept.add(row["face_id"])
            changes.append(Change("rejection", None, {**row, "person_id": keep_id}))
    return changes


def _new_rejections(session: Session, pairs: Sequence[tuple[int, int]]) -> list[Change]:
    known = current_rows(session, "rejection", col(Rejection.face_id), [face for face, _ in pairs])
    there = {(row["face_id"], row["person_id"]) for row in known}
    now = utc_now()
    return [
        Change("rejection", None, {"face_id": face, "person_id": person, "at": now})
        for face, person in pairs
        if (face, person) not in there
    ]
