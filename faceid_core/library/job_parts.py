"""An import that several workers share: its files in parts, each of which one worker has at a time."""

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
    """Files of an import. fence: tells its holder from one of before. attempts: workers that failed over it."""

    id: int
    job_id: int
    paths: list[str]
    report: dict[str, Any]
    fence: int
    attempts: int

    @property
    def is_poison(self) -> bool:
        """Whether its only file has ended so many workers that it isn't to be opened again."""
        return self.attempts >= ATTEMPTS and len(self.paths) == 1

    @property
    def is_last_attempt(self) -> bool:
        """Whether it is not to be left to others any more."""
        return self.attempts >= ATTEMPTS - 1


class JobParts:
    """The parts of jobs: planned by one worker, then taken by all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def split(self, job_id: int, fence: int, parts: Sequence[Sequence[str]], report: Mapping[str, Any]) -> None:
        """Share a job: from now on its parts are worked on, by whoever takes them. report: what is known of its
        other files. Parts and job change in one transaction. Raises LeaseLost."""
        with self._database.write(Role.OWNER) as session:
            job = session.get(Job, job_id)
            if job is None or job.fence != fence or job.state != JobState.RUNNING.value:
                raise LeaseLost("Another worker has taken this work over; nothing of it was stored twice.")
            session.add_all(JobPart(job_id=job_id, paths=list(paths)) for paths in parts)
            job.is_split, job.worker, job.result = True, "", dict(report)
            job.total = int(report.get("photos", 0))
            job.done = job.total - sum(len(paths) for paths in parts)
            job.message = "Finding faces"
            session.flush()
            settle(session, job)

    def claim(self, worker: str = "", *, job_id: int | None = None, but: Collection[int] = ()) -> PartView | None:
        """Take the oldest part that waits, for one worker only. job_id: of this job. but: not of these jobs."""
        self._database.actor.require(Role.OWNER)
        if job_id is None and not self._is_any(but):  # looking costs no lock; who is at a job finds more of it
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
        """A sign of life for parts: number -> fence. Those that were lost are left alone."""
        with self._database.write(Role.OWNER) as session:
            now = database_now(session)
            for part, fence in held.items():
                mine = (col(JobPart.id) == part, col(JobPart.fence) == fence)
                session.execute(update(JobPart).where(*mine).values(heartbeat_at=now))

    def heartbeats(self) -> dict[int, datetime]:
        """The latest sign of life of each part that somebody has, by the database's clock."""
        self._database.actor.require(Role.OWNER)
        held = select(JobPart.id, JobPart.heartbeat_at).where(col(JobPart.heartbeat_at).is_not(None))  # type: ignore[call-overload]
        with self._database.read() as session:
            return dict(session.execute(held).tuples().all())

    def give_up(self, part_id: int, heartbeat: datetime) -> bool:
        """Let another worker have a part whose worker is gone. Returns False, and leaves it, where there is a newer
        sign of life than this one. A part that ended several workers is taken apart, to find the file that does."""
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
        """Give back parts, number -> fence, as their worker stops. failed: it could not do them; another may."""
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
