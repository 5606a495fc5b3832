"""Imports shared between workers: one worker plans the import, then all claim parts until none is left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from faceid_core.errors import FaceIdError, JobCancelled, LibraryError
from faceid_core.executors.executor import Executor
from faceid_core.importing.report import ImportReport
from faceid_core.importing.run import plan, settings_for, stat
from faceid_core.importing.search_again import waiting
from faceid_core.importing.searching import executor_for
from faceid_core.importing.storing import CRASHED, ImportRun
from faceid_core.importing.work import File
from faceid_core.library import Added, JobView, Lease, Library, PartProgress, PartView, needed
from faceid_core.remote import is_remote, look_at_once, place
from faceid_core.values import Actor, NewPhoto, no_progress

PART_FILES = 64
"""Maximum files per part: enough to make the overhead of claiming negligible (tests/bench/workers.py)."""

SMALLEST_PART, PARTS_LEFT = 8, 8
"""Parts get smaller towards the end: each is an eighth of what is left, so that the workers finish at about the
same time (guided self-scheduling, Polychronopoulos and Kuck 1987)."""

BEAT_SECONDS = 5.0
"""How often a worker sends heartbeats for its parts."""

LOOK_SECONDS = 0.4
"""How often a worker checks whether its import was cancelled or paused."""

OPTIONS = ("again", "video_seconds", "smallest_face", "exclude")
"""Parameters of an import job besides the paths."""

SEARCHED_OTHERWISE = "searched_otherwise"
"""The job parameter, instead of paths, for searching photos again that were searched with another detector."""


class Stops(Protocol):
    """Tells the worker whether to stop, such as a threading.Event."""

    def is_set(self) -> bool:
        """Whether it is."""


def share(library: Library, job: JobView) -> ImportReport | None:
    """Find the files of an import and split them into parts. If there is nothing to read, return the report
    instead. Raises like import_photos."""
    options = {name: job.params[name] for name in OPTIONS if name in job.params} | {"again": _searches_again(job)}
    found = waiting(library) if job.params.get(SEARCHED_OTHERWISE) else job.params["paths"]
    planned = plan(library, found, **options)
    paths = [str(file.path) for file in planned.fresh]
    fresh = set(paths)
    library.photos.follow([path for file in planned.files if (path := str(file.path)) not in fresh])
    if not paths:
        return planned.report
    library.job_parts.split(job.id, job.fence, list(in_parts(paths)), planned.report.as_dict())
    return None


def in_parts(paths: Sequence[str]) -> Iterator[Sequence[str]]:
    """Split the paths, in order, into parts for the workers."""
    at = 0
    while at < len(paths):
        size = min(max((len(paths) - at) // PARTS_LEFT, SMALLEST_PART), PART_FILES)
        yield paths[at : at + size]
        at += size


def _searches_again(job: JobView) -> bool:
    return bool(job.params.get("again") or job.params.get(SEARCHED_OTHERWISE))


@dataclass
class _Held:
    """A held part: its files without an outcome, and the outcomes of the others."""

    part: PartView
    left: list[str]
    report: ImportReport
    before: int = 0
    """Number of files whose outcome is already stored."""


class AtWork:
    """A worker on the parts of one import: holds them, sends heartbeats, and releases what it did not finish.

    Raises LeaseLost if it was presumed dead. Then its last photos were not stored, and another worker reads them
    again.
    """

    def __init__(
        self,
        library: Library,
        job: JobView,
        *,
        worker: str = "",
        stop: Stops | None = None,
        others: Callable[[], bool] = lambda: False,
        on_photos: Callable[[int], None] = lambda _: None,
        executor: Executor | None = None,
    ) -> None:
        self.job, self.worker = job, worker
        self.lease = Lease()
        self._library = library
        self._stop, self._on_photos, self._executor = stop or threading.Event(), on_photos, executor
        self._others = others
        self._ended, self._cancelled, self._resting = threading.Event(), threading.Event(), threading.Event()
        self.elsewhere = False
        """Whether some of its files are not on this machine."""
        self.attempts = 0
        """The highest number of failed attempts among the parts claimed here."""

    def run(self, first: PartView | None = None) -> None:
        """Work until no part is left, or the import is stopped or paused. first: a part that was already claimed.
        Raises LibraryError, LeaseLost, and what the executor raises."""
        asked = self._library.acting_as(Actor(self.job.actor, needed(self.job.kind)), self.lease)
        wanted = {name: self.job.params.get(name) for name in ("video_seconds", "smallest_face")}
        settings = settings_for(self._library.settings, **wanted)
        heart = threading.Thread(target=self._beat, daemon=True, name=f"job-{self.job.id}-heartbeat")
        heart.start()
        failed = False
        try:
            run = _SharedRun(asked, settings, ImportReport(), no_progress, _searches_again(self.job), at_work=self)
            executor = self._executor or executor_for(settings, self.job.total - self.job.done)
            run.store_all(self._files(run, first), executor)
        except JobCancelled:
            pass  # what was done is kept
        except LibraryError:
            raise
        except Exception:
            failed = True
            raise
        finally:
            self._ended.set()
            heart.join()
            self._give_back(failed=failed)

    def check(self) -> None:
        """Raise JobCancelled if the import was cancelled."""
        if self._cancelled.is_set():
            raise JobCancelled("The job was cancelled; what it had finished is kept.")

    def done(self, photos: int) -> None:
        """Report this number of photos as stored."""
        self._on_photos(photos)

    def _files(self, run: _SharedRun, part: PartView | None) -> Iterator[File]:
        """Yield the files of one part after the other, as the executor asks for them."""
        while not self._stop.is_set() and not self._resting.is_set():
            part = part or self._library.job_parts.claim(self.worker, job_id=self.job.id)
            if part is None:
                return
            self.lease.parts[part.id] = part.fence
            self.attempts = max(self.attempts, part.attempts)
            if not part.is_last_attempt and _is_elsewhere(part) and self._others():
                self._library.job_parts.release({part.id: self.lease.parts.pop(part.id)}, failed=True)
                self.elsewhere = True
                return
            run.hold(part)
            yield from _files(part)
            part = None

    def _beat(self) -> None:
        """Send heartbeats and check whether to stop. Keeps working if the library is temporarily unreachable."""
        since = 0.0
        while not self._ended.wait(LOOK_SECONDS):
            since += LOOK_SECONDS
            try:
                if since >= BEAT_SECONDS and self.lease.parts:
                    self._library.job_parts.beat(dict(self.lease.parts))
                    since = 0.0
                job = self._library.jobs.get(self.job.id)
            except FaceIdError:
                continue
            if job.cancel_requested:
                self._cancelled.set()
            if job.is_paused or job.cancel_requested:
                self._resting.set()

    def _give_back(self, *, failed: bool) -> None:
        held = dict(self.lease.parts)
        self.lease.parts.clear()
        if held:
            self._library.job_parts.release(held, failed=failed)


@dataclass
class _SharedRun(ImportRun):
    """An import of parts, whose progress is written together with their photos."""

    at_work: AtWork = field(kw_only=True)
    held: dict[str, _Held] = field(default_factory=dict)
    """By path. A file in two parts belongs to the later one, because the earlier one was lost."""

    def hold(self, part: PartView) -> None:
        """Add the files of this part, which come next."""
        report = ImportReport.of(part.report)
        held = _Held(part, list(part.paths), report, report.done)
        self.held |= dict.fromkeys(part.paths, held)

    def _store(self, batch: Sequence[NewPhoto]) -> list[Added]:
        def progress(outcomes: Sequence[Added]) -> list[PartProgress]:
            self._count(batch, outcomes)
            return self._progress(batch)

        outcomes = self.library.photos.add_many(batch, again=self.again, progress=progress)
        finished = 0
        for held in self._touched(batch):
            finished, held.before = finished + held.report.done - held.before, held.report.done
            if not held.left:
                self.at_work.lease.parts.pop(held.part.id, None)
        self.at_work.done(finished)
        return outcomes

    def _progress(self, batch: Sequence[NewPhoto]) -> list[PartProgress]:
        finished = {path for photo in batch if (path := _finished(photo))}
        found = []
        for held in self._touched(batch):
            held.left = [path for path in held.left if path not in finished]
            new = held.report.done - held.before
            found.append(PartProgress(held.part.id, held.left, held.report.as_dict(), new, batch[-1].path))
        return found

    def _touched(self, batch: Sequence[NewPhoto]) -> list[_Held]:
        of_files = (self.held[photo.frame.video if photo.frame else photo.path] for photo in batch)
        return list({held.part.id: held for held in of_files}.values())

    def _report_of(self, path: str) -> ImportReport:
        return self.held[path].report

    def _tell(self, path: str | None = None) -> None:
        self.at_work.check()


def _finished(photo: NewPhoto) -> str | None:
    """Return the path of the file that this photo completes; None for a video that continues."""
    if photo.frame is None:
        return photo.path
    return photo.frame.video if photo.frame.every else None


def _files(part: PartView) -> Iterator[File]:
    paths = [place(path) for path in part.paths]
    look_at_once(paths)
    for path in paths:
        file = stat(path)
        yield replace(file, error=CRASHED) if part.is_poison else file


def _is_elsewhere(part: PartView) -> bool:
    """Whether neither its files nor their folders exist on this machine: another machine may have them. Buckets can
    be reached from everywhere; if not, reading reports it."""
    return not any(is_remote(path) or Path(path).parent.is_dir() for path in part.paths)
