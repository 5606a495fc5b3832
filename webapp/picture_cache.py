"""Pictures that were served a moment ago."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

CACHE_BYTES = 64 * 1024**2


class Cache:
    """The latest pictures, at most `limit` bytes of them. Safe to share between threads."""

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self._limit, self._bytes = limit, 0
        self._pictures: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def peek(self, key: tuple[Any, ...]) -> bytes | None:
        """The picture, if it is kept."""
        with self._lock:
            if key in self._pictures:
                self._pictures.move_to_end(key)
            return self._pictures.get(key)

    def put(self, key: tuple[Any, ...], picture: bytes) -> None:
        """Keep a picture; to make room, those not asked for the longest go."""
        with self._lock:
            if key not in self._pictures:
                self._pictures[key] = picture
                self._bytes += len(picture)
            while self._bytes > self._limit:
                self._bytes -= len(self._pictures.popitem(last=False)[1])

    def get(self, key: tuple[Any, ...], make: Callable[[], bytes]) -> bytes:
        """The picture, made where it is not kept."""
        kept = self.peek(key)
        if kept is None:
            self.put(key, kept := make())
        return kept
