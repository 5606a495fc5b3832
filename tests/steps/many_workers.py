"""A worker as on another machine, for tests: it takes jobs until it is ended, and searches photos in no time.

python -m tests.steps.many_workers FOLDER SECONDS_PER_PHOTO [pool [SPANS]]

pool: photos are searched in a process beside the one that stores them, as in an import. SPANS: a folder into which
each such process writes from when to when it searched.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from faceid_core.executors.process_pool import ProcessPool
from faceid_core.importing import shared
from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.steps import jobs, work
from tests.library.conftest import new_photo


@dataclass
class Prepared:
    """Stands in for the face search: what is found depends on the file's content alone."""

    seconds: float = 0.0

    def run(self, work: object, items: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        for file in items:
            time.sleep(self.seconds)
            yield file, new_photo(str(file.path), file.sha256, faces=int(file.sha256[:2], 16) % 3)


@dataclass
class PreparedBeside(Prepared):
    """The same in a process beside."""

    spans: str | None = None

    def run(self, work: object, items: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        yield from ProcessPool(1).run(partial(_searched, self.seconds, self.spans), items)


def _searched(seconds: float, spans: str | None, file: Any) -> Any:
    began = time.time()
    found = next(Prepared(seconds).run(None, [file]))[1]
    if spans is not None:
        with (Path(spans) / str(os.getpid())).open("a") as log:
            print(began, time.time(), file=log)
    return found


def draw(folder: Path, number: int) -> None:
    """Files that begin like photos, a third of them in a folder below."""
    (folder / "below").mkdir(parents=True)
    for each in range(number):
        place = folder / "below" if each % 3 == 0 else folder
        (place / f"{each:04}.jpg").write_bytes(b"\xff\xd8\xff" + str(each).encode())


def main() -> None:
    work.DEAD_SECONDS, work.WATCH_SECONDS, work.LONGEST_PAUSE_SECONDS = 3.0, 0.3, 1.0
    shared.BEAT_SECONDS = 0.4
    folder, seconds, *beside = sys.argv[1:]
    search = PreparedBeside(float(seconds), *beside[1:]) if beside else Prepared(float(seconds))
    setattr(shared, "executor_for", lambda *_: search)  # noqa: B010  (it is shared's own import)
    jobs.KINDS |= {kind: lambda *_: {} for kind in ("cluster", "map")}
    with Library.open(Settings(library=Path(folder))) as library:
        worker = work.Worker(library, parent=None, is_only_helping=True)
        signal.signal(signal.SIGTERM, lambda *_: worker.stop.set())
        worker.run()


if __name__ == "__main__":
    main()
