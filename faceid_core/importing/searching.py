"""Where photos are searched, and with how much of the machine. Light, so that workers can start before the library
is opened: neither tables nor networks are imported here."""

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
"""Fewer photos than this are not worth starting processes for (about a second each). More have at least one of
their own, also on a single core: what a photo does to it, it does not do to the import. So have videos."""


PHOTOS_PER_WORKER = 10
"""So many photos of a megapixel are searched in the time in which another process starts."""


def executor_for(settings: Settings, photos: int, *, spare: int = 0) -> Executor:
    """Where so many photos are searched. spare: cores that are left to what runs meanwhile."""
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
    """Where so many photos are searched: its processes load the networks while the caller opens the library. None
    where the library may know the photos, so that nothing need be searched, and where there are no processes."""
    is_new = settings.database_url is None and not (settings.library / "faceid.db").exists()
    executor = executor_for(settings, photos, spare=1) if is_new or again else None
    if not isinstance(executor, ProcessPool):
        yield None
        return
    executor.begin(partial(_load_networks, without_secrets(settings), threads_of(executor)))
    try:
        yield executor
    finally:
        executor.close()


def threads_of(executor: Executor) -> int | None:
    """For each photo; None means all cores, where there is no other process."""
    return getattr(executor, "threads", None)


def without_secrets(settings: Settings) -> Settings:
    """What searching photos needs: processes, maybe on other machines, get neither database nor secrets."""
    return settings.model_copy(update=dict.fromkeys(("database_url", "oidc_client_secret")))


def _load_networks(settings: Settings, threads: int | None) -> None:
    """In a worker, before its first photo."""
    from faceid_core.importing.photo import networks

    networks(settings.model_dump_json(), threads)
