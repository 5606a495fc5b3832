"""Statistics by year, and people who appear together. Flagged faces and hidden people are not counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, extract, func, select
from sqlmodel import col

from faceid_core.library.store.database import Database
from faceid_core.library.store.tables import Face, Label, Person, Photo
from faceid_core.values import Flag, PhotoStatus


@dataclass(frozen=True, slots=True)
class YearCounts:
    """The number of photos in a year, and of named people on them."""

    year: int
    photos: int
    people: int


@dataclass(frozen=True, slots=True)
class Together:
    """Two person ids, the smaller first, and the number of photos that they share."""

    one: int
    other: int
    photos: int


class Statistics:
    """Computes statistics. Nothing is stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by_year(self) -> list[YearCounts]:
        """Return counts for each year with photos, earliest first."""
        year = extract("year", col(Photo.taken_at))
        taken = (col(Photo.taken_at).is_not(None), col(Photo.status) == PhotoStatus.DONE.value)
        photos = select(year, func.count(col(Photo.id))).where(*taken).group_by(year)
        named = _named(year, func.count(func.distinct(Label.person_id))).where(*taken).group_by(year)
        with self._database.read() as session:
            people = {int(each): number for each, number in session.execute(named)}
            found = {int(each): number for each, number in session.execute(photos)}
        return [YearCounts(each, found[each], people.get(each, 0)) for each in sorted(found)]

    def people_by_year(self, people: list[int]) -> dict[int, dict[int, int]]:
        """Return person id -> year -> number of photos, without empty years."""
        year = extract("year", col(Photo.taken_at))
        wanted = _named(Label.person_id, year, func.count(func.distinct(Photo.id))).where(
            col(Photo.taken_at).is_not(None), col(Label.person_id).in_(people)
        )
        found: dict[int, dict[int, int]] = {person: {} for person in people}
        with self._database.read() as session:
            for person, each, number in session.execute(wanted.group_by(col(Label.person_id), year)):
                found[person][int(each)] = number
        return found

    def undated(self) -> int:
        """Count the photos without a date."""
        wanted = select(func.count(col(Photo.id))).where(
            col(Photo.taken_at).is_(None), col(Photo.status) == PhotoStatus.DONE.value
        )
        with self._database.read() as session:
            return session.scalar(wanted) or 0

    def together(self, limit: int = 80) -> list[Together]:
        """Return the pairs that share the most photos, in descending order."""
        on_photos = _named(Label.person_id.label("person"), Photo.id.label("photo")).distinct()  # type: ignore[attr-defined, union-attr]
        one, other = on_photos.subquery("one"), on_photos.subquery("other")
        photos = func.count()
        wanted = (
            select(one.c.person, other.c.person, photos)
            .select_from(one)
            .join(other, (one.c.photo == other.c.photo) & (one.c.person < other.c.person))
            .group_by(one.c.person, other.c.person)
            .order_by(photos.desc(), one.c.person, other.c.person)
            .limit(limit)
        )
        with self._database.read() as session:
            return [Together(*row) for row in session.execute(wanted)]


def _named(*columns: Any) -> Select[Any]:
    """Select columns of named faces that may be shown."""
    return (
        select(*columns)
        .select_from(Face)
        .join(Label, col(Label.face_id) == col(Face.id))
        .join(Person, col(Person.id) == col(Label.person_id))
        .join(Photo, col(Photo.id) == col(Face.photo_id))
        .where(col(Face.flag) == Flag.NONE.value, col(Person.hidden).is_(False))
    )
