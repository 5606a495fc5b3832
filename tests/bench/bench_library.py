"""Times of the library on synthetic rows, on a SQLite file on disk.

python -m tests.bench.bench_library --faces 100000 --folder DIR

With --keep the library in DIR is made once and measured again the next time. Prints milliseconds, the target of
each where there is one, and the file's size against that of crops and vectors.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import func, insert, select

from faceid_core.library import Library
from faceid_core.library.store.tables import Crop, Embedding, Face, Photo
from faceid_core.settings import Settings
from faceid_core.values import utc_now

EMBEDDER = "bench"
PER_PHOTO = 4
BATCH = 20_000
NAMED = 1000
ROUNDS = 5

CROP_BYTES = (6360, 550)
"""Mean and deviation of the aligned faces' JPEGs of 40 real photos (44 faces: 3.9 to 7.6 kB)."""

POOL_BYTES = 1 << 20


class Crops:
    """Bytes as incompressible and as many as those of real crops."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng, self._pool = rng, rng.bytes(POOL_BYTES)

    def draw(self, number: int) -> list[bytes]:
        sizes = np.clip(self._rng.normal(*CROP_BYTES, number), 3900, 7700).astype(int)
        starts = self._rng.integers(0, POOL_BYTES - sizes.max(), number)
        return [self._pool[start : start + size] for start, size in zip(starts, sizes, strict=True)]


def fill(library: Library, faces: int, people: int = 200, *, crops_and_vectors: bool = True) -> None:
    """Faces in photos of 4, in groups of about 50 with every tenth on its own; half of them bear a name."""
    rng = np.random.default_rng(1)
    crops = Crops(rng)
    for start in range(1, faces + 1, BATCH):
        ids = range(start, min(start + BATCH, faces + 1))
        quality = rng.random(len(ids)).round(4)
        photos = sorted({(face - 1) // PER_PHOTO + 1 for face in ids} - {(start - 2) // PER_PHOTO + 1})
        with library._database.write() as session:
            session.execute(insert(Photo), [
                {"id": n, "sha256": f"{n:064x}", "path": f"/{n}.jpg", "width": 9, "height": 9, "status": "done",
                 "imported_at": utc_now(), "taken_at": _taken(n), "detector": "mmod"} for n in photos])  # fmt: skip
            session.execute(insert(Face), [
                {"id": n, "photo_id": (n - 1) // PER_PHOTO + 1, "left": 1.0, "top": 2.0, "right": 3.0,
                 "bottom": 4.0, "score": 1.0, "landmarks": bytes(40), "quality": float(q),
                 "quality_parts": {}, "detector": "mmod",
                 "flag": "none"} for n, q in zip(ids, quality, strict=True)])  # fmt: skip
            if crops_and_vectors:
                session.execute(
                    insert(Crop),
                    [{"face_id": n, "data": crop} for n, crop in zip(ids, crops.draw(len(ids)), strict=True)],
                )
                session.execute(insert(Embedding), [
                    {"face_id": n, "embedder": EMBEDDER, "vector": rng.bytes(512)} for n in ids])  # fmt: skip
    everyone = np.arange(1, faces + 1)
    labels = rng.integers(0, max(faces // 50, 1), faces)
    library.clusters.save_run("bench", {}, EMBEDDER, everyone, np.where(everyone % 10 == 0, 0, labels + 1))
    for person, part in enumerate(np.array_split(everyone[: faces // 2], people)):
        library.people.name_faces(part.tolist(), f"Person {person}")
    library._database.optimise()


def _taken(photo: int) -> datetime | None:
    """Over twenty years; every eighth has no date."""
    return datetime(2005, 1, 1) + timedelta(hours=photo % (20 * 8766)) if photo % 8 else None


def milliseconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1000


def report(what: str, times: Sequence[float], *, target_ms: float) -> None:
    """The median: the first time fills caches, and another program may have disturbed one."""
    middle = statistics.median(times)
    print(f"{what:<34}{middle:9.1f} ms  {middle / target_ms:6.2f} x the target of {target_ms:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where the library is made [default: a temporary folder]")
    parser.add_argument(
        "--keep", action="store_true", help="keep the library in the folder, and use it if it is there"
    )
    options = parser.parse_args()
    if options.keep:
        run(options.folder, options.faces)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        run(Path(folder), options.faces)


def run(folder: Path, faces: int) -> None:
    settings = Settings(library=folder)
    if not (folder / "faceid.db").exists():
        started = time.perf_counter()
        with Library.open(settings) as library:
            fill(library, faces)
        print(f"made in {time.perf_counter() - started:.0f} s")
    measure(settings, faces)


def measure(settings: Settings, faces: int) -> None:
    opening = [milliseconds(lambda: Library.open(settings).close()) for _ in range(ROUNDS)]
    report("open", opening, target_ms=1000)
    with Library.open(settings) as library:
        fresh = list(range(faces // 2 + 1, faces // 2 + 1 + NAMED))
        acts: dict[str, Callable[[], object]] = {
            "name 1,000 faces": lambda: library.people.name_faces(fresh, "New"),
            "undo": library.journal.undo,
            "redo": library.journal.redo,
            "name them another": lambda: library.people.name_faces(fresh, "B"),
        }
        times: dict[str, list[float]] = defaultdict(list)
        for _ in range(ROUNDS):
            for what, act in acts.items():
                times[what].append(milliseconds(act))
            for _ in range(2):  # leave the library as it was
                library.journal.undo()
        for what, each in times.items():
            report(what, each, target_ms=150)
        pages: dict[str, Callable[[], object]] = {
            "photos.page": library.photos.page,
            "clusters.page": library.clusters.page,
            "faces.of_cluster": lambda: library.faces.of_cluster(1),
            "faces.of_person": lambda: library.faces.of_person(1),
            "faces.singles": library.faces.singles,
            "people.all": library.people.all,
            "people.get": lambda: library.people.get(1),
            "journal.recent": library.journal.recent,
            "counts": library.counts,
        }
        for what, act in pages.items():
            report(what, [milliseconds(act) for _ in range(ROUNDS)], target_ms=50)
        with library._database.read() as session:
            crops = select(func.sum(func.length(Crop.data))).scalar_subquery()
            vectors = select(func.sum(func.length(Embedding.vector))).scalar_subquery()
            stored = sum(session.execute(select(crops, vectors)).one())
    size = (settings.library / "faceid.db").stat().st_size
    print(f"{'file size':<34}{size / 1e6:9.1f} MB  {size / stored:6.2f} x crops and vectors")


if __name__ == "__main__":
    main()
