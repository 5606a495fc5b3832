"""Time and size of XMP sidecars: for 10,000 photos, beside reading the names back and the bare work of the disk.

    python -m tests.bench.names_out [PHOTOS]

The budget is 2 ms a sidecar. Rounds: written first, written again (nothing changes), read back, taken back.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from faceid_core.exchange.face_regions import survey
from faceid_core.library import Library
from faceid_core.media.folders import sha256_of
from faceid_core.settings import Settings
from faceid_core.steps.write_names import undo_writing, write_names
from tests.library.conftest import new_photo
from tests.steps.test_write_names import add_photo

PEOPLE = 50
AT_ONCE = 500


def fill(library: Library, folder: Path, photos: int) -> None:
    """Copies of one picture, each with a byte of its own behind it, and a face with a name."""
    template = folder.parent / "template.jpg"
    add_photo(library, template)
    content, rows = template.read_bytes(), []
    for number in range(photos):
        path = folder / f"{number:06}.jpg"
        path.write_bytes(content + str(number).encode())
        state = path.stat()
        rows.append(replace(new_photo(str(path), sha256_of(path)), size_bytes=state.st_size,
                            modified_ns=state.st_mtime_ns))  # fmt: skip
    faces: list[int] = []
    for start in range(0, photos, AT_ONCE):
        for added in library.photos.add_many(rows[start : start + AT_ONCE]):
            faces += [face.id for face in library.faces.of_photo(added.photo_id)]
    for person in range(PEOPLE):
        library.people.name_faces(faces[person::PEOPLE], f"Person {person}")


def timed(what: str, photos: int, work: Callable[[], object]) -> float:
    start, started = time.perf_counter(), time.process_time()
    work()
    seconds, busy = time.perf_counter() - start, time.process_time() - started
    print(f"{what:34} {seconds:7.2f} s {1000 * seconds / photos:7.3f} ms a photo, of the processor "
          f"{1000 * busy / photos:7.3f} ms")  # fmt: skip
    return seconds


def main(photos: int) -> None:
    root = Path(tempfile.mkdtemp(prefix="faceid-bench-"))
    try:
        (folder := root / "photos").mkdir()
        with Library.open(Settings(library=root / "library")) as library:
            fill(library, folder, photos)
            database = root / "library" / "faceid.db"
            before = database.stat().st_size
            bare = timed("bare: as many files of 2 kB", photos, lambda: _bare(root / "bare", photos))
            first = timed("written first", photos, lambda: write_names(library, [folder]))
            timed("written again", photos, lambda: write_names(library, [folder]))
            sidecars = list(folder.glob("*.xmp"))
            print(f"{sum(file.stat().st_size for file in sidecars) / len(sidecars):,.0f} bytes a sidecar, "
                  f"{(database.stat().st_size - before) / photos:,.0f} bytes a photo in the database, "
                  f"{first / bare:.1f} times the bare files")  # fmt: skip
            timed("read back", photos, lambda: [survey(path) for path in sorted(folder.glob("*.jpg"))])
            timed("taken back", photos, lambda: undo_writing(library))
            assert not list(folder.glob("*.xmp"))
    finally:
        shutil.rmtree(root)


def _bare(folder: Path, photos: int) -> None:
    folder.mkdir()
    for number in range(photos):
        (folder / f"{number}.xmp").write_bytes(b" " * 2048)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
