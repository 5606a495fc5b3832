"""The queue of background jobs: pages submit and watch, a worker claims and reports."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from faceid_core.errors import NotFound
from faceid_core.library.store.database import Database
from faceid_core.library.store.records import JobView
from faceid_core.library.store.tables import Job
from faceid_core.values import JobState, utc_now

RESUMES = "import"
"""The kind of job that goes on where it was, as what it has stored is skipped; others begin anew."""

OPEN = (JobState.QUEUED.value, JobState.RUNNING.value)


class Jobs:
    """The queue: pages submit and watch, the worker claims and reports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def submit(self, kind: str, params: dict[str, Any]) -> JobView:
        """Queue a job; one that already waits with the same parameters is returned instead."""
        with self._database.write() as session:
            waiting = select(Job).where(col(Job.kind) == kind, col(Job.state) == JobState.QUEUED.value)
            for job in session.scalars(waiting):
                if job.params == params:
                    return _job(job)
            job = Job(kind=kind, params=params)
            session.add(job)
            session.flush()
            return _job(job)

    def claim(self) -> JobView | None:
        """Take the oldest queued job, for one worker only; None when nothing waits."""
        queued = select(Job).where(col(Job.state) == JobState.QUEUED.value).order_by(col(Job.id)).limit(1)
        with self._database.read() as session:  # looking costs no lock: an idle worker must not disturb writers
            if session.scalars(queued).first() is None:
                return None
        with self._database.write() as session:
            job = session.scalars(queued.with_for_update(skip_locked=True)).first()
            if job is None:
                return None
            job.state, job.started_at, job.heartbeat_at = JobState.RUNNING.value, utc_now(), utc_now()
            session.flush()
            return _job(job)

    def beat(self, job_id: int, done: int, total: int, message: str, details: dict[str, Any] | None = None) -> bool:
        """Write progress and a sign of life. Returns whether somebody asked the job to stop."""
        with self._database.write() as session:
            job = _find(session, job_id)
            job.done, job.total, job.message, job.heartbeat_at = done, total, message, utc_now()
            if details is not None:
                job.details = dict(details)
            return job.cancel_requested

    def finish(self, job_id: int, result: dict[str, Any]) -> None:
        """Mark a job as done; result: plain values for JSON."""
        self._end(job_id, JobState.DONE, result=result)
        self._database.optimise()  # an import or a grouping may have multiplied the rows

    def fail(self, job_id: int, sentence: str) -> None:
        """Mark a job as failed; sentence: what to do, as the page shows it."""
        self._end(job_id, JobState.FAILED, error=sentence)

    def cancelled(self, job_id: int) -> None:
        """Mark a job as stopped because somebody asked for it."""
        self._end(job_id, JobState.CANCELLED)

    def cancel(self, job_id: int) -> None:
        """Ask a job to stop; one that only waits is cancelled at once. Raises NotFound."""
        with self._database.write() as session:
            job = _find(session, job_id)
            job.cancel_requested = True
            if job.state == JobState.QUEUED.value:
                job.state, job.finished_at = JobState.CANCELLED.value, utc_now()

    def get(self, job_id: int) -> JobView:
        """One job. Raises NotFound."""
        with self._database.read() as session:
            return _job(_find(session, job_id))

    def active(self) -> list[JobView]:
        """Running and queued jobs, in the order in which they are done."""
        with self._database.read() as session:
            return [
                _job(job)
                for job in session.scalars(select(Job).where(col(Job.state).in_(OPEN)).order_by(col(Job.id)))
            ]

    def last_started(self, kind: str) -> datetime | None:
        """When a job of this kind was asked for last, in UTC without a zone; None for never."""
        with self._database.read() as session:
            return session.scalar(select(func.max(Job.created_at)).where(col(Job.kind) == kind))

    def recent(self, limit: int = 10) -> list[JobView]:
        """The newest jobs first."""
        with self._database.read() as session:
            return [_job(job) for job in session.scalars(select(Job).order_by(col(Job.id).desc()).limit(limit))]

    def reap(self, older_than_s: float) -> int:
        """Mark running jobs without a sign of life for so long as failed. Returns how many."""
        limit = utc_now() - timedelta(seconds=older_than_s)
        dead = select(Job).where(col(Job.state) == JobState.RUNNING.value, col(Job.heartbeat_at) < limit)
        with self._database.read() as session:
            if session.scalars(dead).first() is None:
                return 0
        with self._database.write() as session:
            jobs = session.scalars(dead).all()
            for job in jobs:
                job.state, job.finished_at = JobState.FAILED.value, utc_now()
                again = "start it again to resume" if job.kind == RESUMES else "start it again"
                job.error = f"The job stopped unexpectedly; {again}."
            return len(jobs)

    def _end(
        self, job_id: int, state: JobState, *, result: dict[str, Any] | None = None, error: str | None = None
    ) -> None:
        with self._database.write() as session:
            job = _find(session, job_id)
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
