"""An executor that processes items sequentially in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from faceid_core.executors.executor import Item, Result, WorkerLate, WorkerLost


class InProcess:
    """Processes items sequentially: the reference for the pool. It can't survive a crash or stop a slow item."""

    def run(
        self, work: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result | WorkerLost | WorkerLate]]:
        """Yield each item with its result, in order. An exception in `work` ends the run."""
        for item in items:
            yield item, work(item)
