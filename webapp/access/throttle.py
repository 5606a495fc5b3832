"""Growing waits for whoever guesses passwords."""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

LONGEST_SECONDS = 300
FORGOTTEN_SECONDS = 3600
"""Seconds after the last failure until counting starts again."""

REMEMBERED = 10_000
"""Names and addresses that are remembered at once: about 2 MB."""


class Throttle:
    """Counts failures by key: the first `free` cost nothing, then waits double from one second to five minutes.
    Safe to share between threads."""

    def __init__(self, free: int, *, remembered: int = REMEMBERED, clock: Callable[[], float] = time.monotonic):
        self._free, self._remembered, self._clock = free, remembered, clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        """Key -> failures, and when the last one was."""
        self._lock = threading.Lock()

    def begin(self, key: str) -> int:
        """Start an attempt: 0, and it counts as failed until `succeeded`, so that a hundred at once are no way
        around the wait. Or the seconds for which none is allowed."""
        now = self._clock()
        with self._lock:
            failures, last = self._failures.get(key, (0, now))
            if now - last > FORGOTTEN_SECONDS:
                failures = 0
            wait = last + self._wait_after(failures) - now
            if wait > 0:
                return math.ceil(wait)
            self._failures[key] = (failures + 1, now)
            self._failures.move_to_end(key)
            while len(self._failures) > self._remembered:
                self._failures.popitem(last=False)
        return 0

    def succeeded(self, key: str) -> None:
        """The last attempt was right."""
        with self._lock:
            self._failures.pop(key, None)

    def not_failed(self, key: str) -> None:
        """The last attempt was right, but those before it still count."""
        with self._lock:
            failures, last = self._failures.get(key, (0, 0.0))
            if failures > 1:
                self._failures[key] = (failures - 1, last)
            else:
                self._failures.pop(key, None)

    def _wait_after(self, failures: int) -> float:
        over = failures - self._free
        return 0.0 if over < 0 or not failures else float(min(2.0 ** min(over, 20), LONGEST_SECONDS))


def network_of(address: str) -> str:
    """What counts as one address: of IPv6, the 64 bits that one household has to itself.

    >>> network_of("192.0.2.7"), network_of("2001:db8::1:2"), network_of("")
    ('192.0.2.7', '2001:db8::/64', '')
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(parsed) if parsed.version == 4 else str(ipaddress.ip_network(f"{address}/64", strict=False))
