"""Which files of a library other users of the machine can read; the examination closes them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from faceid_core.atomic import is_open, make_private
from faceid_core.settings import Settings

PUBLIC = ("engine_folder", "album_folder")
"""Folders of the settings that hold nothing of anybody: published networks and drawn photos. All others are closed;
photos that somebody keeps in the library are left alone."""

NAMED = 3
"""So many files are named, the others counted."""


def open_files(settings: Settings) -> list[Path]:
    """What others may read or enter: the library's folder, the files in it, and everything in its own folders."""
    return [path for path in _own(settings) if is_open(path)]


def own_folders(settings: Settings) -> list[Path]:
    """Folders that may hold faces, names or recognisers: each that the settings know, unless it is PUBLIC."""
    known = (name for name in dir(type(settings)) if name.endswith("_folder") and name[0] != "_")
    return [getattr(settings, name) for name in known if name not in PUBLIC]


def close(paths: Sequence[Path]) -> list[Path]:
    """Take them away from others; gives those where that was not possible."""
    return [path for path in paths if not make_private(path, quietly=True)]


def in_words(paths: Sequence[Path], library: Path) -> str:
    """Their names within the library, the first few."""
    names = [_within(path, library) for path in paths]
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _within(path: Path, library: Path) -> str:
    if path == library:
        return "the folder itself"
    return str(path.relative_to(library) if path.is_relative_to(library) else path)


def _own(settings: Settings) -> Iterator[Path]:
    """Links are left out: what they lead to is not the library's."""
    library = settings.library
    if not library.is_dir():
        return
    yield library
    yield from sorted(path for path in library.iterdir() if path.is_file() and not path.is_symlink())
    for own in own_folders(settings):
        for folder, _, files in os.walk(own) if not own.is_symlink() else ():
            yield Path(folder)
            yield from (path for file in files if not (path := Path(folder, file)).is_symlink())
