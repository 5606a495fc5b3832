"""Leases on work, which end when the holder stops sending heartbeats and another worker takes over."""

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
    """The work that a worker holds: id -> fence. A fence counts how often the work was handed out, so a late worker
    with an old fence is told apart from the current holder. It may change while the work is in progress."""

    jobs: dict[int, int] = field(default_factory=dict)
    parts: dict[int, int] = field(default_factory=dict)

    def check(self, session: Session) -> None:
        """Check the lease at the start of a write transaction. Raises LeaseLost."""
        jobs = select(Job.id, Job.fence).where(  # type: ignore[call-overload]
            col(Job.id).in_(self.jobs), col(Job.state) == JobState.RUNNING.value
        )
        parts = select(JobPart.id, JobPart.fence).where(col(JobPart.id).in_(self.parts))  # type: ignore[call-overload]
        for held, rows in ((self.jobs, jobs), (self.parts, parts)):
            if held and dict(session.execute(rows).tuples().all()) != held:
                raise LeaseLost("Another worker has taken over this work; nothing was stored twice.")


def database_now(session: Session) -> datetime:
    """Return the time by the database's clock, in naive UTC: the clocks of the workers may differ. It advances
    within a transaction, which may have waited for another one."""
    if session.get_bind().dialect.name != "postgresql":
        return utc_now()  # a file is on this machine
    now: datetime = session.execute(text("SELECT clock_timestamp() AT TIME ZONE 'UTC'")).scalar_one()
    return now
