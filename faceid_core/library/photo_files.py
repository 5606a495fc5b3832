"""Which of a photo's files represents it, and which files still exist."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from faceid_core import frame_path
from faceid_core.errors import RemoteUnusable
from faceid_core.remote import are_gone, is_remote


def shown_path(path: str, found: str) -> str:
    """Return which of two files with the same photo represents it: still `path`, unless that no longer exists or is
    only the target of the link `found`."""
    old, new = frame_path.file_of(path), frame_path.file_of(found)
    return found if old != new and (is_gone(path) or _leads_to(new, old)) else path


def is_gone(path: str) -> bool:
    """Whether the file, or the video of a frame, does not exist. A file that can't be accessed may exist."""
    if is_remote(path):
        return _is_gone_elsewhere(path)
    try:
        Path(frame_path.split(path)[0]).stat() if not os.path.lexists(path) else Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def gone_among(paths: Iterable[str]) -> set[str]:
    """Return the files that no longer exist. Remote files are checked together."""
    every = set(paths)
    elsewhere = {path for path in every if is_remote(path)}
    there = are_gone({frame_path.split(path)[0] for path in elsewhere}) if elsewhere else set()
    gone = {path for path in elsewhere if frame_path.split(path)[0] in there}
    return gone | {path for path in every - elsewhere if is_gone(path)}


def _is_gone_elsewhere(path: str) -> bool:
    try:
        return not frame_path.file_of(path).exists()
    except (OSError, RemoteUnusable):
        return False


def _leads_to(link: Path, file: Path) -> bool:
    return not is_remote(link) and os.path.realpath(link) == str(file)
