"""Imports shared between workers: the files are split into parts, each held by one worker at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlmodel import Session, col

from faceid_core.errors import LeaseLost
from faceid_core.library.job_rows import ATTEMPTS, drop_parts, put_back, settle, waiting
from faceid_core.library.store.database import Database
from faceid_core.library.store.job_tables import Job, JobPart
from faceid_core.library.store.lease import database_now
from faceid_core.values import JobState, Role


@dataclass(frozen=True, slots=True)
class PartView:
    """A part of an import. fence: tells its holder from earlier ones. attempts: workers that failed on it."""

    id: int
    job_id: int
    paths: list[str]
    report: dict[str, Any]
    fence: int
    attempts: int

    @property
    def is_poison(self) -> bool:
        """Whether its only file has crashed so many workers that it must not be opened again."""
        return self.attempts >= ATTEMPTS and len(self.paths) == 1

    @property
    def is_last_attempt(self) -> bool:
        """Whether no other worker may try it after this one."""
        return self.attempts >= ATTEMPTS - 1


class JobParts:
    """The parts of jobs, planned by one worker and then claimed by all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def split(self, job_id: int, fence: int, parts: Sequence[Sequence[str]], report: Mapping[str, Any]) -> None:
        """Split a job into parts that any worker may claim. report: the outcome of its other files. Parts and job
        change in one transaction. Raises LeaseLost."""
        with self._database.write(Role.OWNER) as session:
            job = session.get(Job, job_id)
            if job is None or job.fence != fence or job.state != JobState.RUNNING.value:
                raise LeaseLost("Another worker has taken over this work; nothing was stored twice.")
            session.add_all(JobPart(job_id=job_id, paths=list(paths)) for paths in parts)
            job.is_split, job.worker, job.result = True, "", dict(report)
            job.total = int(report.get("photos", 0))
            job.done = job.total - sum(len(paths) for paths in parts)
            job.message = "Finding faces"
            session.flush()
            settle(session, job)

    def claim(self, worker: str = "", *, job_id: int | None = None, but: Collection[int] = ()) -> PartView | None:
        """Claim the oldest waiting part for one worker. job_id: only of this job. but: not of these jobs."""
        self._database.actor.require(Role.OWNER)
        if job_id is None and not self._is_any(but):  # checking takes no lock; within a job, there usually is more
            return None
        with self._database.write(Role.OWNER) as session:
            now = database_now(session)
            wanted = _claimable(now, job_id, but).with_for_update(skip_locked=True, of=JobPart)
            part: JobPart | None = session.scalars(wanted).first()
            if part is None:
                return None
            part.fence, part.worker, part.heartbeat_at = part.fence + 1, worker, now
            return PartView(int(part.id or 0), part.job_id, part.paths, part.report, part.fence, part.attempts)

    def _is_any(self, but: Collection[int]) -> bool:
        with self._database.read() as session:
            return session.scalars(_claimable(database_now(session), None, but)).first() is not None

    def beat(self, held: Mapping[int, int]) -> None:
        """Write a heartbeat for parts: id -> fence. Parts that were lost are skipped."""
        with self._database.write(Role.OWNER) as session:
            now = database_now(session)
            for part, fence in held.items():
                mine = (col(JobPart.id) == part, col(JobPart.fence) == fence)
                session.execute(update(JobPart).where(*mine).values(heartbeat_at=now))

    def heartbeats(self) -> dict[int, datetime]:
        """Return the latest heartbeat of each held part, by the database's clock."""
        self._database.actor.require(Role.OWNER)
        held = select(JobPart.id, JobPart.heartbeat_at).where(col(JobPart.heartbeat_at).is_not(None))  # type: ignore[call-overload]
        with self._database.read() as session:
            return dict(session.execute(held).tuples().all())

    def give_up(self, part_id: int, heartbeat: datetime) -> bool:
        """Release a part whose worker is gone. Returns False, and changes nothing, if there is a newer heartbeat
        than this one. A part that crashed several workers is split into single files, to find the bad one."""
        with self._database.write(Role.OWNER) as session:
            part = session.get(JobPart, part_id)
            if part is None or part.heartbeat_at != heartbeat:
                return False
            put_back(session, part, failed=True)
            if part.attempts >= ATTEMPTS - 2 and len(part.paths) > 1:
                first, *others = part.paths
                job, tried, later = part.job_id, part.attempts, part.not_before
                session.add_all(
                    JobPart(job_id=job, paths=[path], attempts=tried, not_before=later) for path in others
                )
                part.paths = [first]
            _end_if_cancelled(session.get_one(Job, part.job_id), session)
            return True

    def release(self, held: Mapping[int, int], *, failed: bool = False) -> None:
        """Release parts, id -> fence, when their worker stops. failed: it could not do them, but another might."""
        with self._database.write(Role.OWNER) as session:
            for part_id, fence in held.items():
                part = session.get(JobPart, part_id)
                if part is not None and part.fence == fence:
                    put_back(session, part, failed=failed)
                    _end_if_cancelled(session.get_one(Job, part.job_id), session)


def _claimable(now: datetime, job_id: int | None, but: Collection[int]) -> Any:
    wanted = (
        select(JobPart)
        .join(Job, col(Job.id) == col(JobPart.job_id))
        .where(
            col(JobPart.heartbeat_at).is_(None),
            waiting(JobPart, now),
            col(Job.state) == JobState.RUNNING.value,
            col(Job.is_paused).is_(False),
            col(Job.cancel_requested).is_(False),
        )
        .order_by(col(JobPart.job_id), col(JobPart.id))
        .limit(1)
    )
    if job_id is not None:
        wanted = wanted.where(col(JobPart.job_id) == job_id)
    return wanted.where(col(JobPart.job_id).not_in(but)) if but else wanted


def _end_if_cancelled(job: Job, session: Session) -> None:
    if job.cancel_requested:
        drop_parts(session, job, held=False)
        settle(session, job)
