"""What people say of whole photos: who is on them without a face, and tags. Each act is an event."""

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
"""What the history says of each presence."""


@dataclass(frozen=True, slots=True)
class PhotosChanged(Act):
    """number: photos of which something else is said than before."""

    number: int


@dataclass(frozen=True, slots=True)
class WithoutFace:
    """Somebody who is on a photo without a face."""

    person_id: int
    name: str
    presence: Presence


class PhotoTags:
    """Says who is on photos without a face, and tags photos. It counts for photos; faces, vectors and training know
    nothing of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- people without a face ----------------------------------------------------------------------------------
    def people_on(self, photo_id: int) -> list[WithoutFace]:
        """Who is on a photo without a face, by name; hidden people for editors only."""
        columns = select(PersonOnPhoto.person_id, Person.name, PersonOnPhoto.presence)  # type: ignore[call-overload]
        wanted = columns.join(Person, col(Person.id) == col(PersonOnPhoto.person_id))
        wanted = wanted.where(col(PersonOnPhoto.photo_id) == photo_id)
        with self._database.read() as session:
            rows = session.execute(wanted.where(shown_person(acting(session))).order_by(col(Person.name_key)))
            return [WithoutFace(person, name, Presence(presence)) for person, name, presence in rows]

    def add_person(self, photos: Sequence[int], who: int | str, presence: Presence) -> PhotosChanged:
        """Say that somebody is on these photos without a face: a person's id, or a name, which makes a new person
        where nobody is called so. Photos on which they have a face are left out.

        Raises InvalidName, NotFound, BadInput where they have a face on all of them.
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
                session.delete(session.get_one(Person, person["id"]))  # nobody exists who is nowhere
            done = [Change("person", None, person)] if is_new and changes else []
            summary = f"Added “{person['name']}” to {count(len(changes), 'photo')}, {HOW[presence]}"
            event = journal.record(session, "on photo", summary, changes, done=done)
        return PhotosChanged(event, len(changes))

    def remove_person(self, photos: Sequence[int], person_id: int) -> PhotosChanged:
        """Somebody is not on these photos after all, as far as no face shows them. Raises NotFound."""
        with self._database.write() as session:
            person, _ = _person(session, person_id)
            rows = current_rows(session, "persononphoto", col(PersonOnPhoto.photo_id), set(photos))
            changes = [Change("persononphoto", row, None) for row in rows if row["person_id"] == person_id]
            summary = f"Removed “{person['name']}” from {count(len(changes), 'photo')}"
            event = journal.record(session, "on photo", summary, changes)
        return PhotosChanged(event, len(changes))

    def decided(self) -> list[PhotoDecision]:
        """All that was said of photos, for another library. Raises NotAllowed."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            return portable_photos.read(session)

    # --- tags ---------------------------------------------------------------------------------------------------
    def all(self) -> list[tuple[str, int]]:
        """Every tag with the number of its photos, by the tag. Raises NotAllowed."""
        self._database.actor.require(Role.EDITOR)
        wanted = select(func.min(col(PhotoTag.text)), func.count()).group_by(col(PhotoTag.tag_key))
        with self._database.read() as session:
            rows = session.execute(wanted).tuples().all()
        return sorted(((str(text), number) for text, number in rows), key=lambda row: person_names.sort_key(row[0]))

    def of(self, photo_id: int) -> list[str]:
        """The tags of a photo. Raises NotAllowed."""
        self._database.actor.require(Role.EDITOR)
        with self._database.read() as session:
            mine = select(col(PhotoTag.text)).where(col(PhotoTag.photo_id) == photo_id)
            return sorted(session.scalars(mine), key=person_names.sort_key)

    def add(self, photos: Sequence[int], tag: str) -> PhotosChanged:
        """Tag photos. A tag that is there in other case is the same one. Raises InvalidName."""
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
        return PhotosChanged(event, len(new))

    def remove(self, photos: Sequence[int], tag: str) -> PhotosChanged:
        """Take a tag off photos. Raises InvalidName."""
        text = _cleaned(tag)
        with self._database.write() as session:
            rows = _tagged(session, set(photos), person_names.key(text))
            summary = f"Took the tag “{text}” off {count(len(rows), 'photo')}"
            event = journal.record(session, "tag", summary, [Change("phototag", row, None) for row in rows])
        return PhotosChanged(event, len(rows))


def _cleaned(tag: str) -> str:
    if not tag.strip():
        raise BadInput("Type a tag first.")
    return person_names.clean(tag)


def _person(session: Session, who: int | str) -> tuple[Row, bool]:
    """The person, and whether they were made just now."""
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
    """Those of these photos that are in the library, in order."""
    found: set[int | None] = set()
    for chunk in chunks({int(photo) for photo in photos}):
        found.update(session.scalars(select(col(Photo.id)).where(col(Photo.id).in_(chunk))))
    return sorted(photo for photo in found if photo is not None)


def _with_face(session: Session, photos: Sequence[int], person: int) -> set[int]:
    """Those of these photos on which a face bears the person's name."""
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
    """The tag as it is written elsewhere."""
    return session.scalars(select(col(PhotoTag.text)).where(col(PhotoTag.tag_key) == key).limit(1)).first()
