"""Jobs whose worker died, on any machine, end within a minute; no job runs twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faceid_core.errors import JobCancelled
from faceid_core.library import JobView, Library
from faceid_core.settings import Settings
from faceid_core.steps import jobs, work
from faceid_core.values import JobState
from tests import sharing
from tests.cli.running import in_the_environment

WAITING_SECONDS = 30


class Clock:
    """Seconds that pass when the test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def library(database_url: str | None, tmp_path: Path) -> Iterator[Library]:
    settings = sharing.new_library(tmp_path / "library")
    with Library.open(settings.model_copy(update={"database_url": database_url})) as opened:
        yield opened


def claimed(library: Library, kind: str = "train") -> JobView:
    library.jobs.submit(kind, {"paths": []})
    job = library.jobs.claim()
    assert job is not None
    return job


def test_silence_is_measured_by_ones_own_clock(library: Library) -> None:
    job, clock = claimed(library), Clock()
    watch = work.Watch(library, clock)
    assert watch.look() == []  # whatever the other machine's clock said when it wrote
    clock.now = work.DEAD_SECONDS - 1
    assert watch.look() == []
    library.jobs.beat(job.id, 1, 2, "")
    clock.now += 2
    assert watch.look() == []
    clock.now += work.DEAD_SECONDS
    assert watch.look() == [job.id]
    assert library.jobs.get(job.id).state == JobState.INTERRUPTED
    assert watch.look() == []


def test_two_watches_end_a_job_once(library: Library) -> None:
    job, clock = claimed(library), Clock()
    watches = [work.Watch(library, clock) for _ in range(2)]
    assert [watch.look() for watch in watches] == [[], []]
    clock.now = work.DEAD_SECONDS
    assert [watch.look() for watch in watches] == [[job.id], []]


def test_a_dead_worker_is_noticed_within_a_minute() -> None:
    assert work.DEAD_SECONDS + 2 * work.WATCH_SECONDS <= 60


def test_work_stops_when_its_job_was_given_up(library: Library) -> None:
    job = claimed(library)
    with jobs.Reporter(library, job) as reporter:
        wait_for(lambda: library.jobs.interrupt(job.id, library.jobs.heartbeats()[job.id]))  # between two beats
        with pytest.raises(JobCancelled):
            wait_for(lambda: reporter(1, 2))
    assert library.jobs.get(job.id).state == JobState.INTERRUPTED


def wait_for(found: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAITING_SECONDS
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.05)


SLOW_JOB = """
import sys, time
from pathlib import Path
from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.steps import jobs, work

def slowly(library, params, reporter):
    with Path(sys.argv[2]).open("a") as runs:
        runs.write(f"{params['paths']}\\n")
    for step in range(params["steps"]):
        reporter(step, params["steps"], "working")
        time.sleep(0.05)
    return {}

jobs.KINDS["train"] = slowly
with Library.open(Settings(library=Path(sys.argv[1]))) as library:
    work.Worker(library).run()
"""


@pytest.fixture
def start_worker(library: Library, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """A worker process, as another server on the same library has one, with a slow kind of import."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", SLOW_JOB, str(library.settings.library), str(tmp_path / "runs")]
        started.append(subprocess.Popen(command, env=in_the_environment(**database_of(library.settings))))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def database_of(settings: Settings) -> dict[str, str]:
    return {"FACEID_DATABASE_URL": settings.database_url} if settings.database_url else {}


@pytest.mark.slow
def test_a_job_of_a_killed_worker_is_ended_by_another_that_is_busy(
    library: Library, start_worker: Callable[[], subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "DEAD_SECONDS", 2.0)
    monkeypatch.setattr(work, "WATCH_SECONDS", 0.2)
    dying = library.jobs.submit("train", {"paths": ["1"], "steps": 10_000})
    process = start_worker()
    wait_for(lambda: library.jobs.get(dying.id).done > 0)
    released = threading.Event()
    monkeypatch.setitem(jobs.KINDS, "map", lambda *_: {"waited": released.wait(WAITING_SECONDS)})
    busy = library.jobs.submit("map", {})
    worker = work.Worker(library, parent=os.getppid())
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        wait_for(lambda: library.jobs.get(busy.id).state == JobState.RUNNING)
        time.sleep(3)
        assert library.jobs.get(dying.id).state == JobState.RUNNING  # it lives, and is left alone
        process.send_signal(signal.SIGKILL)
        wait_for(lambda: library.jobs.get(dying.id).state == JobState.INTERRUPTED)
        assert library.jobs.get(busy.id).state == JobState.RUNNING
    finally:
        worker.stop.set()
        released.set()
        thread.join()
    assert "start it again" in (library.jobs.get(dying.id).error or "")


@pytest.mark.slow
def test_two_servers_share_the_jobs_and_run_none_twice(
    library: Library, start_worker: Callable[[], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    submitted = [library.jobs.submit("train", {"paths": [str(number)], "steps": 3}) for number in range(12)]
    for _ in range(2):
        start_worker()
    wait_for(lambda: all(library.jobs.get(job.id).state == JobState.DONE for job in submitted))
    runs = (tmp_path / "runs").read_text().splitlines()
    assert len(runs) == len(set(runs)) == 12
