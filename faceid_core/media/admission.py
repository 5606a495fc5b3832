"""Limits the megapixels that are decoded at once. Further pictures wait for their turn, up to a timeout.

A picture of 5 kB may declare 149 megapixels, which take 900 MB to decode and rotate. So pictures are admitted by
the size that their header declares, before anything is decoded.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from faceid_core.errors import TooBusy

BYTES_PER_PIXEL = 6
"""RGB twice: the decoded picture, and the upright one."""

SHARE = 1 / 16
"""Share of the machine's memory that pictures being decoded may take."""

LEAST, MOST = 50.0, 200.0
"""Bounds of the default in megapixels: a photo of a good camera, and the largest photo with others beside it."""

PATIENCE_S = 20.0
"""How long a picture may wait for its turn."""

OVERTAKEN_S = 10.0
"""How long a waiting picture lets smaller ones overtake it."""

WAITING = 64
"""How many pictures may wait. Further ones are refused at once."""


@dataclass(frozen=True, slots=True, eq=False)
class _Ticket:
    wanted: float
    since: float


class Admission:
    """A limit on concurrent megapixels, first come, first served, except that small pictures may overtake large
    ones. Safe to share between threads."""

    def __init__(
        self,
        megapixels: float,
        *,
        patience_s: float = PATIENCE_S,
        overtaken_s: float = OVERTAKEN_S,
        waiting: int = WAITING,
    ) -> None:
        self._limit, self._patience_s, self._overtaken_s = megapixels, patience_s, overtaken_s
        self._most_waiting, self._inside = waiting, 0.0
        self._queue: deque[_Ticket] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, megapixels: float) -> Iterator[None]:
        """Reserve room for a picture of that size during the block. A picture beyond the limit is admitted alone.

        Raises TooBusy if too many are waiting already, or on a timeout.
        """
        wanted = min(megapixels, self._limit)
        self._enter(wanted)
        try:
            yield
        finally:
            with self._changed:
                self._inside -= wanted
                self._changed.notify_all()

    def _enter(self, wanted: float) -> None:
        ticket = _Ticket(wanted, time.monotonic())
        deadline = ticket.since + self._patience_s
        with self._changed:
            if len(self._queue) >= self._most_waiting:
                raise TooBusy(retry_after_s=int(self._patience_s))
            self._queue.append(ticket)
            try:
                while self._next() is not ticket:
                    if not self._changed.wait(max(deadline - time.monotonic(), 0)) and time.monotonic() >= deadline:
                        raise TooBusy(retry_after_s=int(self._patience_s))
                self._inside += wanted
            finally:
                self._queue.remove(ticket)
                self._changed.notify_all()

    def _next(self) -> _Ticket | None:
        """Return the next picture to admit: the first that fits, unless an earlier one has waited too long."""
        for ticket in self._queue:
            if self._inside + ticket.wanted <= self._limit:
                return ticket
            if time.monotonic() - ticket.since >= self._overtaken_s:
                return None
        return None


def default_megapixels() -> float:
    """Return the limit by this machine's memory, between LEAST and MOST."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not available on Windows
        return LEAST
    return min(max(memory * SHARE / BYTES_PER_PIXEL / 1e6, LEAST), MOST)
