"""Figures for Prometheus at /metrics: how much is in the library, what waits, who works. Owners only; no names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from faceid_core import __version__
from faceid_core.errors import FaceIdError, LibraryError, NotAllowed, NotSignedIn
from faceid_core.library import Library
from faceid_core.values import Role
from webapp.context import ForWhomAsks, in_words, library

if TYPE_CHECKING:
    from prometheus_client import Metric

STATUS: tuple[tuple[type[FaceIdError], int], ...] = ((NotSignedIn, 401), (NotAllowed, 403), (LibraryError, 503))


def route() -> Route:
    """The address /metrics."""
    return Route("/metrics", ForWhomAsks(_answer))


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    answer: Response
    if Request(scope).method not in ("GET", "HEAD"):
        answer = JSONResponse({"error": "Only GET is answered here."}, 405, headers={"Allow": "GET, HEAD"})
    else:
        try:
            text, kind = await run_in_threadpool(_text)
            answer = Response(text, media_type=kind, headers={"Cache-Control": "no-store"})
        except FaceIdError as error:
            status = next((status for kind, status in STATUS if isinstance(error, kind)), 400)
            answer = JSONResponse({"error": in_words(error)}, status)
    await answer(scope, receive, send)


def _text() -> tuple[bytes, str]:
    """The figures as text, and its media type. Raises NotSignedIn, NotAllowed, LibraryError."""
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest

    asked = library()
    asked.actor.require(Role.OWNER)
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Figures(asked))
    return generate_latest(registry), CONTENT_TYPE_LATEST


class _Figures:
    """A collector of prometheus_client."""

    def __init__(self, of: Library) -> None:
        self._library = of

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily

        yield InfoMetricFamily("faceid", "The program", value={"version": __version__})
        things = GaugeMetricFamily("faceid_library", "What is in the library", labels=["what"])
        for what, number in asdict(self._library.counts()).items():
            things.add_metric([what], number)
        yield things
        yield from self._jobs()
        yield from self._workers()

    def _jobs(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily

        active = self._library.jobs.active()
        jobs = GaugeMetricFamily("faceid_jobs", "Jobs that are waiting or running", labels=["kind", "state"])
        for (kind, state), number in sorted(Counter((job.kind, str(job.state)) for job in active).items()):
            jobs.add_metric([kind, state], number)
        yield jobs
        left = sum(max(job.total - job.done, 0) for job in active if job.kind == "import")
        yield GaugeMetricFamily("faceid_import_files_left", "Files that imports still have to read", value=left)

    def _workers(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily

        workers = self._library.workers.all()
        here = GaugeMetricFamily("faceid_workers", "Workers, present or lost", labels=["state"])
        lost = sum(worker.is_lost for worker in workers)
        here.add_metric(["present"], len(workers) - lost)
        here.add_metric(["lost"], lost)
        yield here
        rate = sum(worker.rate for worker in workers if worker.doing and not worker.is_lost)
        yield GaugeMetricFamily(
            "faceid_import_photos_per_second", "Photos per second of all importing workers together", value=rate
        )
