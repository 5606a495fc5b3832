"""Files that are complete or not there at all, and that nobody else on this machine reads."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

log = logging.getLogger(__name__)

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600


def make_private(path: Path) -> bool:
    """Take a file or folder away from everybody but its owner; True where that is so afterwards.

    Windows has no such modes: there a folder in the user's profile is private by itself.
    """
    if os.name != "posix":
        return True
    try:
        wanted = PRIVATE_FOLDER if path.is_dir() else PRIVATE_FILE
        if path.stat().st_mode & 0o077:
            path.chmod(wanted)
    except OSError as error:  # somebody else's folder, or a file system without modes
        log.warning("%s can be read by others on this machine (%s).", path, error.strerror)
        return False
    return not path.stat().st_mode & 0o077


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
