"""Atomic writes, and files that other users of this machine can't read."""

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
"""The permission bits for group and others."""


def is_open(path: Path) -> bool:
    """Whether other users of this machine have any permission on a file or folder. Always false on Windows, which
    has no such modes: there, folders in the user's profile are private by default."""
    try:
        return os.name == "posix" and bool(path.stat().st_mode & OTHERS)
    except OSError:
        return False


def make_private(path: Path, *, quietly: bool = False) -> bool:
    """Remove all permissions of group and others from a file or folder. Returns whether it is private afterwards.
    quietly: log at debug level only, because the caller reports what was open."""
    if not is_open(path):
        return True
    try:
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~OTHERS)
    except OSError as error:  # somebody else's folder, a read-only disk, or a file system without modes
        log.log(_level(quietly), "%s can be read by others on this machine (%s).", path, error.strerror)
        return False
    if closed := not is_open(path):
        log.log(_level(quietly), "%s was accessible to other users of this machine until now.", path)
    return closed


def _level(quietly: bool) -> int:
    return logging.DEBUG if quietly else logging.WARNING


@contextmanager
def replaced(file: Path, *, private: bool = False) -> Iterator[Path]:
    """Yield a temporary file in the same folder, which replaces `file` on success. On an error, which is re-raised,
    `file` is unchanged. private: only the file's owner can read it."""
    partial = file.with_name(f".{file.name}.partial")
    try:
        if private:
            partial.touch(PRIVATE_FILE)
        yield partial
        partial.replace(file)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
