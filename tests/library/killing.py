"""Kills a process that writes to a library at random moments and looks at what is left. Run by test_faults.py.

python -m tests.library.killing import|acts|migration TRIALS SEED FOLDER

Each trial forks this process, which has loaded everything already, so that the moments lie in the work and not in
the start of Python. The child tells over a pipe what the library has acknowledged. Prints one JSON line at the end.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from faceid_core.errors import FaceIdError
from faceid_core.importing import run
from faceid_core.library import Added, Library
from faceid_core.library.photos import Photos
from faceid_core.library.store import database
from faceid_core.settings import Settings
from faceid_core.values import NewPhoto
from tests.library.conftest import EMBEDDER, new_photo
from tests.store.test_migrations import REVISIONS, migrate

Tell = Callable[[int], None]
FACES = 400
PHOTOS = 300

LONGEST_S = 0.8
"""Kills come between 0 and this: an import of PHOTOS takes about as long."""


class Prepared:
    """Stands in for the face search, which writes nothing: photos come at once, with two faces each."""

    def run(self, work: object, items: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        for file in items:
            yield file, new_photo(str(file.path), file.sha256, faces=2)


def prepare_import(folder: Path) -> None:
    photos = folder / "photos"
    photos.mkdir(parents=True)
    for number in range(PHOTOS):
        (photos / f"{number:04}.jpg").write_bytes(b"\xff\xd8\xff" + str(number).encode())
    Library.open(Settings(library=folder / "library")).close()


class Telling(Photos):
    """Tells how many photos were stored as soon as the library says so."""

    def __init__(self, opened: database.Database, tell: Tell) -> None:
        super().__init__(opened)
        self._tell, self._stored = tell, 0

    def add_many(self, photos: Sequence[NewPhoto], *, again: bool = False, progress: Any = None) -> list[Added]:
        added = super().add_many(photos, again=again, progress=progress)
        self._stored += len(added)
        self._tell(self._stored)
        return added


def run_import(folder: Path, tell: Tell) -> None:
    with Library.open(Settings(library=folder / "library")) as library:
        library.photos = Telling(library._database, tell)
        run.import_photos(library, [folder / "photos"], executor=Prepared())


def check_import(folder: Path, told: int) -> None:
    with Library.open(Settings(library=folder / "library")) as library:
        photos, faces = library.counts().photos, library.counts().faces
        assert photos >= told, f"{told} photos were acknowledged, {photos} are there"
        assert faces == 2 * photos
        sound(library)
        report = run.import_photos(library, [folder / "photos"], executor=Prepared())
        assert (report.unchanged + report.duplicates, report.imported) == (photos, PHOTOS - photos), report
        sound(library)


def prepare_acts(folder: Path) -> None:
    with Library.open(Settings(library=folder / "library")) as library:
        library.photos.add_many([new_photo(f"/{number}.jpg", faces=4) for number in range(FACES // 4)])


def run_acts(folder: Path, tell: Tell) -> None:
    """Bulk acts, each over half of the faces, with an undo in between; tells the number of events so far."""
    everyone = list(range(1, FACES + 1))
    with Library.open(Settings(library=folder / "library")) as library:
        for number in range(1000):
            library.people.name_faces(everyone[number % 2 :: 2], f"Person {number % 5}")
            tell(library.journal.recent(1)[0].id)
            if number % 3 == 1:
                person = library.faces.get(1).person_id
                assert person is not None
                library.people.remove_faces(everyone[::4], person)
                tell(library.journal.recent(1)[0].id)
            if number % 3 == 2:
                library.journal.undo()
                library.clusters.save_run("any", {}, EMBEDDER, np.array(everyone), np.array(everyone) % 7)


def check_acts(folder: Path, told: int) -> None:
    with Library.open(Settings(library=folder / "library")) as library:
        events = library.journal.recent(1)
        assert (events[0].id if events else 0) >= told, f"event {told} was acknowledged, {events} is the last"
        sound(library)
        while any(not event.undone for event in library.journal.recent(1000)):
            library.journal.undo()
        assert library.people.all() == []
        sound(library)


def prepare_migration(folder: Path) -> None:
    prepare_acts(folder)
    with Library.open(Settings(library=folder / "library")) as library:
        library.people.name_faces(range(1, FACES), "Anna")


def run_migration(folder: Path, tell: Tell) -> None:
    """Down and up again, over and over; tells how many migrations are done."""
    settings = Settings(library=folder / "library")
    for done in range(1, 1000):
        migrate(settings, REVISIONS[-1] if done % 2 else REVISIONS[0])
        tell(done)


def check_migration(folder: Path, told: int) -> None:
    settings = Settings(library=folder / "library")
    assert database.revision(settings) in (REVISIONS[0], REVISIONS[-1])
    database.upgrade(settings)
    with Library.open(settings) as library:
        assert library.counts().named == FACES - 1
        assert library.counts().faces == FACES
        sound(library)


def sound(library: Library) -> None:
    problems = library.problems()
    assert problems == [], problems


WORK = {
    "import": (prepare_import, run_import, check_import),
    "acts": (prepare_acts, run_acts, check_acts),
    "migration": (prepare_migration, run_migration, check_migration),
}


def _tell(pipe: int, number: int) -> None:
    os.write(pipe, number.to_bytes(4, "little"))


def trial(kind: str, template: Path, folder: Path, moment: float) -> int:
    """Let a child work for `moment` seconds, kill it, and check. Returns what it had acknowledged last."""
    _, run, check = WORK[kind]
    shutil.copytree(template, folder)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            run(folder, partial(_tell, writer))
        finally:
            os._exit(0)
    os.close(writer)
    time.sleep(moment)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    told = read_all(reader)
    with closing(sqlite3.connect(folder / "library" / "faceid.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check(folder, told)
    shutil.rmtree(folder)
    return told


def read_all(reader: int) -> int:
    with os.fdopen(reader, "rb") as pipe:
        content = pipe.read()
    return int.from_bytes(content[-4:], "little")


def main() -> None:
    kind, trials, seed, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    template = folder / "template"
    WORK[kind][0](template)
    draw = random.Random(seed)
    told, failures = [], []
    for number in range(trials):
        moment = draw.uniform(0.0, LONGEST_S)
        try:
            told.append(trial(kind, template, folder / f"trial{number}", moment))
        except (AssertionError, FaceIdError, sqlite3.Error) as error:
            failures.append(f"trial {number} (seed {seed}), killed after {moment * 1000:.0f} ms: {error!r}")
    sys.stdout.write(json.dumps({"trials": trials, "told": told, "failures": failures}) + "\n")


if __name__ == "__main__":
    main()
