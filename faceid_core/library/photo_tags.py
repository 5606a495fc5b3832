"""Decisions about whole photos: people on them without a face, and tags. Each action is an event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlmodel import Session, col

from faceid_core.errors import BadInput, NotFound
from faceid_core.library import person_names, portable_photos
from faceid_core.library.faces import shown_person
from faceid_core.library.naming import find_or_add
from faceid_core.library.portable_photos import PhotoDecision
from faceid_core.library.store import journal
from faceid_core.library.store.database import Database, acting, chunks
from faceid_core.library.store.photo_tables import PersonOnPhoto, PhotoTag
from faceid_core.library.store.records import Act
from faceid_core.library.store.row_changes import Change, Row, current_rows, row_of
from faceid_core.library.store.tables import Face, Label, Person, Photo
from faceid_core.values import Flag, Presence, Role, utc_now
from faceid_core.wording import count

HOW = {Presence.UNSEEN: "without a visible face", Presence.BEHIND: "from behind"}
"""The wording of each presence in the history."""


@dataclass(frozen=True, slots=True)
class Tagged(Act):
    """number: photos that were changed."""

    number: int


@dataclass(frozen=True, slots=True)
class WithoutFace:
    """A person who is on a photo without a face."""

    person_id: int
    name: str
    presence: Presence


class PhotoTags:
    """Adds people without a face to photos, and tags photos. This has no effect on faces, vectors or training."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- people without a face ----------------------------------------------------------------------------------
    def people_on(self, photo_id: int) -> list[WithoutFace]:
        """Return the people on a photo without a face, by name. Only editors see hidden people."""
        columns = select(PersonOnPhoto.person_id, Person.name, PersonOnPhoto.presence)  # type: ignore[call-overload]
        wanted = columns.join(Person, col(Person.id) == col(PersonOnPhoto.person_id))
        wanted = wanted.where(col(PersonOnPhoto.photo_id) == photo_id)
        with self._database.read() as session:
            rows = session.execute(wanted.where(shown_person(acting(session))).order_by(col(Person.name_key)))
            return [WithoutFace(person, name, Presence(presence)) for person, name, presence in rows]

    def add_person(self, photos: Sequence[int], who: int | str, presence: Presence) -> Tagged:
        """Add a person without a face to these photos. who: a person id, or a name; an unknown name creates a new
        person. Photos on which they have a face are skipped.

        Raises InvalidName, NotFound, BadInput if they have a face on all of them.
        """
        with self._database.write() as session:
            person, is_new = _person(session, who)
            there = _there(session, photos)
            rows = current_rows(session, "persononphoto", col(PersonOnPhoto.photo_id), there)
            before = {row["photo_id"]: row for row in rows if row["person_id"] == person["id"]}
            shown = _with_face(session, there, person["id"])
            if there and shown.issuperset(there):
                raise BadInput(f"{person['name']} already has a face here; there is nothing to add.")
            changes = [
                _present(photo, person["id"], presence, before.get(photo))
                for photo in there
                if photo not in shown and before.get(photo, {}).get("presence") != presence.value
            ]
            if is_new and not changes:
                session.delete(session.get_one(Person, person["id"]))  # a new person must be on a photo
            done = [Change("person", None, person)] if is_new and changes else []
            summary = f"Added “{person['name']}” to {count(len(changes), 'photo')}, {HOW[presence]}"
            event = journal.record(session, "on photo", summary, changes, done=done)
        return Tagged(event, len(changes))

    def remove_person(self, photos: Sequence[int], person_id: int) -> Tagged:
        """Remove a person without a face from these photos. Faces are not changed. Raises NotFound."""
        with self._database.write() as session:
            person, _ = _person(session, person_id)
            rows = current_rows(session, "persononphoto", col(PersonOnPhoto.photo_id), set(photos))
            changes = [Change("persononphoto", row, None) for row in rows if row["person_id"] == person_id]
            summary = f"Removed “{person['name']}” from {count(len(changes), 'photo')}"
            event = journal.record(session, "on photo", summary, changes)
        return Tagged(event, len(changes))

    def decided(self) -> list[PhotoDecision]:
        """Return all decisions about photos, for another library. Raises NotAllowed."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            return portable_photos.read(session)

    # --- tags ---------------------------------------------------------------------------------------------------
    def all(self) -> list[tuple[str, int]]:
        """Return every tag with its number of photos, in order of the tags. Raises NotAllowed."""
        self._database.actor.require(Role.EDITOR)
        wanted = select(func.min(col(PhotoTag.text)), func.count()).group_by(col(PhotoTag.tag_key))
        with self._database.read() as session:
            rows = session.execute(wanted).tuples().all()
        return sorted(((str(text), number) for text, number in rows), key=lambda row: person_names.sort_key(row[0]))

    def of(self, photo_id: int) -> list[str]:
        """Return the tags of a photo. Raises NotAllowed."""
        self._database.actor.require(Role.EDITOR)
        with self._database.read() as session:
            mine = select(col(PhotoTag.text)).where(col(PhotoTag.photo_id) == photo_id)
            return sorted(session.scalars(mine), key=person_names.sort_key)

    def add(self, photos: Sequence[int], tag: str) -> Tagged:
        """Tag photos. Tags that differ only in case are the same. Raises InvalidName."""
        text = _cleaned(tag)
        key = person_names.key(text)
        with self._database.write() as session:
            text = _as_known(session, key) or text
            there = _there(session, photos)
            tagged = {row["photo_id"] for row in _tagged(session, there, key)}
            now = utc_now()
            new = [
                {"photo_id": photo, "tag_key": key, "text": text, "at": now}
                for photo in there
                if photo not in tagged
            ]
            summary = f"Tagged {count(len(new), 'photo')} “{text}”"
            event = journal.record(session, "tag", summary, [Change("phototag", None, row) for row in new])
        return Tagged(event, len(new))

    def remove(self, photos: Sequence[int], tag: str) -> Tagged:
        """Remove a tag from photos. Raises InvalidName."""
        text = _cleaned(tag)
        with self._database.write() as session:
            rows = _tagged(session, set(photos), person_names.key(text))
            summary = f"Took the tag “{text}” off {count(len(rows), 'photo')}"
            event = journal.record(session, "tag", summary, [Change("phototag", row, None) for row in rows])
        return Tagged(event, len(rows))


def _cleaned(tag: str) -> str:
    if not tag.strip():
        raise BadInput("Type a tag first.")
    return person_names.clean(tag)


def _person(session: Session, who: int | str) -> tuple[Row, bool]:
    """Return the person, and whether they were just created."""
    if isinstance(who, str):
        person, is_new = find_or_add(session, person_names.clean(who))
        return row_of(person), is_new
    found = session.get(Person, who)
    if found is None:
        raise NotFound("That person is no longer in the library; choose another one.")
    return row_of(found), False


def _present(photo: int, person: int, presence: Presence, before: Row | None) -> Change:
    after = {"photo_id": photo, "person_id": person, "presence": presence.value, "at": utc_now()}
    return Change("persononphoto", before, after)


def _there(session: Session, photos: Sequence[int]) -> list[int]:
    """Return which of these photos are in the library, in order."""
    found: set[int | None] = set()
    for chunk in chunks({int(photo) for photo in photos}):
        found.update(session.scalars(select(col(Photo.id)).where(col(Photo.id).in_(chunk))))
    return sorted(photo for photo in found if photo is not None)


def _with_face(session: Session, photos: Sequence[int], person: int) -> set[int]:
    """Return which of these photos have a face of the person."""
    found: set[int] = set()
    faces = select(col(Face.photo_id)).join(Label, col(Label.face_id) == col(Face.id))
    theirs = faces.where(col(Label.person_id) == person, col(Face.flag) == Flag.NONE.value)
    for chunk in chunks(photos):
        found.update(session.scalars(theirs.where(col(Face.photo_id).in_(chunk))))
    return found


def _tagged(session: Session, photos: Sequence[int] | set[int], key: str) -> list[Row]:
    rows = current_rows(session, "phototag", col(PhotoTag.photo_id), photos)
    return [row for row in rows if row["tag_key"] == key]


def _as_known(session: Session, key: str) -> str | None:
    """Return the tag as it is already spelled on other photos, if any."""
    return session.scalars(select(col(PhotoTag.text)).where(col(PhotoTag.tag_key) == key).limit(1)).first()
