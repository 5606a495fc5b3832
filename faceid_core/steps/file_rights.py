"""Which files of a library other users of the machine can read; the examination closes them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from faceid_core.atomic import is_open, make_private
from faceid_core.settings import Settings

FOLDERS = ("models", "graphs", "uploads", "temporary", "backups", "replaced")
"""Folders of the library that hold faces, names or recognisers; photos that somebody keeps in it are left alone."""

NAMED = 3
"""So many files are named, the others counted."""


def open_files(settings: Settings) -> list[Path]:
    """What others may read or enter: the library's folder, the files in it, and everything in FOLDERS."""
    return [path for path in _own(settings.library) if is_open(path)]


def close(paths: Sequence[Path]) -> list[Path]:
    """Take them away from others; gives those where that was not possible."""
    return [path for path in paths if not make_private(path, quietly=True)]


def in_words(paths: Sequence[Path], library: Path) -> str:
    """Their names within the library, the first few."""
    names = [str(path.relative_to(library)) if path != library else "the folder itself" for path in paths]
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _own(library: Path) -> Iterator[Path]:
    """Links are left out: what they lead to is not the library's."""
    if not library.is_dir():
        return
    yield library
    yield from sorted(path for path in library.iterdir() if path.is_file() and not path.is_symlink())
    for name in FOLDERS:
        for folder, _, files in os.walk(library / name):
            yield Path(folder)
            yield from (path for file in files if not (path := Path(folder, file)).is_symlink())
