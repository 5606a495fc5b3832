"""Photos and videos on disk: which files there are, and the hash of what is in them."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from faceid_core.errors import PathNotFound
from faceid_core.media import source
from faceid_core.media.formats import SUFFIXES, VIDEO_SUFFIXES

log = logging.getLogger(__name__)


def sha256_of(path: Path | str) -> str:
    """Hexadecimal SHA-256 of a file's bytes. UnreadableImage where it can't be read."""
    with source.opened(Path(path)) as file:
        try:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
        except OSError as error:
            raise source.unreachable(error) from error


def walk(paths: Iterable[Path | str], *, videos: bool = False) -> Iterator[Path]:
    """The photos under files and folders: each once, sorted within a folder, no hidden file or folder.

    A folder gives the files that end in SUFFIXES, for videos also in VIDEO_SUFFIXES; a file that is named itself
    is always given. Links to folders are not followed. Raises PathNotFound at once, before the first is asked for.
    """
    roots = [Path(path) for path in paths]
    for root in roots:
        if not root.exists():
            raise PathNotFound(f"There is no file or folder {root}; check the path.")
    return _walk(roots, SUFFIXES | VIDEO_SUFFIXES if videos else SUFFIXES)


def _walk(roots: list[Path], suffixes: frozenset[str]) -> Iterator[Path]:
    seen: set[Path] = set()
    for root in roots:
        for path in _files_in(root, suffixes) if root.is_dir() else [root]:
            key = path.absolute()
            if key not in seen:
                seen.add(key)
                yield path


def _files_in(folder: Path, suffixes: frozenset[str]) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder, onerror=_skip_folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "@eaDir")))
        for name in sorted(files):
            path = Path(parent, name)
            if path.suffix.lower() in suffixes and not name.startswith(".") and path.is_file():
                yield path


def _skip_folder(error: OSError) -> None:
    log.warning("a folder can't be read: %s", error)
