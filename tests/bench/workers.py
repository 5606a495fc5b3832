"""What sharing an import costs: milliseconds per photo beside an import in one process, and how busy workers are.

python -m tests.bench.workers [PHOTOS]

The face search is left out, or takes a fixed time (last line), so that the rest is what is measured.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from faceid_core.importing.run import import_photos
from faceid_core.importing.shared import AtWork, share
from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.values import JobState
from tests import postgres
from tests.cli.running import in_the_environment
from tests.steps.many_workers import Prepared, draw

SEARCH_SECONDS = 0.1
"""About as long as a photo takes on one core."""

TURNS = 3
"""The fastest of so many counts, as other programs on the machine only ever make it slower."""


def alone(settings: Settings, photos: Path) -> float:
    with Library.open(settings) as library:
        started = time.perf_counter()
        import_photos(library, [photos], executor=Prepared())
        return time.perf_counter() - started


def shared(settings: Settings, photos: Path) -> float:
    with Library.open(settings) as library:
        library.jobs.submit("import", {"paths": [str(photos)]})
        started = time.perf_counter()
        job = library.jobs.claim()
        assert job is not None and share(library, job) is None
        AtWork(library, library.jobs.get(job.id), executor=Prepared()).run()
        assert library.jobs.get(job.id).state == JobState.DONE
        return time.perf_counter() - started


def busy(settings: Settings, photos: Path, number: int, workers: int) -> tuple[float, float]:
    """The share of the time in which workers search photos: of the whole import, and of the time between a worker's
    first photo and its last, which is what remains of a large import."""
    spans = settings.library.with_name("spans")
    spans.mkdir()
    command = [
        sys.executable,
        "-m",
        "tests.steps.many_workers",
        str(settings.library),
        str(SEARCH_SECONDS),
        "pool",
        str(spans),
    ]
    environment = in_the_environment(FACEID_DATABASE_URL=settings.database_url or "")
    with Library.open(settings) as library:
        started = [subprocess.Popen(command, env=environment) for _ in range(workers)]
        try:
            while len(library.workers.all()) < workers:
                time.sleep(0.1)
            job = library.jobs.submit("import", {"paths": [str(photos)]})
            while (done := library.jobs.get(job.id)).state != JobState.DONE:
                time.sleep(0.2)
        finally:
            for process in started:
                process.kill()
                process.wait()
        whole = number * SEARCH_SECONDS / (workers * float(done.result["seconds"]))
        each = [np.loadtxt(file, ndmin=2) for file in spans.iterdir()]
        at_work = sum(float((span[:, 1] - span[:, 0]).sum()) for span in each)
        return whole, at_work / sum(float(span[-1, 1] - span[0, 0]) for span in each)


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as scratch, postgres.running() as server:
        folder = Path(scratch)
        draw(folder / "photos", number)
        for name, fresh in (("SQLite", False), ("PostgreSQL", True)):
            seconds: dict[str, list[float]] = {"alone": [], "shared": []}
            for turn in range(TURNS):
                for measure in (alone, shared):
                    with server.fresh() as url:
                        place = folder / f"{name}-{measure.__name__}-{turn}"
                        settings = Settings(library=place, database_url=url if fresh else None)
                        seconds[measure.__name__].append(measure(settings, folder / "photos") / number * 1000)
            fastest = {place: min(each) for place, each in seconds.items()}
            more = fastest["shared"] - fastest["alone"]
            print(
                f"{name}: {fastest['alone']:.2f} ms a photo alone, {fastest['shared']:.2f} ms shared ({more:+.2f})",
                flush=True,
            )
        with server.fresh() as url:
            settings = Settings(library=folder / "busy", database_url=url)
            whole, between = busy(settings, folder / "photos", number, 2)
            print(f"two workers search {whole:.1%} of the time, {between:.1%} between their first and last photos")


if __name__ == "__main__":
    main()
