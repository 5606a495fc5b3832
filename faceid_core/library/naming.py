"""Naming faces: which labels, rejections and flags change, and when it is refused."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlmodel import Session, col

from faceid_core import frame_path
from faceid_core.errors import TwiceOnPhoto
from faceid_core.library import person_names
from faceid_core.library.store import journal
from faceid_core.library.store.database import chunks
from faceid_core.library.store.records import Naming
from faceid_core.library.store.row_changes import Change, Row, current_rows
from faceid_core.library.store.tables import Face, Label, Person, Photo, Rejection
from faceid_core.values import Flag, LabelSource, utc_now

_STRENGTH = {source: strength for strength, source in enumerate(reversed(LabelSource))}


def record_naming(session: Session, person: Row, changes: list[Change], done: list[Change]) -> Naming:
    """Record a naming in the journal. done: the person, if created for it."""
    faces = sum(change.table == "label" for change in changes)
    summary = f"Named {count_faces(faces)} “{person['name']}”"
    event = journal.record(session, "name", summary, changes, done=done)
    return Naming(event, person["id"], person["name"], bool(done), faces)


def count_faces(faces: int) -> str:
    """
    >>> count_faces(1), count_faces(2)
    ('1 face', '2 faces')
    """
    return f"{faces} face{'s' * (faces != 1)}"


def find_or_add(session: Session, name: str) -> tuple[Person, bool]:
    """Return the person with that name, and whether it was just created."""
    person = session.scalars(select(Person).where(col(Person.name_key) == person_names.key(name))).first()
    if person is not None:
        return person, False
    person = Person(name=name, name_key=person_names.key(name))
    session.add(person)
    session.flush()
    return person, True


def naming_changes(session: Session, faces: list[int], person: Row, source: LabelSource) -> list[Change]:
    """Return the new labels and, if a human names the faces, the deleted rejections and flags."""
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
            "confidence": 1.0,
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


def refuse_twice(session: Session, changes: list[Change], person: Row) -> None:
    """Raise TwiceOnPhoto for the first photo that would have more than one face of the person."""
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
        f"{name} would be in {frame_path.shown(photo.path)}{more} twice; leave out one of the faces, or give the "
        "name again if both are correct."
    )


def _free(rows: dict[int, Row], labels: dict[int, Row], rejected: set[int], source: LabelSource) -> set[int]:
    """Return the faces that a source weaker than a human may name."""

    def open_to(face: int) -> bool:
        label = labels.get(face)
        weaker = label is None or _STRENGTH[LabelSource(label["source"])] <= _STRENGTH[source]
        return weaker and rows[face]["flag"] == Flag.NONE.value and face not in rejected

    return {face for face in rows if open_to(face)}
