"""What photos can be asked for, and how the database is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from faceid_core.library.store.tables import Face, Label, Photo
from faceid_core.values import PhotoStatus


@dataclass(frozen=True, slots=True)
class PhotoQuery:
    """Photos that meet all of these conditions.

    people: ids of persons who are all on the photo; without: of those who are not.
    taken_from, taken_to: local days, both included; a photo without a date meets neither.
    folder: the photo lies there or in a folder below; text: part of the path, in any case.
    """

    people: tuple[int, ...] = ()
    without: tuple[int, ...] = ()
    taken_from: date | None = None
    taken_to: date | None = None
    folder: str | None = None
    text: str | None = None
    status: PhotoStatus | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the query, apart from the status, asks for nothing in particular."""
        return self == PhotoQuery(status=self.status)


def photo_conditions(query: PhotoQuery) -> Iterator[Any]:
    """Conditions on Photo."""
    for person in query.people:
        yield col(Photo.id).in_(_photos_of(person))
    for person in query.without:
        yield col(Photo.id).not_in(_photos_of(person))
    if query.taken_from is not None:
        yield col(Photo.taken_at) >= _midnight(query.taken_from)
    if query.taken_to is not None:
        yield col(Photo.taken_at) <= datetime.combine(query.taken_to, time.max)  # the last day has no next
    if query.folder:
        folder = query.folder.rstrip("/\\") + _separator(query.folder)
        yield func.substr(col(Photo.path), 1, len(folder)) == folder  # LIKE would not tell A from a in SQLite
    if query.text:
        yield col(Photo.path).icontains(query.text, autoescape=True)
    if query.status is not None:
        yield col(Photo.status) == query.status.value


def _photos_of(person: int) -> Any:
    faces = select(col(Face.photo_id)).join(Label, col(Label.face_id) == col(Face.id))
    return faces.where(col(Label.person_id) == person)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _separator(folder: str) -> str:
    """The one that its paths are written with: a library may come from another system."""
    return "\\" if "\\" in folder and "/" not in folder else "/"
