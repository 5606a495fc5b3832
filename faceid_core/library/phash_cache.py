"""The perceptual hashes of the library in memory, to find copies without reading them all each time."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import Session, col

from faceid_core.image_hash import PhashIndex
from faceid_core.library.store.database import chunks
from faceid_core.library.store.tables import PerceptualHash


class PhashCache:
    """Never stale, however long it lives and whoever writes: a row of a hash never changes and its id never comes
    back, so that the rows behind the last id are the only ones that are missing. Rows that went since are found out
    when they match."""

    def __init__(self) -> None:
        self._index = PhashIndex()

    def refresh(self, session: Session) -> None:
        """Read the rows that were added. Call it before the transaction writes: what is rolled back gives its ids
        back, so only committed rows may stay here."""
        self._index.add(*_rows_after(session, self._index.last))

    def same(self, session: Session, phashes: bytes) -> list[tuple[int, int]]:
        """(photo id, orientation) of the photos of the same picture, the most alike first, see PhashIndex.same.

        phashes: those of a picture in all its orientations. Photos that this transaction stored are among them.
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
