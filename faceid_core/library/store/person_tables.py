"""Tables about people: details besides name and birth date, and saved searches."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, Column, DateTime, ForeignKey, Integer
from sqlmodel import Field, SQLModel

from faceid_core.values import utc_now


class PersonDetails(SQLModel, table=True):
    """Details of a person. Without a row, none are known. favourite: lists show them first."""

    person_id: int = Field(sa_column=Column(Integer, ForeignKey("person.id", ondelete="CASCADE"), primary_key=True))
    death_date: date | None = None
    favourite: bool = False
    at: datetime = Field(default_factory=utc_now, sa_type=DateTime)


class SavedSearch(SQLModel, table=True):
    """A saved search for photos. query: the fields of a PhotoQuery that are not at their defaults."""

    __table_args__: ClassVar[Any] = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=100)
    name_key: str = Field(unique=True, max_length=300)
    query: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    created_by: str = Field(max_length=100)
    created_at: datetime = Field(default_factory=utc_now, sa_type=DateTime)
