"""All of it from nothing on one machine: a database, ten that make its tables at once, a bucket, an app, and two
workers that each search photos on a Dask cluster."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from faceid_core.library import JobView, Library
from faceid_core.library.store import database
from faceid_core.sample import Album
from faceid_core.settings import Settings
from faceid_core.values import OPEN_JOBS, JobState
from tests import postgres
from tests.cli.running import in_the_environment
from tests.executors.test_dask_cluster import free_port
from tests.s3 import Bucket
from tests.steps.app_beside import app_of
from tests.steps.test_many_workers import UPGRADE

WAITING_SECONDS = 300


@contextmanager
def working(folder: Path, url: str) -> Iterator[None]:
    """Two `faceid work`, each with a folder of its own, as on two machines."""
    environment = in_the_environment(FACEID_DATABASE_URL=url, FACEID_EXECUTOR="dask", FACEID_WORKERS=1)
    command = [sys.executable, "-m", "faceid_core.cli", "--library"]
    wanted = ["work", "--only", "import", "--only", "cluster"]
    started = [
        subprocess.Popen(
            [*command, folder / f"machine-{number}", *wanted], env=environment, stderr=subprocess.DEVNULL
        )
        for number in range(2)
    ]
    try:
        yield
        assert [each.poll() for each in started] == [None, None]
    finally:
        for each in started:
            each.terminate()
        for each in started:
            each.wait(60)


@pytest.mark.slow
def test_everything_starts_from_nothing_and_finds_all_faces(
    postgres_server: postgres.Server, s3: str, monkeypatch: pytest.MonkeyPatch, album: Album, filled: Library,
    tmp_path: Path,
) -> None:  # fmt: skip
    names = sorted(album.photos)
    with postgres_server.fresh(tables=False) as url, Bucket.on(s3, monkeypatch) as bucket:
        upgrades = [
            subprocess.Popen(
                [sys.executable, "-c", UPGRADE, str(tmp_path)], env=in_the_environment(FACEID_DATABASE_URL=url)
            )
            for _ in range(10)
        ]
        for name in names:
            bucket.put(f"photos/{name}", (album.folder / name).read_bytes())
        assert [each.wait(WAITING_SECONDS) for each in upgrades] == [0] * 10
        settings = Settings(library=tmp_path / "app", database_url=url)
        assert database.revision(settings) == database.HEAD
        with (
            Library.open(settings) as library,
            working(tmp_path, url),
            app_of(settings.library, free_port(), url) as app,
        ):
            done = wait_for(library, library.jobs.submit("import", {"paths": [f"{bucket.url}/photos"]}).id)
            assert (done.result["imported"], done.result["failures"]) == (len(names), [])
            grouping = next(job for job in library.jobs.recent() if job.kind == "cluster")
            wait_for(library, grouping.id)
            assert app.ask_counts() == 200
            alone = filled.counts()
            found = app.answers[-1][1]
            assert [found[what] for what in ("photos", "faces", "clusters")] == [
                alone.photos,
                alone.faces,
                alone.clusters,
            ]
            shown = httpx.get(f"{app.url}/api/photos/{library.photos.page()[0].id}.jpg", timeout=60)
            assert shown.status_code == 200 and shown.content.startswith(b"\xff\xd8")


def wait_for(library: Library, job: int) -> JobView:
    deadline = time.monotonic() + WAITING_SECONDS
    while (now := library.jobs.get(job)).state in OPEN_JOBS:
        assert time.monotonic() < deadline, now
        time.sleep(0.3)
    assert now.state == JobState.DONE, now
    return now
