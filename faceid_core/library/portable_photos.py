"""Decisions about whole photos, keyed by content instead of ids, so that they can move between libraries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import Session, col

from faceid_core.library.person_names import key as name_key
from faceid_core.library.store.database import chunks
from faceid_core.library.store.photo_tables import PersonOnPhoto, PhotoTag
from faceid_core.library.store.row_changes import Change, current_rows
from faceid_core.library.store.tables import Person, Photo
from faceid_core.values import utc_now


@dataclass(frozen=True, slots=True)
class PhotoDecision:
    """photo: the file's SHA-256; path: where it was, for information only; people: (name, values.Presence) of
    people on it without a face."""

    photo: str
    path: str
    people: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()


def read(session: Session) -> list[PhotoDecision]:
    """Return every photo with a decision, by id."""
    people: dict[int, list[tuple[str, str]]] = defaultdict(list)
    tags: dict[int, list[str]] = defaultdict(list)
    present = select(PersonOnPhoto.photo_id, Person.name, PersonOnPhoto.presence)  # type: ignore[call-overload]
    joined = present.join(Person, col(Person.id) == col(PersonOnPhoto.person_id)).order_by(col(Person.name_key))
    for photo, name, presence in session.execute(joined):
        people[photo].append((name, presence))
    tagged = select(PhotoTag.photo_id, PhotoTag.text).order_by(col(PhotoTag.tag_key))  # type: ignore[call-overload]
    for photo, text in session.execute(tagged):
        tags[photo].append(text)
    found: list[PhotoDecision] = []
    for chunk in chunks(sorted({*people, *tags})):
        rows = select(Photo.id, Photo.sha256, Photo.path).where(col(Photo.id).in_(chunk))  # type: ignore[call-overload]
        for photo, sha256, path in session.execute(
            rows.where(col(Photo.sha256).is_not(None)).order_by(col(Photo.id))
        ):
            found.append(PhotoDecision(sha256, path, tuple(people[photo]), tuple(tags[photo])))
    return found


def changes(session: Session, said: Sequence[PhotoDecision], ids: Mapping[str, int]) -> list[Change]:
    """Return the changes that apply these decisions to this library. Existing decisions win. ids: name key ->
    person id."""
    rows = select(Photo.sha256, Photo.id).where(col(Photo.sha256).in_([each.photo for each in said]))  # type: ignore[call-overload]
    photos = dict(session.execute(rows).tuples().all())
    people = current_rows(session, "persononphoto", col(PersonOnPhoto.photo_id), photos.values())
    tags = current_rows(session, "phototag", col(PhotoTag.photo_id), photos.values())
    known = {(row["photo_id"], row["person_id"]) for row in people}
    tagged = {(row["photo_id"], row["tag_key"]) for row in tags}
    found: list[Change] = []
    for each in said:
        photo, now = photos.get(each.photo), utc_now()
        for name, presence in each.people if photo else ():
            place = (photo, ids[name_key(name)])
            if place not in known:
                known.add(place)
                row = {"photo_id": photo, "person_id": place[1], "presence": presence, "at": now}
                found.append(Change("persononphoto", None, row))
        for text in each.tags if photo else ():
            tag = (photo, name_key(text))
            if tag not in tagged:
                tagged.add(tag)
                found.append(
                    Change("phototag", None, {"photo_id": photo, "tag_key": tag[1], "text": text, "at": now})
                )
    return found
