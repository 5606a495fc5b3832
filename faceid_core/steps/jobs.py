"""Background work: the kinds of job, and how one is run."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from faceid_core.errors import (
    ClusterLost,
    EngineError,
    FaceIdError,
    JobCancelled,
    LeaseLost,
    LibraryBusy,
    PathNotFound,
    Unreachable,
)
from faceid_core.importing import shared
from faceid_core.library import ATTEMPTS, JobView, Lease, Library, PartView, PhotoQuery, needed
from faceid_core.steps import apply_recogniser, daily_backup, export, import_names, retention, write_names
from faceid_core.steps.cluster import cluster_faces, newest_grouped
from faceid_core.steps.map_faces import map_faces
from faceid_core.steps.train import train_recogniser
from faceid_core.values import Actor

log = logging.getLogger(__name__)

BEAT_SECONDS = 0.4
"""How often a running job writes its progress and looks whether it should stop."""

AVOID_SECONDS = 60.0
"""How long a worker leaves an import alone that it could not do and others may."""

IMPORT = "import"

UNEXPECTED = "Something unexpected went wrong; the log has the details."


class Reporter:
    """A job's progress: remembers the latest state; a thread of its own writes it, so that work that reports
    rarely still shows life and work that reports often costs nothing. Raises JobCancelled when asked to stop."""

    def __init__(self, library: Library, job: JobView) -> None:
        self.job, self._library = job, library
        self._started = time.monotonic()
        self._state: tuple[int, int, str] = (0, 0, "Starting")
        self.details: dict[str, Any] = {}
        self._unwritten = False
        self._stop, self._cancelled = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._keep_beating, daemon=True, name=f"job-{job.id}-heartbeat")

    def __call__(self, done: int, total: int, message: str = "") -> None:
        self._state = (done, total, message or self._state[2])
        if self._cancelled.is_set():
            raise JobCancelled("The job was cancelled; what it had finished is kept.")

    def __enter__(self) -> Reporter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._beat()

    def _keep_beating(self) -> None:
        self._beat()
        while not self._stop.wait(BEAT_SECONDS):
            self._beat()

    def _beat(self) -> None:
        done, total, message = self._state
        try:
            details = {**self.details, **self._pace(done, total)}
            if self._library.jobs.beat(self.job.id, done, total, message, details, fence=self.job.fence):
                self._cancelled.set()
            self._unwritten = False
        except FaceIdError:
            if not self._unwritten:
                log.warning("The progress of job %s could not be written; trying again.", self.job.id)
            self._unwritten = True

    def _pace(self, done: int, total: int) -> dict[str, float]:
        """Items a second so far, and seconds left at that rate."""
        seconds = time.monotonic() - self._started
        if not done or seconds <= 0:
            return {}
        return {"rate": done / seconds, "seconds_left": max(total - done, 0) * seconds / done}


def _import(library: Library, _params: dict[str, Any], reporter: Reporter) -> dict[str, Any] | None:
    report = shared.share(library, reporter.job)
    return None if report is None else report.as_dict()


def _cluster(library: Library, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    before = newest_grouped(library)
    result = cluster_faces(library, **params, progress=reporter).as_dict()
    # An import ends with this: what the recogniser makes of the new faces is ready when somebody comes to look.
    suggested = apply_recogniser.proposed_since(library, before) if params.get("new_only") else None
    return result if suggested is None else {**result, "suggested": suggested}


def _map(library: Library, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    return map_faces(library, **params, progress=reporter).as_dict()


def _train(library: Library, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    from faceid_core.recognition.training import TrainOptions

    history: list[dict[str, float]] = []
    reporter.details["history"] = history
    model = train_recogniser(
        library,
        options=TrainOptions(**params),
        progress=reporter,
        on_epoch=lambda row: history.append(dict(row)),
    )
    # No names: whoever is erased from now on would stay in the result.
    metrics = {name: value for name, value in model.metrics.items() if name != "classes"}
    return {"model": model.id, "people": len(model.classes), **metrics}


def _names(library: Library, _params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    return import_names.take_names(library, progress=reporter).as_dict()


def _write_names(library: Library, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    options: dict[str, Any] = {name: params[name] for name in ("folders", "embed") if name in params}
    if "photos" in params:
        options["photos"] = PhotoQuery.from_json(params["photos"])
    return write_names.write_names(library, **options, progress=reporter).counts()


def _undo_names(library: Library, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    done = write_names.undo_writing(library, params.get("run"), progress=reporter)
    return {"restored": done.restored, "conflicts": len(done.conflicts)}


def _retention(library: Library, _params: dict[str, Any], _reporter: Reporter) -> dict[str, Any]:
    done = retention.apply(library)
    return {"done": {each.rule: each.number for each in done}}


def _backup(library: Library, _params: dict[str, Any], _reporter: Reporter) -> dict[str, Any]:
    made = daily_backup.make(library)
    return {"photos": made.photos, "faces": made.faces, "people": made.people}


def _export(library: Library, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """params: form, target, and of the query people, first, last, quality and flags; of the rest link."""
    first, last = (date.fromisoformat(params[day]) if params.get(day) else None for day in ("first", "last"))
    query = export.as_query(
        params["form"],
        people=params.get("people", ()),
        photos=PhotoQuery(taken_from=first, taken_to=last),
        quality=params.get("quality", 0.0),
        flags=params.get("flags", ()),
    )
    target, link = Path(params["target"]), params.get("link", "copy")
    done = export.export_as(library, target, params["form"], query, link=link, progress=reporter)
    # No names: whoever is erased from now on would stay in the result.
    return {**done.as_dict(), "problems": len(done.problems)}


KINDS: dict[str, Callable[[Library, dict[str, Any], Reporter], dict[str, Any] | None]] = {
    "import": _import,
    "cluster": _cluster,
    "map": _map,
    "train": _train,
    "names": _names,
    retention.KIND: _retention,
    "write-names": _write_names,
    "undo-names": _undo_names,
    "export": _export,
    daily_backup.KIND: _backup,
}
"""The kinds of job. One that returns no result has put its work into parts, which all workers share."""


@dataclass
class Doing:
    """What a worker does now, as the page Workers shows it: a kind of job, or nothing; photos since its start."""

    kind: str = ""
    photos: int = 0
    rate: float = 0.0
    since: float = 0.0
    photos_before: int = 0
    changed: threading.Event = field(default_factory=threading.Event)

    def begin(self, kind: str) -> None:
        """From now on it does this."""
        if kind != self.kind:
            self.kind, self.rate, self.since, self.photos_before = kind, 0.0, time.monotonic(), self.photos
            self.changed.set()

    def add(self, photos: int) -> None:
        """So many photos more were stored."""
        self.photos += photos
        self.rate = (self.photos - self.photos_before) / max(time.monotonic() - self.since, 0.001)


@dataclass
class Runner:
    """Runs jobs, and parts of imports, one after the other. worker: its name; kinds: of these jobs only."""

    library: Library
    worker: str = ""
    kinds: Collection[str] | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    doing: Doing = field(default_factory=Doing)
    _avoided: dict[int, float] = field(default_factory=dict)
    """Imports that this worker could not do -> when it may try again."""

    def run_next(self) -> JobView | None:
        """Take part in the oldest import that is at work, else claim the oldest queued job and run it to its end.
        None when nothing waits. Never raises for a failed job."""
        job = self._run_next()
        if job is None:
            self.doing.begin("")
        return job

    def _run_next(self) -> JobView | None:
        avoided = [job for job, until in self._avoided.items() if until > time.monotonic()]
        if self.kinds is None or IMPORT in self.kinds:
            part = self.library.job_parts.claim(self.worker, but=avoided)
            if part is not None:
                return self._work_on(self.library.jobs.get(part.job_id), part)
        job = self.library.jobs.claim(self.worker, kinds=self.kinds, but=avoided)
        if job is None:
            return None
        self.doing.begin(job.kind)
        if self._run(job):
            return self._work_on(self.library.jobs.get(job.id))
        return self.library.jobs.get(job.id)

    def _run(self, job: JobView) -> bool:
        """Run a job; whether it put its work into parts."""
        jobs, mine = self.library.jobs, {"fence": job.fence}
        try:
            with Reporter(self.library, job) as reporter:
                asker = Actor(job.actor, needed(job.kind))
                asked = self.library.acting_as(asker, Lease(jobs={job.id: job.fence}))
                result = KINDS[job.kind](asked, job.params, reporter)
            if result is None:
                return True
            jobs.finish(job.id, result, **mine)
        except JobCancelled:
            jobs.cancelled(job.id, **mine)
        except LeaseLost:
            log.warning("Job %s went to another worker.", job.id)
        except FaceIdError as error:
            if self._is_passing(job, error):
                raise
            if not self._is_left_to_others(job, error):
                jobs.fail(job.id, str(error), **mine)
        except Exception:
            log.exception("Job %s (%s) failed", job.id, job.kind)
            jobs.fail(job.id, UNEXPECTED, **mine)
        return False

    def _work_on(self, job: JobView, part: PartView | None = None) -> JobView:
        """Take part in an import until nothing of it waits."""
        self.doing.begin(job.kind)
        at_work = shared.AtWork(
            self.library, job, worker=self.worker, stop=self.stop, others=self._has_others, on_photos=self.doing.add
        )
        try:
            at_work.run(part)
        except LeaseLost:
            log.warning("A part of job %s went to another worker.", job.id)
        except FaceIdError as error:
            if self._is_passing(job, error):
                raise
            self._could_not(at_work, str(error))
        except Exception:
            log.exception("Job %s (%s) failed", job.id, job.kind)
            self._could_not(at_work, UNEXPECTED)
        if at_work.elsewhere:
            self._avoid(job)
        self.library.models.forget_gone_faces()
        return self.library.jobs.get(job.id)

    def _is_passing(self, job: JobView, error: FaceIdError) -> bool:
        """Whether an import goes on by itself once the database, or the Dask cluster, is back: its worker gives it
        back, see Worker."""
        return (
            bool(self.worker) and job.kind == IMPORT and isinstance(error, Unreachable | LibraryBusy | ClusterLost)
        )

    def _is_left_to_others(self, job: JobView, error: FaceIdError) -> bool:
        """Whether another machine may have what is missing on this one."""
        missing = job.kind == IMPORT and isinstance(error, PathNotFound | EngineError)
        if not (missing and self._has_others() and self.library.jobs.release(job.id, job.fence)):
            return False
        self._avoid(job)
        return True

    def _could_not(self, at_work: shared.AtWork, sentence: str) -> None:
        """The parts wait for another worker; without one, or after some, the import has failed."""
        if self._has_others() and at_work.attempts < ATTEMPTS - 1:
            self._avoid(at_work.job)
        else:
            self.library.jobs.fail(at_work.job.id, sentence)

    def _has_others(self) -> bool:
        return any(not each.is_lost and each.name != self.worker for each in self.library.workers.all())

    def _avoid(self, job: JobView) -> None:
        self._avoided[job.id] = time.monotonic() + AVOID_SECONDS


def run_next(library: Library) -> JobView | None:
    """Claim the oldest queued job and run it to its end; None when there is none. Never raises for a failed job."""
    return Runner(library).run_next()


def run_pending(library: Library) -> list[JobView]:
    """Run queued jobs, and those that they queue, until none is left."""
    done: list[JobView] = []
    while (job := run_next(library)) is not None:
        done.append(job)
    return done
