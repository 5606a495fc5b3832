"""Chooses the executor that searches photos, and its share of the machine. Light, so that workers can start before
the library is opened: this module imports neither tables nor networks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from faceid_core.executors.executor import Executor
from faceid_core.executors.in_process import InProcess
from faceid_core.executors.process_pool import ProcessPool
from faceid_core.settings import Settings

POOL_FROM = 8
"""For fewer photos, starting processes (about a second each) is not worth it. More photos, and videos, get at least
one process even on a single core, so that a crash on a photo does not affect the import."""


PHOTOS_PER_WORKER = 10
"""How many one-megapixel photos are searched in the time that it takes to start another process."""


def executor_for(settings: Settings, photos: int, *, spare: int = 0) -> Executor:
    """Return the executor for this number of photos. spare: cores to leave for other work."""
    if photos < POOL_FROM and not settings.video_seconds:
        return InProcess()
    share = 1 if settings.video_seconds else PHOTOS_PER_WORKER
    workers = max(min(settings.worker_count, math.ceil(photos / share)), 1)
    if settings.executor == "dask":
        from faceid_core.executors.dask_cluster import DaskCluster

        return DaskCluster(settings.dask_scheduler, workers=workers, limit_s=settings.max_photo_seconds)
    return ProcessPool(workers, limit_s=settings.max_photo_seconds, spare=spare)


@contextmanager
def begun(settings: Settings, photos: int, again: bool = False) -> Iterator[Executor | None]:
    """Start the executor for this number of photos: its processes load the networks while the caller opens the
    library. Yields None if the library may already know the photos, or if no processes are started. Raises
    ClusterUnusable before a new library is made for photos that could not be searched."""
    is_new = settings.database_url is None and not (settings.library / "faceid.db").exists()
    executor = executor_for(settings, photos, spare=1) if is_new or again else None
    if not isinstance(executor, ProcessPool):
        if executor is not None and settings.executor == "dask":
            _check_cluster(executor)
        yield None
        return
    executor.begin(partial(_load_networks, without_secrets(settings), threads_of(executor)))
    try:
        yield executor
    finally:
        executor.close()


def _check_cluster(executor: Executor) -> None:
    from faceid_core.executors.dask_cluster import DaskCluster

    if isinstance(executor, DaskCluster):
        executor.check()


def threads_of(executor: Executor) -> int | None:
    """Return the threads per photo; None means all cores, if there is no other process."""
    return getattr(executor, "threads", None)


def without_secrets(settings: Settings) -> Settings:
    """Return only the settings needed to search photos: workers, maybe on other machines, get no database or
    secrets."""
    return settings.model_copy(update=dict.fromkeys(("database_url", "oidc_client_secret")))


def _load_networks(settings: Settings, threads: int | None) -> None:
    """Load the networks in a worker, before its first photo."""
    from faceid_core.importing.photo import networks

    networks(settings.model_dump_json(), threads)
