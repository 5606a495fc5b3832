"""The worker: serves the queue of jobs, and notices the death of other workers."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from faceid_core import __version__
from faceid_core.errors import FaceIdError
from faceid_core.library import Library
from faceid_core.steps import check_cluster, daily_backup, retention
from faceid_core.steps.jobs import Runner
from faceid_core.steps.keep_questions import Keeper
from faceid_core.steps.watch import Watcher
from faceid_core.values import PROGRAM, utc_now

log = logging.getLogger(__name__)

DEAD_SECONDS = 45.0
"""A running job without a sign of life for this long has lost its worker: twice the longest wait for the database's
lock, so that a worker that can't write for a while is not taken for dead."""

WATCH_SECONDS = 5.0
"""How often the signs of life are looked at."""

DAILY_LOOK_SECONDS = 60.0
"""How often the worker looks whether a daily task is due."""

LONGEST_PAUSE_SECONDS = 30.0
"""How long the worker waits, at most, before it looks again for a library that it could not use."""


class Watch:
    """Finds jobs, and parts of them, whose worker died, whichever machine it was on.

    A sign of life counts when it differs from the last one that was seen here, and silence is measured by this
    process's own clock: clocks of machines may differ, be set, or stand still while a machine sleeps.
    """

    def __init__(self, library: Library, clock: Callable[[], float] = time.monotonic) -> None:
        self._library, self._clock = library, clock
        self._seen: dict[tuple[str, int], tuple[datetime | None, float]] = {}

    def look(self) -> list[int]:
        """Take away the work of those who were silent for DEAD_SECONDS: an import goes on with another worker,
        other jobs end. Gives the numbers of the jobs. Raises LibraryError."""
        parts, jobs = self._library.job_parts, self._library.jobs
        silent = self._silent("job", jobs.heartbeats())
        for part, beat in self._silent("part", parts.heartbeats()).items():
            if beat is not None and parts.give_up(part, beat):
                log.warning("A part of an import has lost its worker; another one takes it.")
        return [job for job, beat in silent.items() if jobs.interrupt(job, beat)]

    def _silent(self, kind: str, beats: Mapping[int, datetime | None]) -> dict[int, datetime | None]:
        """Those without a new sign of life for too long, with the last one."""
        now, before = self._clock(), self._seen
        fresh = {(kind, number): (beat, now) for number, beat in beats.items()}
        kept = {key: before[key] for key, (beat, _) in fresh.items() if key in before and before[key][0] == beat}
        self._seen = {key: value for key, value in before.items() if key[0] != kind} | fresh | kept
        return {key[1]: beat for key, (beat, since) in kept.items() if now - since >= DEAD_SECONDS}

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
    parent: int | None = field(default_factory=os.getppid)
    """The process with which it ends; None: none."""
    kinds: Collection[str] | None = None
    """The jobs that it takes; None: all."""
    is_only_helping: bool = False
    """Whether another worker keeps the open questions, and queues what is due every day."""
    _looks_again: float = 0.0
    _number: int = 0

    def __post_init__(self) -> None:
        self._runner = Runner(self.library, kinds=self.kinds, stop=self.stop)

    def run(self) -> None:
        """Run queued jobs one by one until stopped, or until the parent process is gone; beside them, keep the open
        questions up to date."""
        ended = threading.Event()
        # In threads, as this one may be busy for hours with a job of its own.
        threading.Thread(target=Watch(self.library).run, args=(ended,), daemon=True, name="job-watch").start()
        present = threading.Thread(target=self._be_present, args=(ended,), daemon=True, name="presence")
        present.start()
        try:
            if self.is_only_helping:
                self._serve()
            else:
                self._serve_and_keep()
        finally:
            ended.set()
            self._runner.doing.changed.set()
            present.join()
            self._leave()

    def _serve_and_keep(self) -> None:
        keeper, watcher = Keeper(self.library), Watcher(self.library.acting_as(PROGRAM))
        keeping = threading.Thread(target=keeper.run, daemon=True, name="questions")
        watching = threading.Thread(target=watcher.run, args=(keeper.stop,), daemon=True, name="watched-folders")
        keeping.start()
        watching.start()
        try:
            self._serve()
        finally:
            keeper.stop.set()
            keeping.join()
            watching.join()

    def _serve(self) -> None:
        pause, trouble = self.poll_seconds, ""
        # A server that was killed can't stop its worker: then the worker's parent changes.
        while not self.stop.is_set() and self.parent in (None, os.getppid()):
            try:
                self._arrive(after_trouble=bool(trouble))
                self._queue_daily()
                idle = self._runner.run_next() is None
                pause, trouble = self.poll_seconds, ""
            except FaceIdError as error:
                if str(error) != trouble:
                    log.warning("%s", error)
                idle, pause, trouble = True, min(2 * pause, LONGEST_PAUSE_SECONDS), str(error)
            if idle:
                self.stop.wait(pause)

    def _arrive(self, *, after_trouble: bool) -> None:
        """Be known to others; what was begun before trouble goes back, as it is not being done any more."""
        if self.library.read_only:
            return
        if not self._number:
            self._number, self._runner.worker = self.library.workers.register(
                socket.gethostname(), os.getpid(), __version__
            )
        elif after_trouble:
            self.library.workers.put_down(self._runner.worker)

    def _be_present(self, ended: threading.Event) -> None:
        """Say what is being done, when it changes, and to a database server from time to time."""
        doing = self._runner.doing
        while not ended.is_set():
            doing.changed.wait(self.library.workers.report_seconds)
            doing.changed.clear()
            if self._number:
                with suppress(FaceIdError):
                    workers = self.library.workers
                    if workers.report(self._number, doing.kind, doing.photos, doing.rate):
                        workers.answer(self._number, check_cluster.findings(self.library))

    def _leave(self) -> None:
        if self._number:
            with suppress(FaceIdError):
                self.library.workers.leave(self._number, self._runner.worker)

    def _queue_daily(self) -> None:
        """What the settings ask for once a day."""
        if self.is_only_helping or time.monotonic() < self._looks_again:
            return
        self._looks_again = time.monotonic() + DAILY_LOOK_SECONDS
        program, now = self.library.acting_as(PROGRAM), utc_now()
        if not self.library.read_only:
            program.photos.note_copies()
        # The backup first: what is deleted afterwards is in it, and goes from it by rules of its own.
        for kind, is_due in ((daily_backup.KIND, daily_backup.is_due), (retention.KIND, retention.is_due)):
            if is_due(self.library, now):
                program.jobs.submit(kind, {})
