"""Where batches run: in this process, or in a pool of processes that survives the death of a worker."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import Connection
from typing import Generic, Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """In place of a result: the item killed its worker process twice (out of memory, a crash in native code)."""


class Executor(Protocol):
    def run(
        self, work: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result | WorkerLost]]:
        """Yield each item with its result as soon as it is there, in any order; items are drawn lazily."""


class InProcess:
    """One item after the other, here: the oracle of the pool."""

    def run(
        self, work: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result | WorkerLost]]:
        for item in items:
            yield item, work(item)


class ProcessPool:
    """`workers` fresh processes. When one dies, the others' items are done again; the item that was the only one
    running when its worker died for the second time is given up as WorkerLost."""

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise ValueError("workers must be at least 1")
        self.workers = workers

    def run(
        self, work: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result | WorkerLost]]:
        run = _PoolRun(work, iter(items), self.workers)
        try:
            yield from run.results()
        finally:
            run.close()


@dataclass
class _PoolRun(Generic[Item, Result]):
    """One run over a pool. A broken pool fails every running item, so that the culprit is not known: all of them
    become suspects and run again one at a time in a pool of their own."""

    work: Callable[[Item], Result]
    items: Iterator[Item]
    workers: int
    running: dict[Future[Result], Item] = field(default_factory=dict)
    suspects: deque[Item] = field(default_factory=deque)
    pool: ProcessPoolExecutor | None = None
    lifeline: Connection | None = None

    def results(self) -> Iterator[tuple[Item, Result | WorkerLost]]:
        while self._refill():
            done, _ = wait(self.running, return_when=FIRST_COMPLETED)
            for future in done:
                item = self.running.pop(future)
                try:
                    yield item, future.result()
                except BrokenProcessPool:
                    self.suspects.append(item)
            if self.suspects:
                yield from self._settle()

    def _refill(self) -> bool:
        """Keep two items per worker in flight, so that none waits and memory stays bounded."""
        for item in islice(self.items, max(2 * self.workers - len(self.running), 0)):
            try:
                self.running[self._submit(item, self.workers)] = item
            except BrokenProcessPool:
                self.suspects.append(item)
        return bool(self.running or self.suspects)

    def _settle(self) -> Iterator[tuple[Item, Result | WorkerLost]]:
        """A worker died: everything in flight is run again alone, so that only the culprit can break its pool."""
        log.warning("A worker process died; its photos are tried once more, one at a time.")
        self.suspects.extend(self.running.values())
        self.running.clear()
        self.close()
        while self.suspects:
            item = self.suspects.popleft()
            try:
                yield item, self._submit(item, 1).result()
            except BrokenProcessPool:
                self.close()
                yield item, WorkerLost()
        self.close()

    def _submit(self, item: Item, workers: int) -> Future[Result]:
        """Hand the item to the pool, which is started with its first item."""
        if self.pool is None:
            # Spawned, not forked: a fork would copy the threads' locks of ONNX Runtime and of the database.
            spawn = multiprocessing.get_context("spawn")
            ours, self.lifeline = spawn.Pipe(duplex=False)
            self.pool = ProcessPoolExecutor(workers, spawn, initializer=_hold_lifeline, initargs=(ours,))
        with _deaf_children():
            return self.pool.submit(self.work, item)

    def close(self) -> None:
        """Let go of the workers: they end at once, also in the middle of an item that nobody waits for."""
        if self.pool is not None:
            self.pool.shutdown(wait=False, cancel_futures=True)
            self.pool = None
        if self.lifeline is not None:
            self.lifeline.close()
            self.lifeline = None


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Processes started in this block never hear Ctrl+C, which a terminal sends to all of them: only their parent
    decides what it means. They inherit the mask; a signal that comes meanwhile reaches us after the block."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _hold_lifeline(lifeline: Connection) -> None:
    """Start of a worker. It ends as soon as the other end of the lifeline closes: by its parent, or because its
    parent was killed, after which it would wait for work for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()


def _end_with(lifeline: Connection) -> None:
    with suppress(EOFError, OSError):
        lifeline.recv_bytes()
    os._exit(1)
