"""How the pages' times grow with the library: milliseconds of the first page of every view, at several sizes.

    PYTHONPATH=. python -m tests.bench.growth --faces 100000 1000000 [--postgres] [--folder DIR]

--postgres copies the SQLite library into a server and measures there. With --folder the SQLite libraries are kept,
and a stopped run goes on behind the last one that is complete; --make only makes them.

Drawn rows without crops and vectors, which no view reads; a person per 500 faces. Prints a line per view with the
exponent of its growth between the smallest and the largest size (1: it reads everything, 0: it doesn't grow).
"""

from __future__ import annotations

import argparse
import math
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import date
from pathlib import Path

import numpy as np
from sqlalchemy import text

from faceid_core.errors import FaceIdError
from faceid_core.library import Library
from faceid_core.library.filters import PhotoQuery
from faceid_core.library.store import database, transfer
from faceid_core.settings import Settings
from tests import postgres
from tests.bench.bench_library import EMBEDDER, NAMED, fill, milliseconds

ROUNDS = 3
PER_PERSON = 500
PATIENCE_S = 20.0
"""A view that takes longer is measured once."""


def views(library: Library, faces: int) -> dict[str, Callable[[], object]]:
    """What each page asks for when it is opened."""
    middle = faces // 2 // 4
    return {
        "Home: counts": library.counts,
        "Photos": library.photos.page,
        "Photos: a person": lambda: library.photos.page(query=PhotoQuery(people=(1,))),
        "Photos: number of a person's": lambda: library.photos.number(PhotoQuery(people=(1,))),
        "Photos: a year": lambda: library.photos.page(
            query=PhotoQuery(taken_from=date(2010, 1, 1), taken_to=date(2010, 12, 31))
        ),
        "Photos: number": lambda: library.photos.number(PhotoQuery()),
        "Photos: text": lambda: library.photos.page(query=PhotoQuery(text="/77777")),
        "a photo": lambda: (library.photos.get(middle), library.faces.of_photo(middle)),
        "People": library.people.all,
        "a person": lambda: (library.people.get(1), library.faces.of_person(1)),
        "Groups": library.clusters.page,
        "a group": lambda: library.faces.of_cluster(1),
        "Groups: single faces": library.faces.singles,
        "History": library.journal.recent,
        "Statistics: years": library.statistics.by_year,
        "Statistics: together": library.statistics.together,
        "Map: points": lambda: library.maps.points("pca"),
    }


def acts(library: Library, faces: int) -> dict[str, Callable[[], object]]:
    """Naming, and back."""
    fresh = list(range(faces // 2 + 1, faces // 2 + 1 + NAMED))
    return {
        "name 1,000 faces": lambda: library.people.name_faces(fresh, "New"),
        "undo": library.journal.undo,
    }


def measure(library: Library, faces: int) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for what, act in (views(library, faces) | acts(library, faces)).items():
            if found.get(what, [0.0])[0] > PATIENCE_S * 1000:
                continue
            try:
                found.setdefault(what, []).append(milliseconds(act))
            except FaceIdError as error:
                print(f"{what}: {error}", flush=True)
                found.setdefault(what, []).append(math.nan)
    return {what: statistics.median(times) for what, times in found.items()}


def make(folder: Path, faces: int) -> Path:
    """The folder of a library of so many faces with names, groups and a map, on SQLite."""
    place = folder / str(faces)
    if place.exists():
        return place
    started = time.perf_counter()
    begun = folder / f"{faces}.part"
    shutil.rmtree(begun, ignore_errors=True)
    with Library.open(Settings(library=begun)) as library:
        fill(library, faces, max(faces // PER_PERSON, 1), crops_and_vectors=False)
        plane = np.random.default_rng(0).normal(size=(faces, 2)).astype(np.float32)
        library.maps.save("pca", EMBEDDER, np.arange(1, faces + 1), plane)
        library._database.optimise()
    begun.rename(place)
    print(f"{faces:,} faces, made in {time.perf_counter() - started:.0f} s", flush=True)
    return place


@contextmanager
def opened(place: Path, url: str | None) -> Iterator[Library]:
    """The library, or its copy on a server."""
    settings = Settings(library=place, database_url=url)
    if url:
        started = time.perf_counter()
        transfer.from_file(place / "faceid.db", settings)
        with database.connect(settings).engine.begin() as connection:
            connection.execute(text("ANALYZE"))
        print(f"copied in {time.perf_counter() - started:.0f} s", flush=True)
    with Library.open(settings) as library:
        yield library


def table(times: dict[int, dict[str, float]]) -> None:
    sizes = sorted(times)
    print(f"{'ms':32}" + "".join(f"{size:>14,}" for size in sizes) + "   exponent")
    for what in times[sizes[0]]:
        row = [times[size][what] for size in sizes]
        grown = math.log(row[-1] / row[0]) / math.log(sizes[-1] / sizes[0]) if len(sizes) > 1 else math.nan
        print(f"{what:32}" + "".join(f"{each:14.1f}" for each in row) + f"{grown:11.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--folder", type=Path, help="where SQLite libraries are made, and kept for the next time")
    parser.add_argument("--make", action="store_true", help="make the libraries, and measure nothing")
    options = parser.parse_args()
    times: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        server = stack.enter_context(postgres.running()) if options.postgres else None
        for faces in options.faces:
            place = make(options.folder or Path(scratch), faces)
            if options.make:
                continue
            address = server.fresh() if server else nullcontext()
            with address as url, opened(place, url) as library:
                times[faces] = measure(library, faces)
    if times:
        table(times)


if __name__ == "__main__":
    main()
