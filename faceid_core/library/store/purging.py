"""Hooks for transactions that permanently delete rows, other than erasures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from sqlmodel import Session

ANNOUNCE, PURGED, TRIM = "announce", "purged", "trim"
"""Keys in the info of a write session: the hook to call before rows are permanently deleted; the folders of
recognisers to delete with them; and the hook that removes faces from the remaining recognisers."""


class Purging(Protocol):
    """Makes sure that permanently deleted rows leave no bytes behind."""

    def announce(self) -> None:
        """Record that the open transaction is about to delete rows. Raises LibraryError."""

    def trim(self, session: Session, faces: Iterable[int]) -> list[str]:
        """Remove faces from the remaining recognisers. Returns the old folders, to be passed to `purged`."""

    def purged(self, artifacts: Sequence[str]) -> None:
        """Clean up after the commit. artifacts: folders of recognisers to delete."""
