"""How many megapixels may be decoded at once: everybody beyond that waits for a turn, and not for ever.

A picture of 5 kB may declare 149 megapixels, which take 900 MB while they are decoded and turned. So a picture is
let in by the size that its header declares, before anything of it is decoded.
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
"""RGB twice: the decoder's picture, and the upright one that is made of it."""

SHARE = 1 / 16
"""Of the machine's memory that pictures being decoded may take."""

LEAST, MOST = 50.0, 200.0
"""Bounds of the default in megapixels: a photo of a good camera, and the largest photo with others beside it."""

PATIENCE_S = 20.0
"""How long a picture waits for its turn."""

OVERTAKEN_S = 10.0
"""So long a picture lets smaller ones by for which there is room."""

WAITING = 64
"""How many pictures may wait; the next one is refused at once."""


@dataclass(frozen=True, slots=True, eq=False)
class _Ticket:
    wanted: float
    since: float


class Admission:
    """A gate of so many megapixels, first come, first served; but while one waits for much room, others pass that
    need little. Safe to share between threads."""

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
        """Keep room for a picture of that size during the block; one beyond the limit has the gate to itself.

        Raises TooBusy where too many wait already, or the turn does not come in time.
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
        """Who may enter now: the first for whom there is room, unless somebody before has waited too long."""
        for ticket in self._queue:
            if self._inside + ticket.wanted <= self._limit:
                return ticket
            if time.monotonic() - ticket.since >= self._overtaken_s:
                return None
        return None


def default_megapixels() -> float:
    """What this machine's memory allows, between LEAST and MOST."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows does not tell
        return LEAST
    return min(max(memory * SHARE / BYTES_PER_PIXEL / 1e6, LEAST), MOST)
