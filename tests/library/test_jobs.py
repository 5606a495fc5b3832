"""The queue of jobs and the list of recognisers."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from faceid_core.errors import NoModel, NotFound
from faceid_core.library import Library
from faceid_core.library.store.tables import Job
from faceid_core.values import JobState, utc_now


def test_a_waiting_job_is_not_queued_twice(library: Library) -> None:
    first = library.jobs.submit("cluster", {})
    assert library.jobs.submit("cluster", {}).id == first.id
    assert library.jobs.submit("cluster", {"threshold": 0.4}).id != first.id
    assert library.jobs.submit("map", {}).id != first.id


def test_jobs_run_in_order_and_end(library: Library) -> None:
    for kind in ("import", "cluster", "map"):
        library.jobs.submit(kind, {})
    jobs = [library.jobs.claim() for _ in range(3)]
    assert [job.kind for job in jobs if job] == ["import", "cluster", "map"]
    assert library.jobs.claim() is None
    ids = [job.id for job in jobs if job]
    assert library.jobs.beat(ids[0], 3, 9, "half", {"rate": 2.0}) is False
    running = library.jobs.get(ids[0])
    assert (running.state, running.done, running.total, running.details) == ("running", 3, 9, {"rate": 2.0})
    library.jobs.finish(ids[0], {"faces": 4})
    library.jobs.fail(ids[1], "It did not work; try again.")
    library.jobs.cancelled(ids[2])
    assert [job.state for job in library.jobs.recent()] == ["cancelled", "failed", "done"]
    assert (library.jobs.get(ids[0]).result, library.jobs.get(ids[1]).error) == (
        {"faces": 4}, "It did not work; try again.",
    )  # fmt: skip
    assert library.jobs.active() == []


def test_cancel_ends_a_waiting_job_and_asks_a_running_one(library: Library) -> None:
    running = library.jobs.submit("import", {})
    library.jobs.claim()
    waiting = library.jobs.submit("cluster", {})
    for job in (running, waiting):
        library.jobs.cancel(job.id)
    assert library.jobs.get(waiting.id).state == "cancelled"
    assert library.jobs.get(running.id).state == "running"
    assert library.jobs.beat(running.id, 1, 2, "") is True
    assert library.jobs.claim() is None


@pytest.mark.parametrize(
    ("kind", "advice"), [("import", "start it again to resume."), ("train", "start it again.")]
)
def test_jobs_without_a_sign_of_life_are_marked(library: Library, kind: str, advice: str) -> None:
    job = library.jobs.submit(kind, {})
    library.jobs.claim()
    assert library.jobs.reap(30) == 0
    with library._database.write() as session:
        row = session.get(Job, job.id)
        assert row is not None
        row.heartbeat_at = utc_now() - timedelta(seconds=31)
    assert library.jobs.reap(30) == 1
    assert library.jobs.get(job.id).state == JobState.FAILED.value
    assert (library.jobs.get(job.id).error or "").endswith(advice)


def test_each_job_is_claimed_once(library: Library) -> None:
    for number in range(20):
        library.jobs.submit("import", {"paths": [str(number)]})
    claimed: list[int] = []

    def work() -> None:
        while (job := library.jobs.claim()) is not None:
            claimed.append(job.id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed)) == 20


def test_unknown_job(library: Library) -> None:
    with pytest.raises(NotFound):
        library.jobs.get(7)
    with pytest.raises(NotFound):
        library.jobs.cancel(7)


def test_the_newest_recogniser_serves(library: Library) -> None:
    with pytest.raises(NoModel, match="train"):
        library.models.latest()
    with pytest.raises(NotFound):
        library.models.get(1)
    for artifact in ("one", "two"):
        library.models.add("e", ["Anna", "Bob"], {"accuracy": 0.9}, 0.5, {"Anna": 3, "Bob": 4}, artifact)
    assert library.models.latest().artifact == "two"
    assert [model.artifact for model in library.models.all()] == ["two", "one"]
    assert library.models.get(1).classes == ["Anna", "Bob"]
