"""Workers and the app on one PostgreSQL: whoever is killed, and whatever restarts, each photo is there once."""

from __future__ import annotations

import os
import pwd
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from faceid_core.errors import FaceIdError
from faceid_core.importing.run import import_photos
from faceid_core.library import Library
from faceid_core.library.store import database
from faceid_core.settings import Settings
from faceid_core.values import JobState
from tests import postgres
from tests.cli.running import in_the_environment
from tests.executors.test_dask_cluster import free_port
from tests.steps.app_beside import app_of
from tests.steps.many_workers import Prepared, draw

PHOTOS = 400
WAITING_SECONDS = 150


class OwnServer:
    """A PostgreSQL that the test may restart."""

    def __init__(self, folder: Path) -> None:
        self.url = ""
        self._data = folder / "data"
        self._programs = folder / "programs" / "pgserver" / "pginstall" / "bin"
        if not self._programs.is_dir():
            self._programs = postgres._programs(folder)

    def restart(self) -> None:
        self._control("restart")

    def stop(self) -> None:
        self._control("stop")

    def _control(self, what: str) -> None:
        user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        command: list[str | Path] = [
            self._programs / "pg_ctl",
            what,
            "-D",
            self._data,
            "-m",
            "fast",
            "-w",
            "-l",
            "/dev/null",
        ]
        subprocess.run(
            command, check=True, cwd=self._data, user=user if os.getuid() == 0 else None,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip


@pytest.fixture
def own_server() -> Iterator[OwnServer]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="faceid-pg-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        try:
            with postgres._started(Path(folder)) as url:
                server = OwnServer(Path(folder))
                server.url = url.replace("postgresql:", "postgresql+psycopg:")
                yield server
                server.stop()
        except postgres.NoServer as reason:
            pytest.skip(f"no PostgreSQL: {reason}")


class Workers:
    """Three, of which one is killed now and then; another takes its place."""

    def __init__(self, library: Path, url: str) -> None:
        self._command = [sys.executable, "-m", "tests.steps.many_workers", str(library), "0.05"]
        self._environment = in_the_environment(FACEID_DATABASE_URL=url)
        self.processes = [self._start() for _ in range(3)]

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, env=self._environment, stderr=subprocess.DEVNULL)

    def kill(self, which: int) -> None:
        self.processes[which].kill()
        self.processes[which].wait()
        self.processes[which] = self._start()

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


def rows(library: Library) -> list[Any]:
    """Every photo with its faces and vectors, without the numbers that depend on the order."""
    wanted = text(
        "SELECT source.path, photo.sha256, photo.status, face.left, face.quality, embedding.vector FROM photo "
        "JOIN source ON source.photo_id = photo.id LEFT JOIN face ON face.photo_id = photo.id "
        "LEFT JOIN embedding ON embedding.face_id = face.id"
    )
    with library._database.read() as session:
        return sorted(map(repr, session.execute(wanted).tuples().all()))


def patiently(ask: Callable[[], Any]) -> Any:
    """As a page does: again, while the server restarts."""
    for _ in range(100):
        try:
            return ask()
        except FaceIdError:
            time.sleep(0.1)
    return ask()


@pytest.mark.slow
def test_killed_workers_and_a_restarted_server_lose_nothing_and_double_nothing(
    own_server: OwnServer, tmp_path: Path
) -> None:
    """Two imports at once, one of a folder within the other's, and an app that is asked all the time."""
    draw(tmp_path / "photos", PHOTOS)
    luck = random.Random(20261127)
    with Library.open(Settings(library=tmp_path / "shared", database_url=own_server.url)) as library:
        folders = (tmp_path / "photos", tmp_path / "photos" / "below")
        imports = [library.jobs.submit("import", {"paths": [str(folder)]}).id for folder in folders]
        workers, others = Workers(tmp_path / "shared", own_server.url), ExitStack()
        try:
            app = others.enter_context(app_of(tmp_path / "shared", free_port(), own_server.url))
            deadline, kills, restarted = time.monotonic() + WAITING_SECONDS, 0, False
            while patiently(library.jobs.active) and time.monotonic() < deadline:
                time.sleep(luck.uniform(0.3, 1.0))
                app.ask_counts()
                stored = patiently(library.counts).photos
                if kills < 4 and stored > (kills + 1) * PHOTOS // 6:
                    workers.kill(luck.randrange(3))
                    kills += 1
                if not restarted and stored > PHOTOS // 2:
                    own_server.stop()
                    assert app.ask_counts() == 503
                    own_server.restart()
                    restarted = True
            assert app.ask_counts() == 200
        finally:
            workers.close()
            others.close()
        done = [library.jobs.get(number) for number in imports]
        assert [job.state for job in done] == [JobState.DONE] * 2, done
        assert kills and restarted
        outcomes = [job.result["imported"] + job.result["unchanged"] + job.result["duplicates"] for job in done]
        assert outcomes == [job.result["photos"] for job in done] == [PHOTOS, (PHOTOS + 2) // 3]
        assert sum(job.result["imported"] for job in done) == library.counts().photos == PHOTOS
        assert library.problems() == []
        seen = [answer["photos"] for status, answer in app.answers if status == 200]
        assert seen == sorted(seen) and seen[-1] == PHOTOS
        assert not [answer for status, answer in app.answers if status != 200 and "/" in str(answer)]
        with Library.open(Settings(library=tmp_path / "alone", database_url=None)) as alone:
            import_photos(alone, [tmp_path / "photos"], executor=Prepared())
            assert rows(library) == rows(alone)


UPGRADE = """
import sys
from pathlib import Path
from faceid_core.library.store import database
from faceid_core.settings import Settings
database.upgrade(Settings(library=Path(sys.argv[1])))
"""


@pytest.mark.slow
def test_ten_that_start_at_once_upgrade_once(postgres_server: postgres.Server, tmp_path: Path) -> None:
    with postgres_server.fresh(tables=False) as url:
        command = [sys.executable, "-c", UPGRADE, str(tmp_path)]
        environment = in_the_environment(FACEID_DATABASE_URL=url)
        starting = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) for _ in range(10)]
        assert [(each.communicate()[1], each.returncode) for each in starting] == [(b"", 0)] * 10
        assert database.revision(Settings(library=tmp_path, database_url=url)) == database.HEAD
