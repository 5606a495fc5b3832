"""Rows of jobs and of their parts, as transactions of other modules change them."""

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
"""Workers that may die over the same work before it is given up."""

LONGEST_WAIT_SECONDS = 60.0
"""Between two attempts, which are twice as far apart each time."""

AFTER_IMPORT: tuple[tuple[str, dict[str, Any]], ...] = (
    ("cluster", {"new_only": True}),
    ("map", {"new_only": True}),
)
"""What an import that found faces asks for."""


@dataclass(frozen=True, slots=True)
class PartProgress:
    """How far a part is. left: paths without an outcome. report: what became of the others, as plain values.
    done: files that have an outcome since the last time."""

    part: int
    left: Sequence[str]
    report: dict[str, Any]
    done: int
    message: str = ""


def waiting(row: type[Job] | type[JobPart], now: datetime) -> Any:
    """The condition that it may be tried now."""
    return col(row.not_before).is_(None) | (col(row.not_before) <= now)


def enqueue(session: Session, kind: str, actor: str, params: dict[str, Any]) -> Job:
    """Queue a job, unless one waits with the same parameters, which is given instead."""
    queued = select(Job).where(col(Job.kind) == kind, col(Job.state) == JobState.QUEUED.value)
    for job in session.scalars(queued):
        if job.params == params:
            return job
    job = Job(kind=kind, actor=actor, params=params)
    session.add(job)
    session.flush()
    return job


def put_back(session: Session, row: Job | JobPart, *, failed: bool) -> None:
    """Nobody has it any more, and whoever had it is too late. failed: its worker died; then it waits a while."""
    row.fence += 1
    row.worker, row.heartbeat_at, row.not_before = "", None, None
    if failed:
        row.attempts += 1
        wait = min(2.0**row.attempts, LONGEST_WAIT_SECONDS)
        row.not_before = database_now(session) + timedelta(seconds=wait)


def record(session: Session, progress: Sequence[PartProgress]) -> None:
    """Write down how far parts are, in the transaction that stored their photos."""
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
    """End a job whose last part has ended."""
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
    """Take the parts of a job away: those that wait, or also those that somebody holds, who is then refused."""
    mine = delete(JobPart).where(col(JobPart.job_id) == job.id)
    session.execute(mine if held else mine.where(col(JobPart.heartbeat_at).is_(None)))
    session.flush()


def _pace(job: Job, now: datetime | None) -> dict[str, Any]:
    """Files a second so far, of all workers, and seconds left at that rate."""
    seconds = (now - job.started_at).total_seconds() if now and job.started_at else 0.0
    if seconds <= 0 or not job.done:
        return dict(job.details)
    left = max(job.total - job.done, 0) * seconds / job.done
    return {**job.details, "rate": job.done / seconds, "seconds_left": left}


def _sum(report: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Numbers added, lists joined."""
    return {**report, **{name: report.get(name, type(value)()) + value for name, value in other.items()}}
