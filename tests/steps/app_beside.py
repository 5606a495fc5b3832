"""The web app as on a machine of its own, for tests: it serves a library, and leaves its jobs to workers elsewhere.

python -m tests.steps.app_beside FOLDER PORT
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from faceid_core.settings import Settings
from tests.cli.running import in_the_environment

PATIENCE_SECONDS = 300.0


class App:
    """What it answers, and what it answered until now."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[tuple[int, Any]] = []

    def ask_counts(self) -> int:
        """Note the answer; gives its status."""
        answer = httpx.get(f"{self.url}/api/counts", timeout=PATIENCE_SECONDS)
        self.answers.append((answer.status_code, answer.json()))
        return answer.status_code


@contextmanager
def app_of(library: Path, port: int, url: str) -> Iterator[App]:
    """A process with the app over a library whose database is at `url`."""
    command = [sys.executable, "-m", "tests.steps.app_beside", str(library), str(port)]
    environment = in_the_environment(FACEID_DATABASE_URL=url)
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            app, deadline = App(f"http://127.0.0.1:{port}"), time.monotonic() + PATIENCE_SECONDS
            while not _is_there(app.url):
                assert process.poll() is None and time.monotonic() < deadline, "the app does not start"
                time.sleep(0.1)
            yield app
            assert process.poll() is None, "the app has ended"
        finally:
            process.kill()


def _is_there(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/health", timeout=PATIENCE_SECONDS).is_success
    except httpx.TransportError:
        return False


def main() -> None:
    import uvicorn

    from webapp.server import build_app

    settings = Settings(library=Path(sys.argv[1]), database_url=os.environ["FACEID_DATABASE_URL"])
    uvicorn.run(build_app(settings, worker=False), host="127.0.0.1", port=int(sys.argv[2]), log_level="critical")


if __name__ == "__main__":
    main()
