"""Background work: the kinds of job, and the worker that claims and runs them one after the other."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from faceid_core.errors import FaceIdError, JobCancelled
from faceid_core.importing import run
from faceid_core.library import JobView, Library, PhotoQuery, needed
from faceid_core.steps import daily_backup, export, import_names, retention, write_names
from faceid_core.steps.cluster import cluster_faces
from faceid_core.steps.keep_questions import Keeper
from faceid_core.steps.map_faces import map_faces
from faceid_core.steps.search_again import search_again
from faceid_core.steps.train import train_recogniser
from faceid_core.values import PROGRAM, Actor, Role, utc_now

log = logging.getLogger(__name__)

BEAT_SECONDS = 0.4
"""How often a running job writes its progress and looks whether it should stop."""

DEAD_SECONDS = 45.0
"""A running job without a sign of life for this long has lost its worker: twice the longest wait for the database's
lock, so that a worker that can't write for a while is not taken for dead."""

WATCH_SECONDS = 5.0
"""How often the signs of life are looked at."""

DAILY_LOOK_SECONDS = 60.0
"""How often the worker looks whether a daily task is due."""

LONGEST_PAUSE_SECONDS = 30.0
"""How long the worker waits, at most, before it looks again for a library that it could not use."""


class Reporter:
    """A job's progress: remembers the latest state; a thread of its own writes it, so that work that reports
    rarely still shows life and work that reports often costs nothing. Raises JobCancelled when asked to stop."""

    def __init__(self, library: Library, job_id: int) -> None:
        self._library, self._job_id = library, job_id
        self._started = time.monotonic()
        self._state: tuple[int, int, str] = (0, 0, "Starting")
        self.details: dict[str, Any] = {}
        self._unwritten = False
        self._stop, self._cancelled = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._keep_beating, daemon=True, name=f"job-{job_id}-heartbeat")

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
            if self._library.jobs.beat(self._job_id, done, total, message, details=details):
                self._cancelled.set()
            self._unwritten = False
        except FaceIdError:
            if not self._unwritten:
                log.warning("The progress of job %s could not be written; trying again.", self._job_id)
            self._unwritten = True

    def _pace(self, done: int, total: int) -> dict[str, float]:
        """Items a second so far, and seconds left at that rate."""
        seconds = time.monotonic() - self._started
        if not done or seconds <= 0:
            return {}
        return {"rate": done / seconds, "seconds_left": max(total - done, 0) * seconds / done}


def _import(library: Library, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    options = {
        name: params[name] for name in ("again", "video_seconds", "smallest_face", "exclude") if name in params
    }
    if params.get("searched_otherwise"):
        report = search_again(library, progress=reporter)
    else:
        report = run.import_photos(library, params["paths"], **options, progress=reporter)
    if report.faces:
        program = library.acting_as(PROGRAM)
        program.jobs.submit("cluster", {"new_only": True})
        program.jobs.submit("map", {"new_only": True})
    return report.as_dict()


def _cluster(library: Library, params: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    return cluster_faces(library, **params, progress=reporter).as_dict()


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
    options = {name: params[name] for name in ("folders", "embed") if name in params}
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


KINDS: dict[str, Callable[[Library, dict[str, Any], Reporter], dict[str, Any]]] = {
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


def run_next(library: Library) -> JobView | None:
    """Claim the oldest queued job and run it to its end; None when there is none. Never raises for a failed job."""
    job = library.jobs.claim()
    if job is None:
        return None
    try:
        with Reporter(library, job.id) as reporter:
            asked = library.acting_as(Actor(job.actor, needed(job.kind)))
            result = KINDS[job.kind](asked, job.params, reporter)
        library.jobs.finish(job.id, result)
    except JobCancelled:
        library.jobs.cancelled(job.id)
    except FaceIdError as error:
        library.jobs.fail(job.id, str(error))
    except Exception:
        log.exception("Job %s (%s) failed", job.id, job.kind)
        library.jobs.fail(job.id, "Something went wrong that we did not expect; the log has the details.")
    return library.jobs.get(job.id)


def run_pending(library: Library) -> list[JobView]:
    """Run queued jobs, and those that they queue, until none is left."""
    done: list[JobView] = []
    while (job := run_next(library)) is not None:
        done.append(job)
    return done


class Watch:
    """Finds jobs whose worker died, whichever machine it was on.

    A sign of life counts when it differs from the last one that was seen here, and silence is measured by this
    process's own clock: clocks of machines may differ, be set, or stand still while a machine sleeps.
    """

    def __init__(self, library: Library, clock: Callable[[], float] = time.monotonic) -> None:
        self._library, self._clock = library, clock
        self._seen: dict[int, tuple[datetime | None, float]] = {}

    def look(self) -> list[int]:
        """End the jobs that have been silent for DEAD_SECONDS; gives their numbers. Raises LibraryError."""
        now, beats = self._clock(), self._library.jobs.heartbeats()
        self._seen = {
            job: self._seen[job] if job in self._seen and self._seen[job][0] == beat else (beat, now)
            for job, beat in beats.items()
        }
        silent = [(job, beat) for job, (beat, since) in self._seen.items() if now - since >= DEAD_SECONDS]
        return [job for job, beat in silent if self._library.jobs.interrupt(job, beat)]

    def run(self, stop: threading.Event) -> None:
        """Look again and again until `stop` is set. A library that is away is looked at later."""
        while not stop.wait(WATCH_SECONDS):
            try:
                for job in self.look():
                    log.warning("Job %s has lost its worker.", job)
            except FaceIdError:
                log.debug("The jobs could not be looked at; trying again.", exc_info=True)


@dataclass
class Worker:
    """Serves the queue until `stop` is set, or its parent process is gone: the body of the worker process.

    While the library can't be used it asks less and less often, and says each reason once.
    """

    library: Library
    poll_seconds: float = 0.3
    stop: threading.Event = field(default_factory=threading.Event)
    parent: int = field(default_factory=os.getppid)
    _looks_again: float = 0.0

    def run(self) -> None:
        """Run queued jobs one by one until stopped, or until the parent process is gone; beside them, keep the open
        questions up to date."""
        # In threads, as this one may be busy for hours with a job of its own.
        keeper, ended = Keeper(self.library), threading.Event()
        keeping = threading.Thread(target=keeper.run, daemon=True, name="questions")
        keeping.start()
        threading.Thread(target=Watch(self.library).run, args=(ended,), daemon=True, name="job-watch").start()
        try:
            self._serve()
        finally:
            ended.set()
            keeper.stop.set()
            keeping.join()

    def _serve(self) -> None:
        pause, trouble = self.poll_seconds, ""
        # A server that was killed can't stop its worker: then the worker's parent changes.
        while not self.stop.is_set() and os.getppid() == self.parent:
            try:
                self._queue_daily()
                idle = run_next(self.library) is None
                pause, trouble = self.poll_seconds, ""
            except FaceIdError as error:
                if str(error) != trouble:
                    log.warning("%s", error)
                idle, pause, trouble = True, min(2 * pause, LONGEST_PAUSE_SECONDS), str(error)
            if idle:
                self.stop.wait(pause)

    def _queue_daily(self) -> None:
        """What the settings ask for once a day."""
        if time.monotonic() < self._looks_again:
            return
        self._looks_again = time.monotonic() + DAILY_LOOK_SECONDS
        program, now = self.library.acting_as(Actor(PROGRAM.name, Role.OWNER)), utc_now()
        # The backup first: what is deleted afterwards is in it, and goes from it by rules of its own.
        for kind, is_due in ((daily_backup.KIND, daily_backup.is_due), (retention.KIND, retention.is_due)):
            if is_due(self.library, now):
                program.jobs.submit(kind, {})
