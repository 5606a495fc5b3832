"""An import in parts that several workers take: each photo once, whoever dies, and one report of all."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from faceid_core.errors import LeaseLost
from faceid_core.library import ATTEMPTS, Lease, Library, PartProgress, PartView
from faceid_core.values import JobState
from tests.library.conftest import new_photo
from tests.library.test_jobs import try_now

EMPTY = {"imported": 0, "faces": 0, "failures": []}


def shared_import(library: Library, *parts: list[str]) -> int:
    """An import of these parts. Gives its number."""
    library.jobs.submit("import", {"paths": ["/photos"]})
    job = library.jobs.claim("planner")
    assert job is not None
    library.job_parts.split(job.id, job.fence, parts, {**EMPTY, "photos": sum(map(len, parts))})
    return job.id


def store(library: Library, part: PartView, path: str, left: list[str]) -> None:
    """One photo of a part is searched, and `left` is what remains of it."""
    mine = library.acting_as(library.actor, Lease(parts={part.id: part.fence}))
    report: dict[str, Any] = {"imported": len(part.paths) - len(left), "faces": 1, "failures": []}
    progress = PartProgress(part.id, left, report, 1, path)
    mine.photos.add_many([new_photo(path)], progress=lambda _: [progress])


def take(library: Library, worker: str = "a") -> PartView:
    part = library.job_parts.claim(worker)
    assert part is not None
    return part


def lose(library: Library, part: PartView) -> None:
    assert library.job_parts.give_up(part.id, library.job_parts.heartbeats()[part.id])
    try_now(library)


def test_each_part_is_taken_once(library: Library) -> None:
    shared_import(library, *([str(number)] for number in range(20)))
    taken: list[int] = []

    def work() -> None:
        while (part := library.job_parts.claim()) is not None:
            taken.append(part.id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 20


def test_the_last_part_ends_the_import_and_queues_what_follows(library: Library) -> None:
    job = shared_import(library, ["/1", "/2"], ["/3"])
    first, second = take(library, "a"), take(library, "b")
    store(library, first, "/1", ["/2"])
    assert (library.jobs.get(job).done, library.jobs.get(job).total) == (1, 3)
    store(library, second, "/3", [])
    assert [each.kind for each in library.jobs.active()] == ["import"]
    store(library, first, "/2", [])
    after = library.jobs.get(job)
    assert (after.state, after.done, after.result["imported"], after.result["faces"]) == (JobState.DONE, 3, 3, 2)
    assert [(each.kind, each.actor) for each in library.jobs.active()] == [
        ("cluster", "program"),
        ("map", "program"),
    ]


def test_a_stale_worker_s_late_commit_is_refused(library: Library) -> None:
    job = shared_import(library, ["/1", "/2"])
    stale = take(library, "stale")
    lose(library, stale)
    with pytest.raises(LeaseLost):  # nobody has it yet, and yet it is too late
        store(library, stale, "/1", ["/2"])
    other = take(library, "other")
    with pytest.raises(LeaseLost):
        store(library, stale, "/1", ["/2"])
    assert library.counts().photos == 0
    for path, left in (("/1", ["/2"]), ("/2", [])):
        store(library, other, path, left)
    assert (library.counts().photos, library.jobs.get(job).result["imported"]) == (2, 2)


def test_another_worker_goes_on_behind_what_was_stored(library: Library) -> None:
    shared_import(library, ["/1", "/2"])
    dying = take(library)
    store(library, dying, "/1", ["/2"])
    lose(library, dying)
    other = take(library, "other")
    assert (other.paths, other.report["imported"]) == (["/2"], 1)


def test_a_part_that_shows_life_is_left_to_its_worker(library: Library) -> None:
    shared_import(library, ["/1"])
    part = take(library)
    before = library.job_parts.heartbeats()[part.id]
    library.job_parts.beat({part.id: part.fence})
    assert not library.job_parts.give_up(part.id, before)
    library.job_parts.beat({part.id: part.fence - 1})  # of a worker of before
    assert library.job_parts.claim() is None


def test_a_file_that_ends_every_worker_is_found_and_marked(library: Library) -> None:
    shared_import(library, ["/good", "/poison"])
    for _ in range(2 * ATTEMPTS):
        part = take(library)
        if part.is_poison:
            break
        if part.paths == ["/good"]:
            store(library, part, "/good", [])
        else:
            lose(library, part)
    assert part.paths == ["/poison"] and library.counts().photos == 1


def test_a_part_that_failed_waits_before_it_is_tried_again(library: Library) -> None:
    shared_import(library, ["/1"])
    part = take(library)
    library.job_parts.release({part.id: part.fence}, failed=True)
    assert library.job_parts.claim() is None
    try_now(library)
    again = take(library)
    assert again.attempts == 1
    library.job_parts.release({again.id: again.fence})  # as its worker ends
    assert take(library).attempts == 1


def test_a_paused_import_rests_until_it_is_resumed(library: Library) -> None:
    job = shared_import(library, ["/1"])
    library.jobs.pause(job)
    assert library.job_parts.claim() is None
    library.jobs.pause(job, False)
    assert take(library).job_id == job


def test_a_cancelled_import_ends_with_its_last_worker(library: Library) -> None:
    job = shared_import(library, ["/1", "/2"], ["/3"])
    part = take(library)
    library.jobs.cancel(job)
    assert library.job_parts.claim() is None
    assert library.jobs.get(job).state == JobState.RUNNING
    store(library, part, "/1", ["/2"])  # what was done is kept
    library.job_parts.release({part.id: part.fence})
    after = library.jobs.get(job)
    assert after.state == JobState.CANCELLED
    assert library.counts().photos == 1 and library.jobs.active() == []


def test_an_import_that_nobody_has_is_cancelled_at_once(library: Library) -> None:
    job = shared_import(library, ["/1"])
    library.jobs.cancel(job)
    assert library.jobs.get(job).state == JobState.CANCELLED


def test_a_failed_import_takes_its_parts_away(library: Library) -> None:
    job = shared_import(library, ["/1"], ["/2"])
    part = take(library)
    library.jobs.fail(job, "The weights are missing.")
    with pytest.raises(LeaseLost):
        store(library, part, "/1", [])
    assert library.job_parts.claim() is None and library.jobs.get(job).state == JobState.FAILED


def test_a_worker_that_was_too_late_can_t_share_an_import(library: Library) -> None:
    library.jobs.submit("import", {})
    job = library.jobs.claim()
    assert job is not None
    library.jobs.interrupt(job.id, library.jobs.heartbeats()[job.id])
    with pytest.raises(LeaseLost):
        library.job_parts.split(job.id, job.fence, [["/1"]], EMPTY)
    assert library.job_parts.claim() is None


def test_workers_are_listed_until_they_leave(library: Library) -> None:
    number, name = library.workers.register("nas", 1, "1.0")
    library.workers.report(number, "import", 30, 2.5)
    (worker,) = library.workers.all()
    assert (worker.host, worker.doing, worker.photos, worker.rate) == ("nas", "import", 30, 2.5)
    shared_import(library, ["/1"])
    part = take(library, name)
    library.workers.leave(number, name)
    assert library.workers.all() == [] and take(library).id == part.id
