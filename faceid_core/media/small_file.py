"""Small files that other programs put beside photos: read as a whole, of a limited size, and never waited for."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from faceid_core.errors import SidecarUnusable
from faceid_core.remote import is_remote


def is_there(path: Path) -> bool:
    """Whether an ordinary file lies there; False, too, where the name is longer than a folder can hold."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def content(path: Path, most_bytes: int) -> bytes:
    """All bytes. Raises SidecarUnusable for a larger file and for what is no ordinary one, such as a pipe, whose
    reading would wait for ever; OSError."""
    if is_remote(path):
        return _limited(path.read_bytes(), most_bytes)
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise SidecarUnusable("it is no ordinary file")
        return _limited(file.read(most_bytes + 1), most_bytes)


def _limited(found: bytes, most_bytes: int) -> bytes:
    if len(found) > most_bytes:
        raise SidecarUnusable(f"it is larger than {most_bytes >> 20} MB")
    return found
