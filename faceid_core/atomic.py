"""Files that are complete or not there at all, and that nobody else on this machine reads."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

log = logging.getLogger(__name__)

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
OTHERS = 0o077
"""The rights of the group and of everybody."""


def is_open(path: Path) -> bool:
    """Whether other users of this machine have any right to a file or folder. Never on Windows, which has no such
    modes: there a folder in the user's profile is private by itself."""
    try:
        return os.name == "posix" and bool(path.stat().st_mode & OTHERS)
    except OSError:
        return False


def make_private(path: Path, *, quietly: bool = False) -> bool:
    """Take a file or folder away from everybody but its owner, who keeps the rights that they have; True where that
    is so afterwards. quietly: the caller tells what was open."""
    if not is_open(path):
        return True
    try:
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~OTHERS)
    except OSError as error:  # somebody else's folder, a read-only disk, or a file system without modes
        log.log(_level(quietly), "%s can be read by others on this machine (%s).", path, error.strerror)
        return False
    if closed := not is_open(path):
        log.log(_level(quietly), "Until now, other users of this machine had rights to %s.", path)
    return closed


def _level(quietly: bool) -> int:
    return logging.DEBUG if quietly else logging.WARNING


@contextmanager
def replaced(file: Path, *, private: bool = False) -> Iterator[Path]:
    """A file in the same folder to write to, which takes the place of `file` at the end. After an error, which
    is raised on, `file` is as it was. private: nobody but its owner reads the file."""
    partial = file.with_name(f".{file.name}.partial")
    try:
        if private:
            partial.touch(PRIVATE_FILE)
        yield partial
        partial.replace(file)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
