"""The order in which photos are listed: by import, or by the day they were taken, newest first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, or_, select
from sqlmodel import Session, col

from faceid_core.library.store.tables import Photo

_TAKEN: Any = col(Photo.taken_at)
_ID: Any = col(Photo.id)


def newest_first(*, by_date: bool) -> tuple[Any, ...]:
    """Return the ORDER BY terms for newest first. Photos without a date come last."""
    return (_TAKEN.desc().nulls_last(), _ID.desc()) if by_date else (_ID.desc(),)


def oldest_first(*, by_date: bool) -> tuple[Any, ...]:
    """Return the ORDER BY terms for the reverse order."""
    return (_TAKEN.asc().nulls_first(), _ID.asc()) if by_date else (_ID.asc(),)


def behind(session: Session, photo_id: int, *, by_date: bool) -> Any:
    """Return the condition on photos that `newest_first` lists after this one. If it no longer exists, its id
    determines its place."""
    if not by_date:
        return photo_id > _ID
    taken = session.scalar(select(_TAKEN).where(photo_id == _ID))
    if taken is None:
        return and_(_TAKEN.is_(None), photo_id > _ID)
    return or_(taken > _TAKEN, and_(taken == _TAKEN, photo_id > _ID), _TAKEN.is_(None))


def before(session: Session, photo_id: int, *, by_date: bool) -> Any:
    """Return the condition on photos that `newest_first` lists before this one."""
    if not by_date:
        return photo_id < _ID
    taken = session.scalar(select(_TAKEN).where(photo_id == _ID))
    if taken is None:
        return or_(_TAKEN.is_not(None), photo_id < _ID)
    return or_(taken < _TAKEN, and_(taken == _TAKEN, photo_id < _ID))
