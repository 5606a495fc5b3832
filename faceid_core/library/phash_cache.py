"""An in-memory cache of the library's perceptual hashes, for finding copies without reading them all each time."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import Session, col

from faceid_core.image_hash import PhashIndex
from faceid_core.library.store.database import chunks
from faceid_core.library.store.tables import PerceptualHash


class PhashCache:
    """A cache that is never stale: hash rows never change and their ids are never reused, so only rows after the
    last id can be missing. Deleted rows are detected when they match."""

    def __init__(self) -> None:
        self._index = PhashIndex()

    def refresh(self, session: Session) -> None:
        """Read new rows. Call it before the transaction writes: only committed rows may be cached, because a
        rollback frees their ids."""
        self._index.add(*_rows_after(session, self._index.last))

    def same(self, session: Session, phashes: bytes) -> list[tuple[int, int]]:
        """Return (photo id, orientation) of photos of the same picture, most similar first, see PhashIndex.same.

        phashes: of a picture in all its orientations. Photos stored by this transaction are included.
        """
        if not phashes:
            return []
        fresh = PhashIndex()
        fresh.add(*_rows_after(session, self._index.last))
        ranked = sorted([*self._index.matches(phashes), *fresh.matches(phashes)])
        photos = _photos_of(session, [match.id for match in ranked])
        return [(photos[match.id], match.orientation) for match in ranked if match.id in photos]


def _rows_after(session: Session, last: int) -> tuple[list[int], list[bytes]]:
    wanted = select(PerceptualHash.id, PerceptualHash.bits).where(col(PerceptualHash.id) > last)  # type: ignore[call-overload]
    rows = session.execute(wanted.order_by(col(PerceptualHash.id))).all()
    return [row[0] for row in rows], [row[1] for row in rows]


def _photos_of(session: Session, hashes: list[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for chunk in chunks(hashes):
        wanted = select(PerceptualHash.id, PerceptualHash.photo_id).where(col(PerceptualHash.id).in_(chunk))  # type: ignore[call-overload]
        found.update(session.execute(wanted).tuples().all())
    return found
