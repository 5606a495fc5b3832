"""Files to stored rows: beside face_recognition, memory of a worker, and two workers beside one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from faceid_core.importing.run import import_photos
from faceid_core.library import Library
from faceid_core.settings import Settings
from tests.bench.engine.common import enlarged, group_photos, seconds, table

MEGAPIXELS = (1, 3, 6, 12)


def bench_import(data: Path, settings: Settings) -> None:
    """Files to stored rows, beside the loop of face_recognition's examples, which stores nothing."""
    import face_recognition

    sources = group_photos(data, 2)
    warm_up = next((data / "lfw").rglob("*.jpg"))
    rows: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory() as folder:
        for megapixels in MEGAPIXELS:
            place = Path(folder, str(megapixels))
            place.mkdir()
            for source in sources:
                enlarged(source, megapixels).save(place / source.name, quality=90)
            rows.append((megapixels, *_import_both(place, warm_up, settings, face_recognition)))
    ours, theirs = (sum(float(str(row[at])) for row in rows) for at in (2, 4))
    rows.append(("all", sum(int(str(row[1])) for row in rows), ours, sum(int(str(row[3])) for row in rows), theirs,
                 theirs / ours))  # fmt: skip
    head = ("megapixels", "our faces", "CPU s", "HOG's faces", "CPU s", "ratio")
    table(f"Whole import, {len(sources)} photos each, one core", head, rows)


def _import_both(folder: Path, warm_up: Path, settings: Settings, face_recognition: object) -> tuple[object, ...]:
    found = 0

    def loop() -> None:
        nonlocal found
        for path in sorted(folder.iterdir()):
            image = face_recognition.load_image_file(path)  # type: ignore[attr-defined]
            boxes = face_recognition.face_locations(image, 1)  # type: ignore[attr-defined]
            found += len(face_recognition.face_encodings(image, boxes))  # type: ignore[attr-defined]

    times, faces = [], 0
    for _ in range(2):
        with tempfile.TemporaryDirectory() as library_folder:
            own = settings.model_copy(update={"library": Path(library_folder), "workers": 1})
            own.engine_folder.symlink_to(settings.engine_folder.resolve())
            with Library.open(own) as library:
                import_photos(library, [warm_up])  # loads the networks, once a process
                started = time.process_time()
                faces = import_photos(library, [folder]).faces
                times.append(time.process_time() - started)
    theirs = seconds(loop, 1)
    return faces, min(times), found, theirs, theirs / min(times)


WORKER = """
import sys, time
started = time.monotonic()
from pathlib import Path
from faceid_core.importing.photo import analyse, networks
from faceid_core.importing.work import File
from faceid_core.settings import Settings
settings = Settings(library=Path(sys.argv[1]), max_megapixels=60)
networks(settings.model_dump_json(), 1)
ready = time.monotonic() - started
path = Path(sys.argv[2])
photo = analyse(File(path, 1, 1), settings=settings, threads=1)
# Not getrusage: its maximum includes what the parent had when it forked.
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(ready, len(photo.faces), photo.error, int(peak) / 1024)
"""


def bench_worker(data: Path, settings: Settings) -> None:
    """Start, peak memory on 50 megapixels in several formats, and two workers beside one."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        image = enlarged(group_photos(data, 1)[0], 50)
        kinds: dict[str, dict[str, Any]] = {"jpg": {"quality": 90}, "png": {"compress_level": 1},
                                            "webp": {"quality": 80}, "heic": {"quality": 60}}  # fmt: skip
        for kind, options in kinds.items():
            path = Path(folder, f"photo.{kind}")
            if kind == "heic":
                import pillow_heif

                pillow_heif.register_heif_opener()
            image.save(path, **options)
            out = subprocess.run([sys.executable, "-c", WORKER, str(settings.library), str(path)],
                                 capture_output=True, text=True, check=True).stdout.split()  # fmt: skip
            rows.append((kind, float(out[0]), out[1], float(out[-1])))
    table("A worker on 50 megapixels", ("format", "start, wall s", "faces", "peak MB"), rows)
    _bench_scaling(data, settings)


def _bench_scaling(data: Path, settings: Settings) -> None:
    """One worker on one core, two on two: alone on two, a worker would use both."""
    times: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "photos")
        place.mkdir()
        for number, path in enumerate(group_photos(data, 51)):
            enlarged(path, 3).save(place / f"{number}.jpg", quality=90)
        for _ in range(3):
            for workers, spent in times.items():
                os.sched_setaffinity(0, range(workers))
                spent.append(_pooled_import(place, settings, workers))
    rows = [(workers, min(spent), min(times[1]) / min(spent)) for workers, spent in times.items()]
    table("51 photos of 3 megapixels by workers and cores (wall clock, once the workers have started)",
          ("workers", "s a photo", "ratio"), rows)  # fmt: skip


def _pooled_import(place: Path, settings: Settings, workers: int) -> float:
    """Seconds a photo from the first result to the last."""
    from faceid_core.executors.process_pool import ProcessPool

    told: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        own = settings.model_copy(update={"library": Path(folder)})
        own.engine_folder.symlink_to(settings.engine_folder.resolve())
        with Library.open(own) as library:
            import_photos(
                library,
                [place],
                executor=ProcessPool(workers),
                progress=lambda done, total, message="": told.append(time.monotonic()),
            )
    return (told[-1] - told[1]) / (len(told) - 2)  # the first is told before there is any
