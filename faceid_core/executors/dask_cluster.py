"""A Dask cluster: the same work in processes of many machines.

Each item is one task. What a cluster computes comes back to us, and only we store it, so whatever dies there loses
nothing but time.
"""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module, metadata
from typing import Any, Generic

from faceid_core import __version__
from faceid_core.errors import ClusterLost, ClusterUnusable
from faceid_core.executors.executor import Item, Result, WorkerLate, WorkerLost

log = logging.getLogger(__name__)

AHEAD = 2
"""Tasks for each thread of the cluster: the one it works on and the next."""

CONNECT_SECONDS = 30.0
"""How long the scheduler, and the first worker, may take to answer: as long as a restart of theirs."""

LOOK_SECONDS = 1.0
"""How often we look whether the scheduler is there, and how many workers."""

ALONE_SECONDS = 60.0
"""So long the cluster may be without any worker in the middle of the work."""

GATHER_SECONDS = 10.0
"""How long a result may take on its way to us."""

ANSWERED_SECONDS = 2.0
"""A worker that is to end has so long to send what it has."""

OWN_CLUSTER = {"distributed.scheduler.allowed-failures": 1, "distributed.deploy.lost-worker-timeout": "10 minutes"}
"""A task may end one worker beside the first. And a worker that is started again after a death is waited for: by
default its nanny is closed, too, where that takes longer than 15 s, as on a busy machine."""

ENCRYPTED = ("tls://", "wss://")

MISSING = "The Dask cluster needs packages that are not installed: pip install 'faceid[cluster]'."


class DaskCluster:
    """The cluster of a scheduler, such as tcp://host:8786, or else `workers` processes of this machine.

    An item that ended its workers, or was on them when another did, is tried once more when nothing else runs, then
    given up as WorkerLost; one that takes longer than `limit_s` seconds is given up as WorkerLate.
    Raises ClusterUnusable; ClusterLost when it goes away in the middle of a run.
    """

    threads = 1
    """For each item."""

    def __init__(self, scheduler: str | None = None, *, workers: int = 1, limit_s: float | None = None) -> None:
        if workers < 1:
            raise ValueError("workers must be at least 1")
        self.scheduler, self.workers, self.limit_s = scheduler, workers, limit_s

    def run(
        self, work: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result | WorkerLost | WorkerLate]]:
        """Yield each item with its result, WorkerLost or WorkerLate, as soon as it is there, in any order."""
        with _connected(self.scheduler, self.workers) as client:
            yield from _ClusterRun(client, partial(_limited, work, self.limit_s), iter(items)).results()


@contextmanager
def _connected(scheduler: str | None, workers: int) -> Iterator[Any]:
    """A client of the scheduler, or of a cluster of our own for as long."""
    try:
        dask: Any = import_module("dask")
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise ClusterUnusable(MISSING) from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what went wrong, we say in one sentence
    with dask.config.set(OWN_CLUSTER):
        if scheduler is not None:
            with _client_of(distributed, scheduler) as client:
                yield client
            return
        # TLS with keys that only we have: whoever reaches a scheduler can run what they like as its user.
        cluster = distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, security=True
        )
        with cluster, distributed.Client(cluster, set_as_default=False) as client:
            yield client


@contextmanager
def _client_of(distributed: Any, scheduler: str) -> Iterator[Any]:
    _check_tls(distributed, scheduler)
    try:
        asyncio.run(_greet(distributed, scheduler))
        client = distributed.Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except Exception as error:  # of many kinds: no answer, no such host, a protocol that is not understood
        raise ClusterUnusable(
            f"The Dask scheduler at {scheduler} does not answer, or it is of another version "
            f"(here: distributed {distributed.__version__}) or wants TLS; see FACEID_DASK_SCHEDULER."
        ) from error
    try:
        with _plain_errors(scheduler):
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
            _check_versions(client)
        yield client
    finally:
        with suppress(Exception):
            client.close(timeout=2)


async def _greet(distributed: Any, scheduler: str) -> None:
    """Before a client is made: from a server that is no scheduler and says nothing, such as that of Dask's own
    dashboard one port on, it would wait for an answer forever. Raises OSError, and others."""
    keys = distributed.Security().get_connection_args("client")
    async with asyncio.timeout(CONNECT_SECONDS):
        comm = await distributed.comm.connect(scheduler, timeout=CONNECT_SECONDS, **keys)
    await comm.close()


def _check_tls(distributed: Any, scheduler: str) -> None:
    """Before a client is made: without keys it would fail, and then wait a minute for itself to close."""
    if not scheduler.startswith(ENCRYPTED):
        return
    try:
        is_there = distributed.Security().get_connection_args("client")["ssl_context"] is not None
    except (OSError, ValueError):  # SSLError is an OSError
        is_there = False
    if not is_there:
        raise ClusterUnusable(
            f"The Dask scheduler at {scheduler} needs TLS keys that can be read; give their files in "
            "DASK_DISTRIBUTED__COMM__TLS__CA_FILE, DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT and "
            "DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY."
        )


@contextmanager
def _plain_errors(scheduler: str) -> Iterator[None]:
    from distributed import TimeoutError as NoWorker

    try:
        yield
    except ClusterUnusable:
        raise
    except NoWorker as error:
        raise ClusterUnusable(f"The Dask scheduler at {scheduler} has no worker; start `dask worker`.") from error
    except Exception as error:
        raise ClusterUnusable(
            f"The Dask cluster at {scheduler} can't be used ({type(error).__name__}); "
            "its machines need the same versions of faceid, Python and distributed as this one."
        ) from error


def versions() -> dict[str, str]:
    """What must be the same wherever a task runs: pickled work is not portable between versions."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"faceid": __version__, "Python": python, "distributed": metadata.version("distributed")}


def _here() -> dict[str, str]:
    """Of this machine; the tests replace it."""
    return versions()


def _check_versions(client: Any) -> None:
    """Raises ClusterUnusable, with the first difference."""
    here = _here()
    parts = {"scheduler": client.run_on_scheduler(versions)} | client.run(versions, on_error="raise")
    for part, there in parts.items():
        for what, version in there.items():
            if version != here[what]:
                who = "The Dask scheduler" if part == "scheduler" else f"The Dask worker at {part}"
                raise ClusterUnusable(
                    f"{who} has {what} {version}, and this machine {here[what]}; install the same version on both."
                )


@dataclass(slots=True, eq=False)
class _Task(Generic[Item]):
    item: Item
    future: Any = None
    is_suspect: bool = False


@dataclass
class _ClusterRun(Generic[Item, Result]):
    """One run on a cluster."""

    client: Any
    work: Callable[[Item], Result | WorkerLate]
    items: Iterator[Item]
    running: dict[str, _Task[Item]] = field(default_factory=dict)
    again: deque[_Task[Item]] = field(default_factory=deque)
    suspects: deque[_Task[Item]] = field(default_factory=deque)
    done: queue.SimpleQueue[Any] = field(default_factory=queue.SimpleQueue)
    threads: int = 1
    looked_at: float = -LOOK_SECONDS
    manned_at: float = field(default_factory=time.monotonic)

    def results(self) -> Iterator[tuple[Item, Result | WorkerLost | WorkerLate]]:
        try:
            while self._feed():
                try:
                    future = self.done.get(timeout=LOOK_SECONDS)
                except queue.Empty:
                    continue
                yield from self._taken(future)
        finally:
            for task in self.running.values():
                with suppress(Exception):
                    task.future.cancel()

    def _feed(self) -> bool:
        """Hand out tasks while there is room for them. Whether any runs."""
        self._look()
        while len(self.running) < AHEAD * self.threads:
            task = self.again.popleft() if self.again else next((_Task(item) for item in self.items), None)
            if task is None:
                break
            self._give(task)
        if not self.running and self.suspects:
            self._give(self.suspects.popleft())
        return bool(self.running)

    def _give(self, task: _Task[Item]) -> None:
        try:
            task.future = self.client.submit(self.work, task.item, pure=False)
        except Exception as error:
            raise self._lost() from error
        self.running[task.future.key] = task
        task.future.add_done_callback(self.done.put)

    def _look(self) -> None:
        """Count the threads. Raises ClusterLost."""
        now = time.monotonic()
        if now - self.looked_at < LOOK_SECONDS:
            return
        self.looked_at = now
        if self.client.status != "running":
            raise self._lost()
        try:
            self.threads = sum(self.client.nthreads().values())
        except Exception as error:
            raise self._lost() from error
        if self.threads:
            self.manned_at = now
        elif now - self.manned_at > ALONE_SECONDS:
            raise ClusterLost("The Dask cluster has no worker any more; start some, and the import goes on.")

    def _taken(self, future: Any) -> Iterator[tuple[Item, Any]]:
        task = self.running.pop(future.key, None)
        if task is None:
            return
        kind, found = self._outcome(future)
        if kind == "finished":
            yield task.item, found
        elif kind == "gone":
            self.again.append(task)
        elif type(found).__name__ != "KilledWorker":
            raise found
        elif task.is_suspect:
            yield task.item, WorkerLost()
        else:
            log.warning("A worker of the Dask cluster died; its photo is tried once more.")
            task.is_suspect = True
            self.suspects.append(task)

    def _outcome(self, future: Any) -> tuple[str, Any]:
        """("finished", result), ("error", exception), or ("gone", None): a result that went with its worker before
        we had it. Raises ClusterLost."""
        try:
            if future.status == "error":
                return "error", future.exception(timeout=GATHER_SECONDS)
            if future.status == "finished":
                return "finished", future.result(timeout=GATHER_SECONDS)
        except Exception as error:
            if self.client.status != "running":
                raise self._lost() from error
        if self.client.status != "running":
            raise self._lost()
        return "gone", None

    def _lost(self) -> ClusterLost:
        return ClusterLost(
            "The connection to the Dask scheduler is lost; what was stored is kept. Start the scheduler again, and "
            "the import goes on where it stopped."
        )


def _limited(work: Callable[[Item], Result], limit_s: float | None, item: Item) -> Result | WorkerLate:
    """On a worker: the result, or WorkerLate after so many seconds; then the process ends, as nothing else ends
    what it is still doing, and its nanny starts another."""
    if limit_s is None:
        return work(item)
    answer: list[tuple[bool, Any]] = []
    thread = threading.Thread(target=_answer, args=(work, item, answer), daemon=True)
    thread.start()
    thread.join(limit_s)
    if not answer:
        threading.Timer(ANSWERED_SECONDS, os._exit, (1,)).start()
        return WorkerLate()
    is_done, found = answer[0]
    if not is_done:
        raise found
    result: Result = found
    return result


def _answer(work: Callable[[Any], Any], item: Any, answer: list[tuple[bool, Any]]) -> None:
    try:
        answer.append((True, work(item)))
    except Exception as error:
        answer.append((False, error))
