"""Changes to jobs and their parts within the transactions of other modules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlmodel import Session, col

from faceid_core.library.store.job_tables import Job, JobPart
from faceid_core.library.store.lease import database_now
from faceid_core.values import PROGRAM, JobState

ATTEMPTS = 5
"""Workers that may die on the same work before it is given up."""

LONGEST_WAIT_SECONDS = 60.0
"""Longest wait between two attempts. The wait doubles each time."""

AFTER_IMPORT: tuple[tuple[str, dict[str, Any]], ...] = (
    ("cluster", {"new_only": True}),
    ("map", {"new_only": True}),
)
"""Jobs queued after an import that found faces."""


@dataclass(frozen=True, slots=True)
class PartProgress:
    """Progress of a part. left: paths without an outcome. report: the outcome of the others, as plain values.
    done: files that got an outcome since the last progress."""

    part: int
    left: Sequence[str]
    report: dict[str, Any]
    done: int
    message: str = ""


def waiting(row: type[Job] | type[JobPart], now: datetime) -> Any:
    """Return the condition that it may be tried now."""
    return col(row.not_before).is_(None) | (col(row.not_before) <= now)


def enqueue(session: Session, kind: str, actor: str, params: dict[str, Any]) -> Job:
    """Queue a job, or return the one already queued with the same parameters."""
    queued = select(Job).where(col(Job.kind) == kind, col(Job.state) == JobState.QUEUED.value)
    for job in session.scalars(queued):
        if job.params == params:
            return job
    job = Job(kind=kind, actor=actor, params=params)
    session.add(job)
    session.flush()
    return job


def put_back(session: Session, row: Job | JobPart, *, failed: bool) -> None:
    """Release it and invalidate its holder's fence. failed: its worker died; wait before the next attempt."""
    row.fence += 1
    row.worker, row.heartbeat_at, row.not_before = "", None, None
    if failed:
        row.attempts += 1
        wait = min(2.0**row.attempts, LONGEST_WAIT_SECONDS)
        row.not_before = database_now(session) + timedelta(seconds=wait)


def record(session: Session, progress: Sequence[PartProgress]) -> None:
    """Record the progress of parts, in the transaction that stored their photos."""
    now = database_now(session) if progress else None
    for each in progress:
        part = session.get_one(JobPart, each.part)
        job = session.get_one(Job, part.job_id)
        part.paths, part.report, part.attempts, part.heartbeat_at = list(each.left), each.report, 0, now
        job.done, job.message = job.done + each.done, each.message
        job.details = _pace(job, now)
        if not each.left:
            job.result = _sum(job.result, each.report)
            session.delete(part)
            session.flush()
            settle(session, job)


def settle(session: Session, job: Job) -> None:
    """Finish a job if it has no parts left."""
    if session.scalar(select(func.count()).select_from(JobPart).where(col(JobPart.job_id) == job.id)):
        return
    now = database_now(session)
    state = JobState.CANCELLED if job.cancel_requested else JobState.DONE
    job.state, job.finished_at = state.value, now
    job.result = {**job.result, "seconds": (now - (job.started_at or now)).total_seconds()}
    if state is JobState.DONE and job.result.get("faces"):
        for kind, params in AFTER_IMPORT:
            enqueue(session, kind, PROGRAM.name, params)


def drop_parts(session: Session, job: Job, *, held: bool) -> None:
    """Delete the waiting parts of a job. held: also those held by a worker, whose writes are then refused."""
    mine = delete(JobPart).where(col(JobPart.job_id) == job.id)
    session.execute(mine if held else mine.where(col(JobPart.heartbeat_at).is_(None)))
    session.flush()


def _pace(job: Job, now: datetime | None) -> dict[str, Any]:
    """Return the details with the overall rate in files per second and the seconds left at that rate."""
    seconds = (now - job.started_at).total_seconds() if now and job.started_at else 0.0
    if seconds <= 0 or not job.done:
        return dict(job.details)
    left = max(job.total - job.done, 0) * seconds / job.done
    return {**job.details, "rate": job.done / seconds, "seconds_left": left}


def _sum(report: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Merge two reports: add numbers, concatenate lists."""
    return {**report, **{name: report.get(name, type(value)()) + value for name, value in other.items()}}
