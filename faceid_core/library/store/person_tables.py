"""Tables around people: what is known of them beyond name and birth."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, Column, DateTime, ForeignKey, Integer
from sqlmodel import Field, SQLModel

from faceid_core.values import utc_now


class PersonDetails(SQLModel, table=True):
    """What is known of a person besides the name; without a row nothing is. favourite: lists show them first."""

    person_id: int = Field(sa_column=Column(Integer, ForeignKey("person.id", ondelete="CASCADE"), primary_key=True))
    death_date: date | None = None
    favourite: bool = False
    at: datetime = Field(default_factory=utc_now, sa_type=DateTime)


class SavedSearch(SQLModel, table=True):
    """A search for photos under a name. query: the fields of a PhotoQuery that say anything."""

    __table_args__: ClassVar[Any] = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=100)
    name_key: str = Field(unique=True, max_length=300)
    query: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    created_by: str = Field(max_length=100)
    created_at: datetime = Field(default_factory=utc_now, sa_type=DateTime)
