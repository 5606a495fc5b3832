"""What is costly to make is made once and shared: by all tests of a process, and by all processes of a test run.

A test gets a copy of its own, and reads the rest where it lies.
"""

from __future__ import annotations

import atexit
import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import gettempdir, mkdtemp

import pytest
from filelock import FileLock

from faceid_core.library import Library
from faceid_core.sample.album import Album, draw_album, read_groundtruth
from faceid_core.settings import Settings


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder that `make` fills: by the first process of this run that needs it, while others wait for it."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # each worker has a folder inside the run's folder
        base = base.parent
    folder, done = base / "shared" / name, base / "shared" / f"{name}.done"
    folder.parent.mkdir(exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # another process failed half-way
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def drawn_album(folder: Path, *, people: int, photos: int, seed: int) -> Album:
    """An album in `folder`: a copy of one that later runs find, too, as drawing takes half a second a photo."""
    kept = Path(gettempdir()) / "faceid-tests" / f"album-{people}-{photos}-{seed}"
    kept.parent.mkdir(exist_ok=True)
    with FileLock(f"{kept}.lock"):
        draw_album(kept, people=people, photos=photos, seed=seed)  # one of an older version is drawn anew
        shutil.copytree(kept, folder)
    return read_groundtruth(folder)


def link_engine(library: Path, engine: Path) -> None:
    """Give the library an engine folder that others have, too: 23 MB less to write, and sessions are kept."""
    library.mkdir(parents=True, exist_ok=True)
    (library / "engine").symlink_to(engine, target_is_directory=True)


def copy_library(library: Path, folder: Path) -> Path:
    """A copy in `folder`, with the same engine folder."""
    return Path(shutil.copytree(library, folder, symlinks=True))


def new_library(folder: Path) -> Settings:
    """Settings of an empty library in a file in `folder`: a copy of one that the migrations have made.

    A copy takes 1 ms, the migrations 100 ms, and most tests want an empty library.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy2(_template() / "faceid.db", folder)
    return Settings(library=folder, database_url=None)


@cache
def _template() -> Path:
    folder = Path(mkdtemp(prefix="faceid-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Library.open(Settings(library=folder, database_url=None)).close()
    return folder
