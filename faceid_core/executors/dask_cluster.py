"""An executor on a Dask cluster: the same work in processes on many machines.

Each item is one task. Results come back to this process, and only it stores them, so a failure on the cluster costs
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
from faceid_core.extras import install

log = logging.getLogger(__name__)

AHEAD = 2
"""Tasks per thread of the cluster: the current one and the next."""

CONNECT_SECONDS = 30.0
"""How long the scheduler and the first worker may take to answer: long enough for a restart."""

LOOK_SECONDS = 1.0
"""How often to check for the scheduler and count the workers."""

ALONE_SECONDS = 60.0
"""How long the cluster may have no workers during a run."""

GATHER_SECONDS = 10.0
"""How long the transfer of a result may take."""

ANSWERED_SECONDS = 2.0
"""How long a stopping worker has to send its results."""

OWN_CLUSTER = {"distributed.scheduler.allowed-failures": 1, "distributed.deploy.lost-worker-timeout": "10 minutes"}
"""A task may kill one more worker after the first. The long timeout waits for a killed worker to restart: by
default, its nanny is closed as well if that takes more than 15 s, as it may on a busy machine."""

ENCRYPTED = ("tls://", "wss://")

MISSING = f"The Dask cluster needs packages that are not installed; install them with {install('cluster')}."


class DaskCluster:
    """The cluster of a scheduler, such as tcp://host:8786, or a local one with `workers` processes.

    An item that killed its workers, or was on them when another item did, is retried once when nothing else runs,
    then given up as WorkerLost. An item that takes longer than `limit_s` seconds is given up as WorkerLate.
    Raises ClusterUnusable, or ClusterLost if the connection is lost during a run.
    """

    threads = 1
    """For each item."""

    def __init__(self, scheduler: str | None = None, *, workers: int = 1, limit_s: float | None = None) -> None:
        if workers < 1:
            raise ValueError("workers must be at least 1")
        self.scheduler, self.workers, self.limit_s = scheduler, workers, limit_s

    def check(self) -> None:
        """Raise ClusterUnusable if the scheduler does not answer, has no worker or is of another version."""
        _packages()
        if self.scheduler is not None:
            with _connected(self.scheduler, self.workers):
                pass

    def run(
        self, work: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result | WorkerLost | WorkerLate]]:
        """Yield each item with its result, WorkerLost or WorkerLate, as soon as it is available, in any order."""
        with _connected(self.scheduler, self.workers) as client:
            yield from _ClusterRun(client, partial(_limited, work, self.limit_s), iter(items)).results()


def _packages() -> tuple[Any, Any]:
    """The modules dask and distributed. Raises ClusterUnusable."""
    try:
        return import_module("dask"), import_module("distributed")
    except ImportError as error:
        raise ClusterUnusable(MISSING) from error


@contextmanager
def _connected(scheduler: str | None, workers: int) -> Iterator[Any]:
    """Connect to the scheduler, or to a temporary local cluster."""
    dask, distributed = _packages()
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # we report errors ourselves, in one sentence
    with dask.config.set(OWN_CLUSTER):
        if scheduler is not None:
            with _client_of(distributed, scheduler) as client:
                yield client
            return
        # TLS with keys that only we have: anyone who can connect to a scheduler can run any code as its user.
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
    except Exception as error:  # many kinds: no answer, no such host, an unknown protocol
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
    """Check that this is a scheduler before creating a client: with a server that sends nothing, such as Dask's own
    dashboard one port higher, the client would wait forever. Raises OSError and others."""
    keys = distributed.Security().get_connection_args("client")
    async with asyncio.timeout(CONNECT_SECONDS):
        comm = await distributed.comm.connect(scheduler, timeout=CONNECT_SECONDS, **keys)
    await comm.close()


def _check_tls(distributed: Any, scheduler: str) -> None:
    """Check the TLS keys before creating a client: without them, it would fail and then take a minute to close."""
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
    """Return the versions that must be the same on all machines: pickled work is not portable between versions."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"faceid": __version__, "Python": python, "distributed": metadata.version("distributed")}


def _here() -> dict[str, str]:
    """Return the versions of this machine. Replaced in tests."""
    return versions()


def _check_versions(client: Any) -> None:
    """Raise ClusterUnusable with the first version difference."""
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
        """Submit tasks while there is room. Returns whether any is running."""
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
            raise ClusterLost("The Dask cluster has no workers any more; start some, and the import continues.")

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
        """Return ("finished", result), ("error", exception), or ("gone", None) for a result that was lost with its
        worker. Raises ClusterLost."""
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
    """Runs on a worker: return the result, or WorkerLate after the time limit. In that case the process exits, the
    only way to stop the work, and its nanny starts another."""
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
