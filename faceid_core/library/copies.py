"""Records which photos are copies of each other, next to their perceptual hashes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from faceid_core.image_hash import copies
from faceid_core.library.store.database import chunks
from faceid_core.library.store.tables import PerceptualHash, Photo

ALONE = 0
"""The value stored for a photo without copies: no row has this id."""


def are_noted(session: Session) -> bool:
    """Whether all photos have been compared with each other."""
    new = select(col(PerceptualHash.id)).where(col(PerceptualHash.alike).is_(None)).limit(1)
    return session.scalars(new).first() is None


def note(session: Session) -> int:
    """Compare all photos. Returns for how many the stored value changed."""
    columns = select(PerceptualHash.id, PerceptualHash.bits, PerceptualHash.alike)  # type: ignore[call-overload]
    rows = session.execute(columns.order_by(col(PerceptualHash.id))).all()
    if not rows:
        return 0
    ids, bits, before = zip(*rows, strict=True)
    first = copies(bits).tolist()
    now = [ids[row] if row >= 0 else ALONE for row in first]
    wanted: dict[int, list[int]] = {}
    for number, old, new in zip(ids, before, now, strict=True):
        if old != new:
            wanted.setdefault(new, []).append(number)
    for new, numbers in wanted.items():
        for chunk in chunks(numbers):
            session.execute(update(PerceptualHash).where(col(PerceptualHash.id).in_(chunk)).values(alike=new))
    return sum(map(len, wanted.values()))


def has_copies() -> Any:
    """Return the condition that another photo is a copy of this Photo."""
    mine, other = aliased(PerceptualHash), aliased(PerceptualHash)
    same = exists().where(col(other.alike) == col(mine.alike), col(other.id) != col(mine.id))
    return exists().where(col(mine.photo_id) == col(Photo.id), col(mine.alike) != ALONE, same)
