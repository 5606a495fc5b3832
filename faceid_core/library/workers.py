"""The worker processes on this and other machines, as shown on a page."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlmodel import Session, col

from faceid_core.library.job_rows import put_back
from faceid_core.library.store.database import Database
from faceid_core.library.store.job_tables import Job, JobPart, JobWorker
from faceid_core.library.store.lease import database_now
from faceid_core.values import JobState, Role, utc_now

REPORT_SECONDS = 10.0
"""How often a worker reports to a database server."""

GONE_SECONDS = 4 * REPORT_SECONDS
"""A worker that has not reported for longer is shown as lost."""

FORGOTTEN_AFTER = timedelta(days=1)
"""How long lost workers are shown."""


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A worker. doing: the kind of job it has been working on since `since`, or "". photos: stored since it
    started; rate: photos per second. silent_s: seconds since its last report. findings: results of its latest
    check, None before it has answered. Times are by the database's clock, in naive UTC."""

    id: int
    name: str
    host: str
    pid: int
    version: str
    started_at: datetime
    seen_at: datetime
    doing: str
    since: datetime | None
    photos: int
    rate: float
    silent_s: float
    is_lost: bool
    findings: list[dict[str, Any]] | None


class Workers:
    """Receives the reports of workers and lists them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def report_seconds(self) -> float | None:
        """Return how often a worker reports when nothing changes; None for never: with a SQLite file, workers are
        on this machine, where the process itself can be checked."""
        return REPORT_SECONDS if self._database.engine.dialect.name == "postgresql" else None

    def register(self, host: str, pid: int, version: str) -> tuple[int, str]:
        """Register a worker that has started, and delete long-lost ones. Returns its id and name."""
        with self._database.write(Role.OWNER) as session:
            now = database_now(session)
            old = (
                each.id
                for each in self._shown(session, now)
                if each.is_lost and now - each.seen_at > FORGOTTEN_AFTER
            )
            session.execute(delete(JobWorker).where(col(JobWorker.id).in_(list(old))))
            row = JobWorker(name="", host=host, pid=pid, version=version, started_at=now, seen_at=now)
            session.add(row)
            session.flush()
            row.name = f"{host[:150]}-{row.id}"
            return int(row.id or 0), row.name

    def report(self, worker_id: int, doing: str, stored: int, rate: float) -> bool:
        """Record what a worker is doing. stored: photos since its start; rate: photos per second. Returns whether
        it is asked to check what it can reach."""
        with self._database.write(Role.OWNER) as session:
            row = session.get(JobWorker, worker_id)
            if row is None:
                return False
            row.seen_at = database_now(session)
            if row.doing != doing:
                row.doing, row.since = doing, row.seen_at if doing else None
            row.photos, row.rate = stored, rate
            return row.asked

    def ask(self) -> None:
        """Ask every worker to check what it can reach. Workers answer with or after their next report."""
        with self._database.write(Role.OWNER) as session:
            session.execute(update(JobWorker).values(asked=True, findings=None))

    def answer(self, worker_id: int, findings: Sequence[Mapping[str, Any]]) -> None:
        """Store the results of a worker's check."""
        with self._database.write(Role.OWNER) as session:
            row = session.get(JobWorker, worker_id)
            if row is not None:
                row.asked, row.findings = False, [dict(each) for each in findings]

    def clock_difference(self) -> float:
        """Return by how many seconds this machine's clock is ahead of the database's."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            return (utc_now() - database_now(session)).total_seconds()

    def leave(self, worker_id: int, name: str) -> None:
        """Unregister a worker that is stopping, and release its work."""
        self.put_down(name)
        with self._database.write(Role.OWNER) as session:
            session.execute(delete(JobWorker).where(col(JobWorker.id) == worker_id))

    def put_down(self, name: str) -> None:
        """Release all parts and imports of an idle worker: it has recovered from an error, or is stopping."""
        with self._database.write(Role.OWNER) as session:
            for part in session.scalars(select(JobPart).where(col(JobPart.worker) == name)):
                put_back(session, part, failed=False)
            running = (col(Job.worker) == name, col(Job.state) == JobState.RUNNING.value, col(Job.kind) == "import")
            for job in session.scalars(select(Job).where(*running)):
                put_back(session, job, failed=False)
                job.state = JobState.QUEUED.value

    def all(self) -> list[WorkerView]:
        """Return all workers, oldest first."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            return self._shown(session, database_now(session))

    def _shown(self, session: Session, now: datetime) -> list[WorkerView]:
        rows = session.scalars(select(JobWorker).order_by(col(JobWorker.id)))
        return [self._view(row, (now - row.seen_at).total_seconds()) for row in rows]

    def _view(self, row: JobWorker, silent_s: float) -> WorkerView:
        lost = silent_s > GONE_SECONDS if self.report_seconds else not _lives(row.pid)
        return WorkerView(
            int(row.id or 0), row.name, row.host, row.pid, row.version, row.started_at, row.seen_at, row.doing,
            row.since, row.photos, row.rate, silent_s, lost, row.findings,
        )  # fmt: skip


def _lives(pid: int) -> bool:
    """Whether this process exists on this machine. Not checked on Windows, where the check would kill it."""
    if os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
