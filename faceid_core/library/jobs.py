"""The queue of background jobs: pages submit and watch, a worker claims and reports.

A job is claimed once in its life and never again: what ends early is submitted anew. So a worker owns its job as
long as the job is running; one that was taken for dead finds it ended, and neither goes on nor writes an outcome.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from faceid_core.errors import NotFound
from faceid_core.library.store.database import Database, acting
from faceid_core.library.store.records import JobView
from faceid_core.library.store.tables import Job
from faceid_core.values import OPEN_JOBS, JobState, Role, utc_now

RESUMES = "import"
"""The kind of job that goes on where it was, as what it has stored is skipped; others begin anew."""


NEEDS = {"cluster": Role.EDITOR, "map": Role.EDITOR}
"""The role that it takes to ask for a kind of job, and that the job has when it runs; for all others an owner's."""


def needed(kind: str) -> Role:
    """The role that it takes to ask for a job of this kind, or to stop it."""
    return NEEDS.get(kind, Role.OWNER)


class Jobs:
    """The queue: pages submit and watch, the worker claims and reports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def submit(self, kind: str, params: dict[str, Any]) -> JobView:
        """Queue a job, which acts for whoever asked; one that already waits with the same parameters is returned
        instead. Raises NotAllowed."""
        with self._database.write(needed(kind)) as session:
            waiting = select(Job).where(col(Job.kind) == kind, col(Job.state) == JobState.QUEUED.value)
            for job in session.scalars(waiting):
                if job.params == params:
                    return _job(job)
            job = Job(kind=kind, actor=acting(session).name, params=params)
            session.add(job)
            session.flush()
            return _job(job)

    def claim(self) -> JobView | None:
        """Take the oldest queued job, for one worker only; None when nothing waits."""
        self._database.actor.require(Role.OWNER)
        queued = select(Job).where(col(Job.state) == JobState.QUEUED.value).order_by(col(Job.id)).limit(1)
        with self._database.read() as session:  # looking costs no lock: an idle worker must not disturb writers
            if session.scalars(queued).first() is None:
                return None
        with self._database.write(Role.OWNER) as session:
            job = session.scalars(queued.with_for_update(skip_locked=True)).first()
            if job is None:
                return None
            job.state, job.started_at, job.heartbeat_at = JobState.RUNNING.value, utc_now(), utc_now()
            session.flush()
            return _job(job)

    def beat(self, job_id: int, done: int, total: int, message: str, details: dict[str, Any] | None = None) -> bool:
        """Write progress and a sign of life. Returns whether to stop: somebody asked for it, or the job
        is no longer the caller's."""
        with self._database.write(Role.OWNER) as session:
            job = _find(session, job_id)
            if job.state != JobState.RUNNING.value:
                return True
            job.done, job.total, job.message, job.heartbeat_at = done, total, message, utc_now()
            if details is not None:
                job.details = dict(details)
            return job.cancel_requested

    def finish(self, job_id: int, result: dict[str, Any]) -> None:
        """Mark a running job as done; result: plain values for JSON."""
        self._end(job_id, JobState.DONE, result=result)
        self._database.optimise()  # an import or a grouping may have multiplied the rows

    def fail(self, job_id: int, sentence: str) -> None:
        """Mark a running job as failed; sentence: what to do, as the page shows it."""
        self._end(job_id, JobState.FAILED, error=sentence)

    def cancelled(self, job_id: int) -> None:
        """Mark a running job as stopped because somebody asked for it."""
        self._end(job_id, JobState.CANCELLED)

    def cancel(self, job_id: int) -> None:
        """Ask a job to stop; one that only waits is cancelled at once. Raises NotFound, NotAllowed."""
        with self._database.write() as session:
            job = _find(session, job_id)
            acting(session).require(needed(job.kind))
            job.cancel_requested = True
            if job.state == JobState.QUEUED.value:
                job.state, job.finished_at = JobState.CANCELLED.value, utc_now()

    def may_ask(self, kind: str) -> bool:
        """Whether whoever acts may ask for a job of this kind, and stop one."""
        return self._database.actor.role.includes(needed(kind))

    def get(self, job_id: int) -> JobView:
        """One job. Raises NotFound."""
        with self._database.read() as session:
            return self._shown(_find(session, job_id))

    def active(self) -> list[JobView]:
        """Running and queued jobs, in the order in which they are done."""
        with self._database.read() as session:
            return [
                self._shown(job)
                for job in session.scalars(select(Job).where(col(Job.state).in_(OPEN_JOBS)).order_by(col(Job.id)))
            ]

    def last_started(self, kind: str) -> datetime | None:
        """When a job of this kind was asked for last, in UTC without a zone; None for never."""
        with self._database.read() as session:
            return session.scalar(select(func.max(Job.created_at)).where(col(Job.kind) == kind))

    def recent(self, limit: int = 10) -> list[JobView]:
        """The newest jobs first."""
        with self._database.read() as session:
            return [
                self._shown(job) for job in session.scalars(select(Job).order_by(col(Job.id).desc()).limit(limit))
            ]

    def heartbeats(self) -> dict[int, datetime | None]:
        """The latest sign of life of each running job, by the clock of its worker's machine."""
        self._database.actor.require(Role.OWNER)
        running = select(Job.id, Job.heartbeat_at).where(col(Job.state) == JobState.RUNNING.value)  # type: ignore[call-overload]
        with self._database.read() as session:
            return dict(session.execute(running).tuples().all())

    def interrupt(self, job_id: int, heartbeat: datetime | None) -> bool:
        """End a running job whose worker is gone. Returns False, and leaves it, where there is a newer sign of life
        than this one, or it has ended."""
        self._database.actor.require(Role.OWNER)
        with self._database.write(Role.OWNER) as session:
            job = session.get(Job, job_id)
            if job is None or job.state != JobState.RUNNING.value or job.heartbeat_at != heartbeat:
                return False
            job.state, job.finished_at = JobState.INTERRUPTED.value, utc_now()
            again = "start it again to resume" if job.kind == RESUMES else "start it again"
            job.error = f"The job stopped unexpectedly; {again}."
            return True

    def _shown(self, job: Job) -> JobView:
        """Which files an import reads, leaves out and can't read is for owners; others get the numbers."""
        view = _job(job)
        if self._database.actor.role.includes(Role.OWNER):
            return view
        numbers = {name: what for name, what in view.result.items() if isinstance(what, int | float)}
        return replace(view, params={}, result=numbers)

    def _end(
        self, job_id: int, state: JobState, *, result: dict[str, Any] | None = None, error: str | None = None
    ) -> None:
        with self._database.write(Role.OWNER) as session:
            job = _find(session, job_id)
            if job.state == JobState.RUNNING.value:
                job.state, job.finished_at, job.error = state.value, utc_now(), error
                job.result = result or {}


def _find(session: Session, job_id: int) -> Job:
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound(f"There is no job {job_id}.")
    return job


def _job(job: Job) -> JobView:
    fields = JobView.__dataclass_fields__
    return JobView(**{name: getattr(job, name) for name in fields})
