"""A pool of processes that survives the death of a worker."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, Generic

from faceid_core.errors import WorkersUnusable
from faceid_core.executors.executor import Item, Result, WorkerLate, WorkerLost
from faceid_core.settings import usable_cores

log = logging.getLogger(__name__)

AHEAD = 4
"""Items per worker: the current one and the next ones, so that it need not wait while we store results and hand out
nothing. Between their first and last photos, two workers were busy 99.6% of the time with four items, 96.4% with
two (tests/bench/workers.py)."""

STARTED, READY, DONE, RAISED = "started", "ready", "done", "raised"
"""Messages from a worker: it runs; it is prepared and knows its work; a result; an uncaught exception."""


class ProcessPool:
    """A pool of `workers` new processes. An item whose worker dies is retried once in another, then given up as
    WorkerLost. An item that takes longer than `limit_s` seconds is given up at once as WorkerLate. spare: cores
    to leave for other work.

    Raises WorkersUnusable if a worker exits before it has started, as in a script without a __main__ guard.
    """

    def __init__(self, workers: int, *, limit_s: float | None = None, spare: int = 0) -> None:
        if workers < 1:
            raise ValueError("workers must be at least 1")
        self.workers, self.limit_s, self.spare = workers, limit_s, spare
        self._begun: _PoolRun[Any, Any] | None = None

    @property
    def threads(self) -> int:
        """Threads per item: the processes share the cores."""
        return max((usable_cores() - self.spare) // self.workers, 1)

    def begin(self, prepare: Callable[[], object]) -> None:
        """Start the processes now, for the next run: each calls `prepare`, for example to load networks, while we
        do something else. Exceptions in `prepare` are ignored, because the work will raise them again."""
        self._begun = _PoolRun(self.workers, self.limit_s, prepare=prepare)
        self._begun.start_all()

    def close(self) -> None:
        """Stop processes that were started but got no work."""
        if self._begun is not None:
            self._begun.close()
            self._begun = None

    def run(
        self, work: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result | WorkerLost | WorkerLate]]:
        """Yield each item with its result, WorkerLost or WorkerLate, as soon as it is available, in any order."""
        run = self._begun or _PoolRun(self.workers, self.limit_s)
        self._begun = None
        try:
            yield from run.results(work, iter(items))
        finally:
            run.close()


@dataclass(slots=True, eq=False)
class _Job(Generic[Item]):
    item: Item
    deaths: int = 0


@dataclass(slots=True, eq=False)
class _Worker(Generic[Item]):
    """A process and its jobs. It has been working on the first one since `since` (monotonic seconds)."""

    process: SpawnProcess
    pipe: Connection
    jobs: deque[_Job[Item]] = field(default_factory=deque)
    started: bool = False
    began: bool = False
    since: float = 0.0


@dataclass
class _PoolRun(Generic[Item, Result]):
    """One run over a pool. prepare: what each process does before its first item."""

    size: int
    limit_s: float | None
    prepare: Callable[[], object] | None = None
    work: Callable[[Item], Result] | None = None
    items: Iterator[Item] = field(default_factory=lambda: iter(()))
    again: deque[_Job[Item]] = field(default_factory=deque)
    workers: list[_Worker[Item]] = field(default_factory=list)
    lifeline: tuple[Connection, Connection] | None = None

    def start_all(self) -> None:
        """Start the processes, before there is any work."""
        while len(self.workers) < self.size:
            self.workers.append(self._start())

    def results(
        self, work: Callable[[Item], Result], items: Iterator[Item]
    ) -> Iterator[tuple[Item, Result | WorkerLost | WorkerLate]]:
        self.work, self.items = work, items
        for worker in self.workers:
            self._employ(worker)
        while self._feed():
            for worker in self._woken():
                while worker in self.workers and worker.pipe.poll():
                    yield from self._hear(worker)
            yield from self._late()

    def _feed(self) -> bool:
        """Hand out jobs, first to idle workers, and start workers as needed. Returns whether any is working."""
        for depth in range(AHEAD):
            for number in range(self.size):
                if number < len(self.workers) and len(self.workers[number].jobs) > depth:
                    continue
                job = self._next()
                if job is None:
                    break
                if number == len(self.workers):
                    self.workers.append(self._start())
                    self._employ(self.workers[number])
                self._give(self.workers[number], job)
        return any(worker.jobs for worker in self.workers)

    def _next(self) -> _Job[Item] | None:
        if self.again:
            return self.again.popleft()
        return next((_Job(item) for item in self.items), None)

    def _give(self, worker: _Worker[Item], job: _Job[Item]) -> None:
        if not worker.jobs:
            worker.since = time.monotonic()
        worker.jobs.append(job)
        with suppress(BrokenPipeError, ConnectionResetError):  # it has died; its pipe will report it
            worker.pipe.send(job.item)

    def _employ(self, worker: _Worker[Item]) -> None:
        """Send a worker its function."""
        with suppress(BrokenPipeError, ConnectionResetError):  # as in _give
            worker.pipe.send(self.work)

    def _woken(self) -> list[_Worker[Item]]:
        """Wait until workers have sent something or died, or a timeout passes. Returns these workers."""
        deadlines = [worker.since + self.limit_s for worker in self._busy()] if self.limit_s else []
        patience = max(min(deadlines) - time.monotonic(), 0) if deadlines else None
        pipes = connection.wait([worker.pipe for worker in self.workers], patience)
        return [worker for worker in self.workers if worker.pipe in pipes]

    def _busy(self) -> list[_Worker[Item]]:
        return [worker for worker in self.workers if worker.began and worker.jobs]

    def _hear(self, worker: _Worker[Item]) -> Iterator[tuple[Item, Result | WorkerLost]]:
        try:
            kind, content = worker.pipe.recv()
        except (EOFError, ConnectionResetError):
            yield from self._buried(worker)
            return
        worker.since = time.monotonic()
        if kind == STARTED:
            worker.started = True
        elif kind == READY:
            worker.began = True
        elif kind == RAISED:
            raise content
        else:
            yield worker.jobs.popleft().item, content

    def _buried(self, worker: _Worker[Item]) -> Iterator[tuple[Item, WorkerLost]]:
        """Handle a dead worker. Its current item is retried once; its other items are handed out again."""
        self._end(worker)
        if not worker.started:
            raise WorkersUnusable(
                "The processes of the import can't start; in a script, put the call under "
                '`if __name__ == "__main__":`.'
            )
        log.warning("A worker process died; its photo is tried once more.")
        if worker.jobs:
            worker.jobs[0].deaths += 1
        if worker.jobs and worker.jobs[0].deaths > 1:
            yield worker.jobs.popleft().item, WorkerLost()
        self.again.extendleft(reversed(worker.jobs))

    def _late(self) -> Iterator[tuple[Item, WorkerLate]]:
        """Stop the workers whose item takes too long."""
        now = time.monotonic()
        for worker in self._busy() if self.limit_s else ():
            if now - worker.since >= (self.limit_s or 0) and not worker.pipe.poll():
                self._end(worker)
                yield worker.jobs.popleft().item, WorkerLate()
                self.again.extendleft(reversed(worker.jobs))

    def _start(self) -> _Worker[Item]:
        # Spawned, not forked: a fork would copy the threads' locks of ONNX Runtime and of the database.
        spawn = multiprocessing.get_context("spawn")
        if self.lifeline is None:
            self.lifeline = spawn.Pipe(duplex=False)
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=_serve, args=(theirs, self.lifeline[0], self.prepare), daemon=True)
        try:
            with _deaf_children():
                process.start()
        except RuntimeError as error:  # this is a worker that is running its parent's script again
            raise WorkersUnusable(
                'Put what your script does under `if __name__ == "__main__":`, as its import starts processes.'
            ) from error
        theirs.close()  # now only the worker has it open, so its death closes the pipe
        return _Worker(process, ours)

    def _end(self, worker: _Worker[Item]) -> None:
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()
        self.workers.remove(worker)

    def close(self) -> None:
        """Release the workers: they exit at once, even in the middle of an item."""
        if self.lifeline is not None:
            self.lifeline[1].close()
            self.lifeline[0].close()
            self.lifeline = None
        for worker in list(self.workers):
            self._end(worker)


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Block SIGINT in processes started in this block: a terminal sends Ctrl+C to all of them, but only the parent
    decides how to react. They inherit the mask; a signal in the meantime reaches us after the block."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection, lifeline: Connection, prepare: Callable[[], object] | None) -> None:
    """The main loop of a worker, until its parent releases it or dies. The function arrives before the items."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    pipe.send((STARTED, None))
    if prepare is not None:
        with suppress(Exception):  # the work will raise it again, where it is reported
            prepare()
    try:
        work: Callable[[Any], Any] = pipe.recv()
    except EOFError:
        return
    except Exception as error:  # the function does not exist in this process
        pipe.send((RAISED, _portable(error)))
        return
    pipe.send((READY, None))
    while True:
        try:
            item = pipe.recv()
        except EOFError:
            return
        try:
            answer = (DONE, work(item))
        except Exception as error:
            answer = (RAISED, _portable(error))
        pipe.send(answer)


def _portable(error: Exception) -> Exception:
    """Return the exception, or one with the same message if it can't be pickled."""
    try:
        # These bytes were just created here.
        pickle.loads(pickle.dumps(error))  # nosec B301
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _end_with(lifeline: Connection) -> None:
    with suppress(EOFError, OSError):
        lifeline.recv_bytes()
    os._exit(1)
