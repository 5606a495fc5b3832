"""The tables of background work: jobs, the parts of shared jobs, and workers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, Boolean, Column, DateTime, ForeignKey, Integer, false
from sqlmodel import Field, SQLModel

from faceid_core.values import LOCAL_OWNER, JobState, utc_now


class Job(SQLModel, table=True):
    """A background job. heartbeat_at tells a running job from one whose worker died.

    is_split: its work is in parts shared between workers; no worker holds the job itself. fence: how often it was
    handed out, see lease. attempts: how often its worker died. not_before: time of the next attempt.
    """

    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(max_length=32)
    actor: str = Field(
        default=LOCAL_OWNER.name, max_length=100, sa_column_kwargs={"server_default": LOCAL_OWNER.name}
    )
    params: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    state: str = Field(default=JobState.QUEUED.value, index=True, max_length=16)
    done: int = 0
    total: int = 0
    message: str = ""
    error: str | None = None
    details: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    result: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    cancel_requested: bool = False
    created_at: datetime = Field(default_factory=utc_now, sa_type=DateTime)
    started_at: datetime | None = Field(default=None, sa_type=DateTime)
    finished_at: datetime | None = Field(default=None, sa_type=DateTime)
    heartbeat_at: datetime | None = Field(default=None, sa_type=DateTime)
    is_split: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    is_paused: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    worker: str = Field(default="", max_length=200, sa_column_kwargs={"server_default": ""})
    fence: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    not_before: datetime | None = Field(default=None, sa_type=DateTime)


class JobPart(SQLModel, table=True):
    """Files of an import that a worker claims together. The row is deleted when all have an outcome.

    paths: files without an outcome. report: the outcome of the others. heartbeat_at: None while no worker holds it.
    attempts: how often its worker died since one of its files was last stored.
    """

    __table_args__: ClassVar[Any] = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    job_id: int = Field(
        sa_column=Column(Integer, ForeignKey("job.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    paths: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    report: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    worker: str = Field(default="", max_length=200)
    fence: int = 0
    attempts: int = 0
    not_before: datetime | None = Field(default=None, sa_type=DateTime)
    heartbeat_at: datetime | None = Field(default=None, sa_type=DateTime)


class JobWorker(SQLModel, table=True):
    """A worker process. doing: the kind of its current job, or "". photos: stored since it started; rate: photos
    per second in the current job. asked: to check what it can reach; findings: the results, see
    steps.check_cluster."""

    __table_args__: ClassVar[Any] = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=200)
    host: str = Field(max_length=200)
    pid: int
    version: str = Field(max_length=32)
    started_at: datetime = Field(sa_type=DateTime)
    seen_at: datetime = Field(sa_type=DateTime)
    doing: str = Field(default="", max_length=32)
    since: datetime | None = Field(default=None, sa_type=DateTime)
    photos: int = 0
    rate: float = 0.0
    asked: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))
    findings: list[dict[str, Any]] | None = Field(
        default=None, sa_column=Column(JSON(none_as_null=True), nullable=True)
    )
