"""Spares the garbage collector what stays in memory for long: modules, above all."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping

SLOW_SECONDS = 0.02
"""Processor seconds that a full collection may take: it holds up every answer meanwhile."""

AGAIN_SECONDS = 3600.0
"""How often all of memory is looked through: what was spared may have become garbage."""


class LongLived:
    """During the block, what survived a slow full collection is left out of the next ones.

    Streamlit collects after every run of a page, before the browser gets the last of what was drawn: 0.1 to 0.2 s
    with all modules loaded.
    """

    def __init__(
        self,
        slow_seconds: float = SLOW_SECONDS,
        *,
        spent: Callable[[], float] = time.thread_time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._slow_seconds, self._spent, self._clock = slow_seconds, spent, clock
        self._started, self._whole_at = 0.0, clock()

    def __enter__(self) -> LongLived:
        gc.callbacks.append(self._collecting)
        return self

    def __exit__(self, *_: object) -> None:
        gc.callbacks.remove(self._collecting)
        gc.unfreeze()

    def _collecting(self, phase: str, info: Mapping[str, int]) -> None:
        if info["generation"] < 2:
            return
        if phase == "stop" and self._spent() - self._started > self._slow_seconds:
            gc.freeze()
        elif phase == "start" and self._clock() - self._whole_at > AGAIN_SECONDS:
            self._whole_at = self._clock()
            gc.unfreeze()
        self._started = self._spent()
