"""What happens around a transaction in which rows go for good, other than by an erasure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

ANNOUNCE, PURGED = "announce", "purged"
"""In the info of a writing session: what to call before rows go for good, and, where some did, the folders of
recognisers that go with them."""


class Purging(Protocol):
    """Makes sure that rows which an act deleted for good leave no byte behind."""

    def announce(self) -> None:
        """Rows go in the transaction that is open. Raises LibraryError."""

    def purged(self, artifacts: Sequence[str]) -> None:
        """They are gone. artifacts: folders of recognisers that go, too."""
