"""The queue of jobs and the list of recognisers."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import update

from faceid_core.errors import LeaseLost, NoModel, NotFound
from faceid_core.library import ATTEMPTS, JobView, Lease, Library
from faceid_core.library.store.job_tables import Job, JobPart
from faceid_core.values import PROGRAM, JobState
from tests.library.conftest import new_photo


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


def lose_worker(library: Library, job: int) -> JobView:
    assert library.jobs.interrupt(job, library.jobs.heartbeats()[job])
    return library.jobs.get(job)


def try_now(library: Library) -> None:
    """The waiting time of jobs and parts that failed is over."""
    with library._database.write() as session:
        for table in (Job, JobPart):
            session.execute(update(table).values(not_before=None))


def test_an_interrupted_job_says_what_to_do(library: Library) -> None:
    job = library.jobs.submit("train", {})
    library.jobs.claim()
    after = lose_worker(library, job.id)
    assert (after.state, (after.error or "").endswith("start it again.")) == (JobState.INTERRUPTED, True)
    assert library.jobs.heartbeats() == {}


def test_an_import_waits_for_another_worker_a_few_times(library: Library) -> None:
    job = library.jobs.submit("import", {})
    for _ in range(ATTEMPTS - 1):
        assert library.jobs.claim() is not None
        assert lose_worker(library, job.id).state == JobState.QUEUED
        assert library.jobs.claim() is None  # not at once: what ended its worker may pass
        try_now(library)
    library.jobs.claim()
    after = lose_worker(library, job.id)
    assert (after.state, (after.error or "").endswith("start it again to resume.")) == (JobState.INTERRUPTED, True)


def test_who_had_an_import_before_is_too_late(library: Library) -> None:
    library.jobs.submit("import", {})
    first = library.jobs.claim("first")
    assert first is not None
    lose_worker(library, first.id)
    try_now(library)
    second = library.jobs.claim("second")
    assert second is not None and second.fence > first.fence
    assert library.jobs.beat(first.id, 1, 2, "late", fence=first.fence) is True
    assert library.jobs.beat(second.id, 1, 2, "in time", fence=second.fence) is False
    library.jobs.finish(first.id, {"faces": 1}, fence=first.fence)
    library.jobs.fail(first.id, "Too late.", fence=first.fence)
    after = library.jobs.get(first.id)
    assert (after.state, after.worker, after.message) == (JobState.RUNNING, "second", "in time")


@pytest.mark.parametrize("kind", ["import", "train"])
def test_whatever_a_late_worker_writes_is_refused(library: Library, kind: str) -> None:
    """Not only outcomes: photos, groups, recognisers."""
    library.jobs.submit(kind, {})
    job = library.jobs.claim()
    assert job is not None
    mine = library.acting_as(library.actor, Lease(jobs={job.id: job.fence}))
    mine.photos.add_many([new_photo("/in-time.jpg")])
    lose_worker(library, job.id)
    for late in (
        lambda: mine.photos.add_many([new_photo("/late.jpg")]),
        lambda: mine.acting_as(PROGRAM).jobs.submit("map", {}),
        lambda: mine.models.add("e", ["Anna"], {}, 0.5, {}, "artifact"),
    ):
        with pytest.raises(LeaseLost):
            late()
    assert (library.counts().photos, library.counts().models, len(library.jobs.recent())) == (1, 0, 1)


def test_a_job_that_shows_life_is_not_interrupted(library: Library) -> None:
    job = library.jobs.submit("train", {})
    library.jobs.claim()
    before = library.jobs.heartbeats()[job.id]
    library.jobs.beat(job.id, 1, 2, "")
    assert not library.jobs.interrupt(job.id, before)
    library.jobs.finish(job.id, {})
    assert not library.jobs.interrupt(job.id, before)
    assert library.jobs.get(job.id).state == JobState.DONE


def test_a_worker_that_was_taken_for_dead_stops_and_writes_no_outcome(library: Library) -> None:
    job = library.jobs.submit("train", {})
    library.jobs.claim()
    library.jobs.interrupt(job.id, library.jobs.heartbeats()[job.id])
    assert library.jobs.beat(job.id, 1, 2, "half") is True
    library.jobs.finish(job.id, {"people": 3})
    library.jobs.fail(job.id, "Try again.")
    library.jobs.cancelled(job.id)
    after = library.jobs.get(job.id)
    assert (after.state, after.done, after.result) == (JobState.INTERRUPTED, 0, {})


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
