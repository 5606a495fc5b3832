"""Killed at random moments, the library opens, is sound, has all it acknowledged. Many writers lose nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faceid_core.library import Library
from faceid_core.settings import Settings
from tests.library.conftest import EMBEDDER, new_photo

CHECKOUT = Path(__file__).parents[2]
KINDS = pytest.mark.parametrize("kind", ["import", "acts", "migration"])


@pytest.fixture(autouse=True)
def only_sqlite_is_killed(request: pytest.FixtureRequest) -> None:
    """PostgreSQL's server outlives its clients; that it keeps what it committed is its own promise."""
    if "killed" in request.node.name and request.getfixturevalue("database_url"):
        pytest.skip("a killed client of PostgreSQL leaves the server's files alone")


def kill(kind: str, trials: int, seed: int, folder: Path) -> list[int]:
    command = [sys.executable, "-m", "tests.library.killing", kind, str(trials), str(seed), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    outcome = json.loads(done.stdout)
    assert outcome["failures"] == []
    told: list[int] = outcome["told"]
    return told


@pytest.mark.slow
def test_acts_killed_at_five_moments(tmp_path: Path) -> None:
    """The other kinds take longer; they are among the slow tests."""
    assert any(kill("acts", 5, 1, tmp_path)), "nothing was done before the kill: the trials prove nothing"


@pytest.mark.slow
@KINDS
def test_killed_at_two_hundred_moments(kind: str, tmp_path: Path) -> None:
    told = kill(kind, 200, 20261123, tmp_path)
    assert len(set(told)) > 1


@pytest.mark.slow
def test_two_browsers_and_a_job_write_at_once_and_lose_nothing(tmp_path: Path) -> None:
    """Each browser adds faces to the same people, moves them and takes back; a job imports and groups meanwhile."""
    settings = Settings(library=tmp_path / "library")
    libraries = [Library.open(settings) for _ in range(3)]
    libraries[0].photos.add_many([new_photo(f"/{n}.jpg", faces=4) for n in range(20)])
    errors: list[BaseException] = []

    def browser(library: Library, faces: list[int]) -> None:
        for face in faces:
            library.people.name_faces([face], "Anna")
            library.people.reject([face], library.people.name_faces([face], "Bob").person_id)
            library.people.name_faces([face], f"Person {face % 3}")

    def job(library: Library) -> None:
        work = library.jobs.submit("import", {})
        for number in range(20):
            library.photos.add_many([new_photo(f"/new/{number}.jpg", faces=2)])
            library.jobs.beat(work.id, number, 20, "Importing")
            ids = library.faces.vectors(EMBEDDER).ids
            library.clusters.save_run("any", {}, EMBEDDER, ids, np.asarray(ids) % 5)
        library.jobs.finish(work.id, {})

    def guarded(work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    threads = [
        guarded(lambda: browser(libraries[0], list(range(1, 41)))),
        guarded(lambda: browser(libraries[1], list(range(41, 81)))),
        guarded(lambda: job(libraries[2])),
    ]
    for thread in threads:
        thread.join()
    assert errors == []
    library = libraries[0]
    named = {face.id: face.person for face in library.faces.get_many(range(1, 81))}
    assert named == {face: f"Person {face % 3}" for face in range(1, 81)}
    assert (library.counts().photos, library.counts().faces, library.counts().named) == (40, 120, 80)
    acts = [e for e in library.journal.recent(1000, actor="owner") if e.kind in ("name", "reject")]
    assert len(acts) == 4 * 80
    assert library.problems() == []
    for opened in libraries:
        opened.close()
