"""One item after the other in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from faceid_core.executors.executor import Item, Result, WorkerLate, WorkerLost


class InProcess:
    """One item after the other, here: the oracle of the pool. It can't outlive a crash, nor end a long item."""

    def run(
        self, work: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result | WorkerLost | WorkerLate]]:
        """Yield each item with its result, in order; an exception of `work` ends the run."""
        for item in items:
            yield item, work(item)
