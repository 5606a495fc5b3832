"""The right to do a piece of work, which ends when its holder falls silent and another takes the work over."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select, text
from sqlmodel import Session, col

from faceid_core.errors import LeaseLost
from faceid_core.library.store.job_tables import Job, JobPart
from faceid_core.values import JobState, utc_now


@dataclass
class Lease:
    """What a worker holds: number -> fence. A fence is a count of how often the work was handed out, so that who
    comes late, with the fence of before, is told from who has the work now. It changes while the work goes on."""

    jobs: dict[int, int] = field(default_factory=dict)
    parts: dict[int, int] = field(default_factory=dict)

    def check(self, session: Session) -> None:
        """In a transaction that writes, before anything is written. Raises LeaseLost."""
        jobs = select(Job.id, Job.fence).where(  # type: ignore[call-overload]
            col(Job.id).in_(self.jobs), col(Job.state) == JobState.RUNNING.value
        )
        parts = select(JobPart.id, JobPart.fence).where(col(JobPart.id).in_(self.parts))  # type: ignore[call-overload]
        for held, rows in ((self.jobs, jobs), (self.parts, parts)):
            if held and dict(session.execute(rows).tuples().all()) != held:
                raise LeaseLost("Another worker has taken this work over; nothing of it was stored twice.")


def database_now(session: Session) -> datetime:
    """The moment by the database's clock, in UTC without a zone: those of the workers' machines may differ. It goes
    on within a transaction, which may have waited for another one."""
    if session.get_bind().dialect.name != "postgresql":
        return utc_now()  # a file is on this machine
    now: datetime = session.execute(text("SELECT clock_timestamp() AT TIME ZONE 'UTC'")).scalar_one()
    return now
