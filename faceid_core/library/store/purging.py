"""What happens around a transaction in which rows go for good, other than by an erasure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from sqlmodel import Session

ANNOUNCE, PURGED, TRIM = "announce", "purged", "trim"
"""In the info of a writing session: what to call before rows go for good; where some did, the folders of
recognisers that go with them; and what takes faces out of the recognisers that stay."""


class Purging(Protocol):
    """Makes sure that rows which an act deleted for good leave no byte behind."""

    def announce(self) -> None:
        """Rows go in the transaction that is open. Raises LibraryError."""

    def trim(self, session: Session, faces: Iterable[int]) -> list[str]:
        """Take faces out of the recognisers that stay. Returns the former folders, to be given to `purged`."""

    def purged(self, artifacts: Sequence[str]) -> None:
        """They are gone. artifacts: folders of recognisers that go, too."""
