"""People and the faces that have their names. Every change here is one event in the journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import case, func, select, true
from sqlmodel import Session, col

from faceid_core.errors import BadInput, NotFound
from faceid_core.library import person_details, person_names
from faceid_core.library.consents import COLUMNS as CONSENT_COLUMNS
from faceid_core.library.consents import merged_consents, view_of
from faceid_core.library.drawn import check_faces, check_people
from faceid_core.library.faces import as_ints, shown_person
from faceid_core.library.merging import moved_labels, moved_photos, moved_rejections, overruled
from faceid_core.library.naming import count_faces, find_or_add, naming_changes, record_naming, refuse_twice
from faceid_core.library.store import journal, person_counts
from faceid_core.library.store.database import Database, acting
from faceid_core.library.store.person_tables import PersonDetails
from faceid_core.library.store.photo_tables import PersonOnPhoto
from faceid_core.library.store.records import (
    Act,
    Changed,
    DrawnFaces,
    NamedFaces,
    Naming,
    PersonChanged,
    PersonView,
)
from faceid_core.library.store.row_changes import Change, Row, current_rows, row_of
from faceid_core.library.store.tables import (
    Consent,
    Crop,
    Embedding,
    Event,
    Face,
    Label,
    Person,
    PersonCounts,
    Rejection,
)
from faceid_core.values import ConsentState, Flag, LabelSource, Role, utc_now

_SEEN = ("name", "faces")
"""The fields that must be as drawn before people are merged or deleted."""

_DESCRIBED = ("name", "birth_date", "death_date", "hidden", "favourite")
"""The fields that `describe` changes."""


_THEIRS: dict[str, Any] = {
    "label": col(Label.person_id),
    "rejection": col(Rejection.person_id),
    "persononphoto": col(PersonOnPhoto.person_id),
}
"""The tables whose rows are deleted with a person."""

_REFUSAL_LOST = (
    "{} refused consent, and without the name nobody would know. Erase this person instead, or set the consent to "
    "unknown first."
)


class People:
    """Names faces; renames, merges and lists people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[PersonView]:
        """Return all people, those with the most faces first."""
        read_only = self._database.read_only
        if not read_only:
            person_counts.fill_counts(self._database)
        with self._database.read() as session:
            everybody = _views(session, afresh=read_only)
            return sorted(everybody, key=lambda person: (-person.faces, person.name.casefold()))

    def get(self, person_id: int) -> PersonView:
        """Return a person. Raises NotFound."""
        with self._database.read() as session:
            found = _views(session, [person_id])
        if not found:
            raise NotFound("That person is no longer in the library; choose another one.")
        return found[0]

    def find(self, name: str) -> PersonView | None:
        """Return the person with that name, ignoring case, or None."""
        with self._database.read() as session:
            wanted = select(col(Person.id)).where(
                col(Person.name_key) == person_names.key(person_names.clean(name))
            )
            found = _views(session, [person for person in session.scalars(wanted) if person is not None])
        return found[0] if found else None

    def known(self, name: str) -> PersonView:
        """Return the person with that name. Raises NotFound."""
        person = self.find(name)
        if person is None:
            raise NotFound(f"There is no person called {name}; `faceid people` lists all names.")
        return person

    def name_faces(
        self,
        ids: Sequence[int],
        name: str,
        *,
        source: LabelSource = LabelSource.HUMAN,
        once: bool = False,
        drawn: DrawnFaces | None = None,
    ) -> Naming:
        """Give faces to the person with that name, creating the person if needed. Raises InvalidName.

        A weaker source does not change what a stronger one decided: names, flags and rejections.
        once: raise TwiceOnPhoto if the person would be on a photo twice (which is correct for a mirror or collage).
        drawn: raise OutOfDate if the faces are not as they were drawn.
        """
        name = person_names.clean(name)
        with self._database.write() as session:
            check_faces(session, ids, drawn)
            person, created = find_or_add(session, name)
            changes = naming_changes(session, [int(face) for face in ids], row_of(person), source)
            if once:
                refuse_twice(session, changes, row_of(person))
            row = row_of(person)
            if created and not changes:
                session.delete(person)  # a person needs at least one face
            done = [Change("person", None, row)] if created and changes else []
            return record_naming(session, row, changes, done)

    def give_faces(
        self,
        ids: Sequence[int],
        person_id: int,
        *,
        source: LabelSource = LabelSource.HUMAN,
        once: bool = False,
        drawn: DrawnFaces | None = None,
    ) -> Naming:
        """Give faces to an existing person, whatever their current name. Raises NotFound; otherwise like
        `name_faces`."""
        with self._database.write() as session:
            check_faces(session, ids, drawn)
            person = _row(session, person_id)
            changes = naming_changes(session, [int(face) for face in ids], person, source)
            if once:
                refuse_twice(session, changes, person)
            return record_naming(session, person, changes, [])

    def rename(self, person_id: int, name: str) -> PersonChanged:
        """Rename a person. Raises NotFound, InvalidName, NameTaken."""
        return self.describe(person_id, name=name)

    def describe(
        self,
        person_id: int,
        *,
        name: str | None = None,
        birth_date: person_details.Day = "unchanged",
        death_date: person_details.Day = "unchanged",
        hidden: bool | None = None,
        favourite: bool | None = None,
        drawn: PersonView | None = None,
    ) -> PersonChanged:
        """Change a person's name, dates (None: unknown), and whether they are hidden or a favourite, as one event.

        Raises NotFound, InvalidName, NameTaken, OutOfDate if one of these is not as it was drawn, and BadInput for
        a new date before EARLIEST or in the future, or a death before the birth. Dates already stored are not
        checked: they may have come with imported decisions.
        """
        with self._database.write() as session:
            before = _row(session, person_id)
            if drawn is not None:
                check_people(_views(session, [person_id]), [drawn], fields=_DESCRIBED)
            renamed = person_details.renamed(session, person_id, name) if name is not None else {}
            after = {**before, **renamed}
            if birth_date not in ("unchanged", before["birth_date"]):
                assert birth_date != "unchanged"
                after["birth_date"] = person_details.checked(birth_date, "birth")
            if hidden is not None:
                after["hidden"] = hidden
            details = person_details.detail_changes(session, person_id, death_date, favourite)
            changes = [Change("person", before, after)] if after != before else []
            _check_order(session, before, after, details)
            kind, summary = person_details.described(before, after, details)
            event = journal.record(session, kind, summary, [*changes, *details])
        return PersonChanged(event, self.get(person_id))

    def merge(self, keep_id: int, other_ids: Sequence[int], *, drawn: Sequence[PersonView] = ()) -> PersonChanged:
        """Merge several people: faces and rejections move to `keep_id`. Decisions that contradict the merge (this
        face of Bo is not Ada; these two faces are different people) are deleted, and restored by an undo. The
        strictest consent applies: if one refused, the pictures and vectors of all are deleted, see consents.

        Raises NotFound, BadInput, OutOfDate if a name or number of faces differs from what was drawn.
        """
        others = list(dict.fromkeys(int(other) for other in other_ids if int(other) != keep_id))
        if not others:
            raise BadInput("Choose another person to merge with.")
        with self._database.write() as session:
            keep = _row(session, keep_id)
            gone = [_row(session, other) for other in others]
            check_people(_views(session, [keep_id, *others]), drawn, fields=_SEEN)
            changes = [Change("person", row, None) for row in gone]
            changes += moved_labels(session, others, keep_id)
            changes += moved_rejections(session, others, keep_id)
            changes += overruled(session, [keep_id, *others])
            changes += merged_consents(session, keep_id, others)
            changes += person_details.merged_details(session, keep_id, others)
            changes += moved_photos(session, others, keep_id)
            others_names = " and ".join(f"“{row['name']}”" for row in gone)
            summary = f"Merged {others_names} into “{keep['name']}”"
            event = journal.record(session, "merge", summary, changes)
        return PersonChanged(event, self.get(keep_id))

    def delete(self, person_id: int, *, drawn: PersonView | None = None) -> Act:
        """Delete a person; their faces become unnamed. Raises NotFound, OutOfDate if the name or number of faces
        differs from what was drawn, BadInput if they refused consent, since the refusal would be lost."""
        with self._database.write() as session:
            row = _row(session, person_id)
            said = current_rows(session, "consent", col(Consent.person_id), [person_id])
            if any(each["state"] == ConsentState.REFUSED.value for each in said):
                raise BadInput(_REFUSAL_LOST.format(row["name"]))
            check_people(_views(session, [person_id]), [drawn] if drawn else [], fields=_SEEN)
            changes = [Change("person", row, None), *(Change("consent", each, None) for each in said)]
            details = person_details.details_of(session, [person_id]).values()
            changes += [Change("persondetails", each, None) for each in details]
            for table, column in _THEIRS.items():
                changes += [Change(table, old, None) for old in current_rows(session, table, column, [person_id])]
            return Act(journal.record(session, "delete", f"Removed the name “{row['name']}”", changes))

    def remove_faces(self, ids: Sequence[int], person_id: int) -> Changed:
        """Remove faces from a person and remember the rejection. Raises NotFound.

        Faces that no longer belong to the person are left unchanged and counted.
        """
        wanted = {int(face) for face in ids}
        with self._database.write() as session:
            person = _row(session, person_id)
            labels = current_rows(session, "label", col(Label.face_id), wanted)
            labels = [row for row in labels if row["person_id"] == person_id]
            changes = [Change("label", row, None) for row in labels]
            changes += _new_rejections(session, [(row["face_id"], person_id) for row in labels])
            summary = f"Removed the name “{person['name']}” from {count_faces(len(labels))}"
            event = journal.record(session, "remove", summary, changes)
        return Changed(event, len(labels), left=len(wanted) - len(labels))

    def reject(self, ids: Sequence[int], person_id: int, *, drawn: DrawnFaces | None = None) -> Changed:
        """Remember that faces are not this person, and delete labels that say they are.

        Raises NotFound, OutOfDate if the faces are not as they were drawn. Faces that no longer exist are skipped.
        """
        with self._database.write() as session:
            check_faces(session, ids, drawn)
            person = _row(session, person_id)
            faces = [row["id"] for row in current_rows(session, "face", col(Face.id), {int(face) for face in ids})]
            labels = current_rows(session, "label", col(Label.face_id), faces)
            changes = [Change("label", row, None) for row in labels if row["person_id"] == person_id]
            changes += _new_rejections(session, [(face, person_id) for face in faces])
            changed = len({row["face_id"] for change in changes if (row := change.before or change.after)})
            summary = f"Marked {count_faces(changed)} as not “{person['name']}”"
            event = journal.record(session, "reject", summary, changes)
        return Changed(event, changed)

    def answer(
        self, yes: Sequence[int], no: Sequence[int], person_id: int, *, drawn: DrawnFaces | None = None
    ) -> Changed:
        """Answer suggestions for a person: some faces are this person, the others are not, as one event.

        Raises NotFound, TwiceOnPhoto, OutOfDate if the faces are not as they were drawn.
        """
        with self._database.write() as session:
            check_faces(session, [*yes, *no], drawn)
            person = _row(session, person_id)
            changes = naming_changes(session, [int(face) for face in yes], person, LabelSource.ACCEPTED)
            refuse_twice(session, changes, person)
            there = {row["id"] for row in current_rows(session, "face", col(Face.id), [int(face) for face in no])}
            refused = _new_rejections(session, [(int(face), person_id) for face in no if int(face) in there])
            parts = [f"Named {count_faces(len(changes))} “{person['name']}”"] if changes else []
            if refused:
                parts.append(f"marked {count_faces(len(refused))} as not “{person['name']}”")
            summary = ", ".join(parts)
            kind = "name" if changes else "reject"
            event = journal.record(session, kind, summary[:1].upper() + summary[1:], [*changes, *refused])
        return Changed(event, len(changes) + len(refused))

    def accept(self, pairs: Sequence[tuple[int, int]], *, drawn: DrawnFaces | None = None) -> Changed:
        """Accept suggestions, pairs (face, person), as one event.

        Raises NotFound, TwiceOnPhoto, OutOfDate if the faces are not as they were drawn.
        """
        faces: dict[int, list[int]] = {}
        for face, person_id in pairs:
            faces.setdefault(int(person_id), []).append(int(face))
        with self._database.write() as session:
            check_faces(session, [face for face, _ in pairs], drawn)
            changes: list[Change] = []
            for person_id, mine in faces.items():
                person = _row(session, person_id)
                new = naming_changes(session, mine, person, LabelSource.ACCEPTED)
                refuse_twice(session, new, person)
                changes += new
            people = len({change.after["person_id"] for change in changes if change.after})
            whom = "1 person" if people == 1 else f"{people:,} people"
            summary = f"Named {count_faces(len(changes))} of {whom} as the recogniser suggested"
            event = journal.record(session, "name", summary, changes)
        return Changed(event, len(changes), left=len(pairs) - len(changes))

    def set_cover(self, person_id: int, face_id: int, *, drawn: DrawnFaces | None = None) -> Act:
        """Use this face as a person's cover picture. Raises NotFound, OutOfDate if it is not as it was drawn."""
        with self._database.write() as session:
            check_faces(session, [face_id], drawn)
            before = _row(session, person_id)
            if session.get(Face, face_id) is None:
                raise NotFound("That face is no longer in the library; choose another one.")
            after = {**before, "cover_face_id": face_id}
            changes = [Change("person", before, after)] if after != before else []
            summary = f"Chose a cover for “{before['name']}”"
            return Act(journal.record(session, "cover", summary, changes))

    def training_faces(self, embedder: str | None = None) -> NamedFaces:
        """Return named faces (by a user, an accepted suggestion or an import) without a flag and with a crop. If an
        embedder is given, they also need a vector of it."""
        self._database.actor.require(Role.EDITOR)
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


def _views(session: Session, ids: Sequence[int] | None = None, *, afresh: bool = False) -> list[PersonView]:
    """Load people with their counts and a cover: the chosen one, or else the face of best quality. Without ids,
    counts come from person_counts.fill_counts, unless `afresh`; with ids, they are computed now."""
    counts = PersonCounts.__table__ if ids is None and not afresh else person_counts.counted(ids).subquery()  # type: ignore[attr-defined]
    refused = col(Consent.state) == ConsentState.REFUSED.value
    cover = case((refused, None), else_=func.coalesce(Person.cover_face_id, counts.c.best_face_id))
    columns: tuple[Any, ...] = (
        *(Person.id, Person.name, func.coalesce(counts.c.faces, 0), func.coalesce(counts.c.photos, 0), cover),
        *(Person.hidden, Person.birth_date),
        *person_details.COLUMNS,
        *CONSENT_COLUMNS,
    )
    wanted = select(*columns).outerjoin(counts, counts.c.person_id == col(Person.id))
    wanted = wanted.outerjoin(Consent, col(Consent.person_id) == col(Person.id))
    wanted = wanted.outerjoin(PersonDetails, col(PersonDetails.person_id) == col(Person.id))
    mine = true() if ids is None else col(Person.id).in_(ids)
    rows = session.execute(wanted.where(mine, shown_person(acting(session)))).all()
    return [_view(session, row) for row in rows]


def _view(session: Session, row: Sequence[Any]) -> PersonView:
    consent = view_of(session, *row[-len(CONSENT_COLUMNS) :])
    number, name, faces, photos, cover, hidden, born, died, favourite = row[:9]
    return PersonView(number, name, faces, photos, cover, hidden, born, consent, died, bool(favourite))


def _check_order(session: Session, before: Row, after: Row, details: Sequence[Change]) -> None:
    """Check the order of dates that change. Dates from imported decisions are not checked."""
    if details or before["birth_date"] != after["birth_date"]:
        known = details[0].after if details else person_details.details_of(session, [after["id"]]).get(after["id"])
        person_details.check_order(after["birth_date"], (known or {}).get("death_date"))


def _row(session: Session, person_id: int) -> Row:
    person = session.get(Person, person_id)
    if person is None:
        raise NotFound("That person is no longer in the library; choose another one.")
    return row_of(person)


def _new_rejections(session: Session, pairs: Sequence[tuple[int, int]]) -> list[Change]:
    known = current_rows(session, "rejection", col(Rejection.face_id), [face for face, _ in pairs])
    there = {(row["face_id"], row["person_id"]) for row in known}
    now = utc_now()
    return [
        Change("rejection", None, {"face_id": face, "person_id": person, "at": now})
        for face, person in pairs
        if (face, person) not in there
    ]
