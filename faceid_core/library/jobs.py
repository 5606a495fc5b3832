"""The queue of background jobs: pages submit and watch jobs, workers claim them and report progress.

A worker holds a job as long as it sends heartbeats. A worker that was presumed dead finds that the job has ended,
or has a new fence because another worker holds it; it then stops without writing a result. Another worker resumes
an import, skipping what is stored already; other jobs end and have to be submitted again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from faceid_core.errors import BadInput, NotFound
from faceid_core.library.job_rows import ATTEMPTS, drop_parts, enqueue, put_back, settle, waiting
from faceid_core.library.store.database import Database, acting
from faceid_core.library.store.job_tables import Job
from faceid_core.library.store.lease import database_now
from faceid_core.library.store.records import JobView
from faceid_core.values import OPEN_JOBS, JobState, Role

RESUMES = "import"
"""The kind of job that resumes, because it skips what is stored already. Others start from the beginning."""


NEEDS = {"cluster": Role.EDITOR, "map": Role.EDITOR}
"""The role required to submit each kind of job, and the role that the job runs with. All others need an owner."""


def needed(kind: str) -> Role:
    """Return the role required to submit or stop a job of this kind."""
    return NEEDS.get(kind, Role.OWNER)


class Jobs:
    """The queue: pages submit and watch jobs, workers claim them and report progress."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def submit(self, kind: str, params: dict[str, Any]) -> JobView:
        """Queue a job on behalf of the actor, or return the one already queued with the same parameters. Raises
        NotAllowed."""
        with self._database.write(needed(kind)) as session:
            return _job(enqueue(session, kind, acting(session).name, params))

    def claim(
        self, worker: str = "", *, kinds: Collection[str] | None = None, but: Collection[int] = ()
    ) -> JobView | None:
        """Claim the oldest queued job for one worker; None if there is none. kinds: only of these kinds; but: not
        these job ids."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:  # checking takes no lock: idle workers must not disturb writers
            if session.scalars(_claimable(database_now(session), kinds, but)).first() is None:
                return None
        with self._database.write(Role.OWNER) as session:
            now = database_now(session)
            job: Job | None = session.scalars(_claimable(now, kinds, but).with_for_update(skip_locked=True)).first()
            if job is None:
                return None
            job.state, job.heartbeat_at = JobState.RUNNING.value, now
            job.started_at = job.started_at or now
            job.fence, job.worker = job.fence + 1, worker
            session.flush()
            return _job(job)

    def beat(
        self,
        job_id: int,
        done: int,
        total: int,
        message: str,
        details: dict[str, Any] | None = None,
        *,
        fence: int | None = None,
    ) -> bool:
        """Write progress and a heartbeat. Returns whether to stop: the job was cancelled, or the caller no longer
        holds it because the fence has changed."""
        with self._database.write(Role.OWNER) as session:
            job = _find(session, job_id)
            if job.is_split:
                return job.cancel_requested  # its parts send the heartbeats
            if not _is_of(job, fence):
                return True
            job.done, job.total, job.message, job.heartbeat_at = done, total, message, database_now(session)
            if details is not None:
                job.details = dict(details)
            return job.cancel_requested

    def finish(self, job_id: int, result: dict[str, Any], *, fence: int | None = None) -> None:
        """Mark a running job as done; result: plain values for JSON."""
        self._end(job_id, JobState.DONE, fence, result=result)
        self._database.optimise()  # an import or a grouping may have multiplied the rows

    def fail(self, job_id: int, sentence: str, *, fence: int | None = None) -> None:
        """Mark a running job as failed; sentence: the message shown on the page."""
        self._end(job_id, JobState.FAILED, fence, error=sentence)

    def cancelled(self, job_id: int, *, fence: int | None = None) -> None:
        """Mark a running job as cancelled."""
        self._end(job_id, JobState.CANCELLED, fence)

    def cancel(self, job_id: int) -> None:
        """Ask a job to stop. A job that no worker holds is cancelled at once. Raises NotFound, NotAllowed."""
        with self._database.write() as session:
            job = _find(session, job_id)
            acting(session).require(needed(job.kind))
            job.cancel_requested = True
            if job.state == JobState.QUEUED.value:
                job.state, job.finished_at = JobState.CANCELLED.value, database_now(session)
            elif job.is_split and job.state == JobState.RUNNING.value:
                drop_parts(session, job, held=False)
                settle(session, job)

    def pause(self, job_id: int, paused: bool = True) -> None:
        """Pause or resume an import. Files that are being read are still stored.

        Raises NotFound, NotAllowed; BadInput for other jobs.
        """
        with self._database.write() as session:
            job = _find(session, job_id)
            acting(session).require(needed(job.kind))
            if job.kind != RESUMES:
                raise BadInput("Only an import can be paused; cancel this job instead.")
            job.is_paused = paused and job.state in OPEN_JOBS

    def may_ask(self, kind: str) -> bool:
        """Whether the actor may submit and stop jobs of this kind."""
        return self._database.actor.role.includes(needed(kind))

    def get(self, job_id: int) -> JobView:
        """Return a job. Raises NotFound."""
        with self._database.read() as session:
            return self._shown(_find(session, job_id))

    def active(self) -> list[JobView]:
        """Return running and queued jobs, in the order in which they are processed."""
        with self._database.read() as session:
            return [
                self._shown(job)
                for job in session.scalars(select(Job).where(col(Job.state).in_(OPEN_JOBS)).order_by(col(Job.id)))
            ]

    def last_started(self, kind: str) -> datetime | None:
        """Return when a job of this kind was last submitted, in naive UTC; None for never."""
        with self._database.read() as session:
            return session.scalar(select(func.max(Job.created_at)).where(col(Job.kind) == kind))

    def recent(self, limit: int = 10) -> list[JobView]:
        """Return the latest jobs, newest first."""
        with self._database.read() as session:
            return [
                self._shown(job) for job in session.scalars(select(Job).order_by(col(Job.id).desc()).limit(limit))
            ]

    def heartbeats(self) -> dict[int, datetime | None]:
        """Return the latest heartbeat of each running job, by the database's clock."""
        self._database.actor.require(Role.OWNER)
        running = select(Job.id, Job.heartbeat_at).where(  # type: ignore[call-overload]
            col(Job.state) == JobState.RUNNING.value, col(Job.is_split).is_(False)
        )
        with self._database.read() as session:
            return dict(session.execute(running).tuples().all())

    def interrupt(self, job_id: int, heartbeat: datetime | None) -> bool:
        """End a running job whose worker is gone; an import is requeued a few times. Returns False, and changes
        nothing, if there is a newer heartbeat than this one or the job has ended."""
        self._database.actor.require(Role.OWNER)
        with self._database.write(Role.OWNER) as session:
            job = session.get(Job, job_id)
            if job is None or not _is_of(job, None) or job.is_split or job.heartbeat_at != heartbeat:
                return False
            put_back(session, job, failed=True)
            if job.kind == RESUMES and job.attempts < ATTEMPTS and not job.cancel_requested:
                job.state = JobState.QUEUED.value
                return True
            job.state, job.finished_at = JobState.INTERRUPTED.value, database_now(session)
            again = "start it again to resume" if job.kind == RESUMES else "start it again"
            job.error = f"The job stopped unexpectedly; {again}."
            return True

    def release(self, job_id: int, fence: int) -> bool:
        """Requeue an import that this worker can't do, for another one after a wait. Returns False, and changes
        nothing, once enough workers have tried."""
        with self._database.write(Role.OWNER) as session:
            job = _find(session, job_id)
            if not _is_of(job, fence) or job.is_split or job.attempts >= ATTEMPTS - 1:
                return False
            put_back(session, job, failed=True)
            job.state = JobState.QUEUED.value
            return True

    def _shown(self, job: Job) -> JobView:
        """Only owners see which files an import reads, skips or can't read. Others see the numbers."""
        view = _job(job)
        if self._database.actor.role.includes(Role.OWNER):
            return view
        numbers = {name: what for name, what in view.result.items() if isinstance(what, int | float)}
        return replace(view, params={}, result=numbers)

    def _end(
        self,
        job_id: int,
        state: JobState,
        fence: int | None,
        *,
        result: dict[str, Any] | None = None,
        error: str | None = None,
    ) -> None:
        with self._database.write(Role.OWNER) as session:
            job = _find(session, job_id)
            if _is_of(job, fence):
                drop_parts(session, job, held=True)
                job.state, job.finished_at, job.error = state.value, database_now(session), error
                job.result = result or {}


def _claimable(now: datetime, kinds: Collection[str] | None, but: Collection[int]) -> Any:
    queued = (col(Job.state) == JobState.QUEUED.value, col(Job.is_paused).is_(False), waiting(Job, now))
    wanted = select(Job).where(*queued, col(Job.id).not_in(but)).order_by(col(Job.id)).limit(1)
    return wanted if kinds is None else wanted.where(col(Job.kind).in_(kinds))


def _is_of(job: Job, fence: int | None) -> bool:
    """Whether a job is running and held with this fence."""
    return job.state == JobState.RUNNING.value and fence in (None, job.fence)


def _find(session: Session, job_id: int) -> Job:
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound(f"There is no job {job_id}.")
    return job


def _job(job: Job) -> JobView:
    fields = JobView.__dataclass_fields__
    return JobView(**{name: getattr(job, name) for name in fields})
