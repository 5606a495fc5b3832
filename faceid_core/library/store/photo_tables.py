"""Tables of decisions about whole photos: people on them without a face, and tags."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Column, DateTime, ForeignKey, Index, Integer
from sqlmodel import Field, SQLModel

from faceid_core.values import utc_now


class PersonOnPhoto(SQLModel, table=True):
    """A user's decision that a person is on a photo without a face. presence: see values.Presence."""

    __tablename__ = "persononphoto"

    photo_id: int = Field(sa_column=Column(Integer, ForeignKey("photo.id", ondelete="CASCADE"), primary_key=True))
    person_id: int = Field(
        sa_column=Column(Integer, ForeignKey("person.id", ondelete="CASCADE"), primary_key=True, index=True)
    )
    presence: str = Field(max_length=16)
    at: datetime = Field(default_factory=utc_now, sa_type=DateTime)


class PhotoTag(SQLModel, table=True):
    """A tag of a photo. tag_key: the text case-folded."""

    __table_args__: ClassVar[tuple[Index]] = (Index("ix_phototag_tag_key", "tag_key"),)

    photo_id: int = Field(sa_column=Column(Integer, ForeignKey("photo.id", ondelete="CASCADE"), primary_key=True))
    tag_key: str = Field(primary_key=True, max_length=300)
    text: str = Field(max_length=100)
    at: datetime = Field(default_factory=utc_now, sa_type=DateTime)
