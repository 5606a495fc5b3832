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
"""Items that a worker holds: the one it works on and the next, so that it never waits for us. While we store what
came, we give out nothing. Between their first and last photos two workers searched 99.6 % of the time with four,
96.4 % with two (tests/bench/workers.py)."""

STARTED, READY, DONE, RAISED = "started", "ready", "done", "raised"
"""What a worker tells: that it runs; that it is prepared and knows its work; a result; an exception that its work
did not catch."""


class ProcessPool:
    """`workers` fresh processes. An item whose worker dies is tried once more in another, then given up as
    WorkerLost; one that takes longer than `limit_s` seconds is given up at once as WorkerLate. spare: cores
    that are left to others.

    Raises WorkersUnusable when a worker ends before it has begun, as in a script without a __main__ guard.
    """

    def __init__(self, workers: int, *, limit_s: float | None = None, spare: int = 0) -> None:
        if workers < 1:
            raise ValueError("workers must be at least 1")
        self.workers, self.limit_s, self.spare = workers, limit_s, spare
        self._begun: _PoolRun[Any, Any] | None = None

    @property
    def threads(self) -> int:
        """For each item: the processes share the cores."""
        return max((usable_cores() - self.spare) // self.workers, 1)

    def begin(self, prepare: Callable[[], object]) -> None:
        """Start the processes now, for the next run: each calls `prepare`, as for loading networks, while we are
        busy with something else. What `prepare` raises is left to the work, which will meet it again."""
        self._begun = _PoolRun(self.workers, self.limit_s, prepare=prepare)
        self._begun.start_all()

    def close(self) -> None:
        """End processes that were begun and had nothing to do."""
        if self._begun is not None:
            self._begun.close()
            self._begun = None

    def run(
        self, work: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result | WorkerLost | WorkerLate]]:
        """Yield each item with its result, WorkerLost or WorkerLate, as soon as it is there, in any order."""
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
    """A process and the jobs that it holds; the first is the one it works on, since `since` (monotonic seconds)."""

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
        """Hand out jobs, first to the idle; start workers while there is work for them. Whether anybody works."""
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
        with suppress(BrokenPipeError, ConnectionResetError):  # it has died; its pipe will say so
            worker.pipe.send(job.item)

    def _employ(self, worker: _Worker[Item]) -> None:
        """Tell a worker what its work is."""
        with suppress(BrokenPipeError, ConnectionResetError):  # as in _give
            worker.pipe.send(self.work)

    def _woken(self) -> list[_Worker[Item]]:
        """The workers that have something to say, the dead among them, once there is one or a time is over."""
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
        """A worker died. What it worked on is tried once more, what it had not begun as if nothing had been."""
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
        """End the workers whose item takes too long."""
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
        except RuntimeError as error:  # we are a worker that runs its parent's script once more
            raise WorkersUnusable(
                'Put what your script does under `if __name__ == "__main__":`, as its import starts processes.'
            ) from error
        theirs.close()  # now only the worker holds it, so that its death closes the pipe
        return _Worker(process, ours)

    def _end(self, worker: _Worker[Item]) -> None:
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()
        self.workers.remove(worker)

    def close(self) -> None:
        """Let go of the workers: they end at once, also in the middle of an item that nobody waits for."""
        if self.lifeline is not None:
            self.lifeline[1].close()
            self.lifeline[0].close()
            self.lifeline = None
        for worker in list(self.workers):
            self._end(worker)


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


def _serve(pipe: Connection, lifeline: Connection, prepare: Callable[[], object] | None) -> None:
    """A worker: item after item, until its parent lets go of it or is killed. The work comes before the items."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    pipe.send((STARTED, None))
    if prepare is not None:
        with suppress(Exception):  # the work will meet it again, where somebody hears of it
            prepare()
    try:
        work: Callable[[Any], Any] = pipe.recv()
    except EOFError:
        return
    except Exception as error:  # there is no such function in this process
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
    """The exception, or one that says the same where it can't travel between processes."""
    try:
        # Bytes that were made here, just now.
        pickle.loads(pickle.dumps(error))  # nosec B301
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _end_with(lifeline: Connection) -> None:
    with suppress(EOFError, OSError):
        lifeline.recv_bytes()
    os._exit(1)
