"""Watched folders: what appears or changes in them is imported by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from watchfiles import Change, watch

from faceid_core.library import Library
from faceid_core.media import folders
from faceid_core.media.formats import SUFFIXES, VIDEO_SUFFIXES
from faceid_core.media.left_out import IGNORE_FILES

SETTLED_MS = 2000
"""An import waits until nothing has changed for so long: files are still being copied until then."""

LONGEST_S = 60.0
"""But no longer than this, as a large copy may take hours."""

ENDINGS = tuple(SUFFIXES | VIDEO_SUFFIXES | {".xmp", *IGNORE_FILES})


def watch_folders(
    library: Library,
    paths: Sequence[Path],
    *,
    video_seconds: float | None = None,
    exclude: Sequence[str] = (),
    poll: bool | None = None,
    stop: threading.Event | None = None,
) -> Iterator[int]:
    """Queue an import of the folders once they are watched, and again whenever photos in them changed and settled.

    Yields the id of each queued job; whoever runs a worker carries it out. poll: look at all files again and again,
    for network drives, which report nothing. Ends when `stop` is set. Raises PathNotFound.
    """
    roots = [folders.absolute(path) for path in paths]
    next(folders.walk(roots), None)  # a wrong path is refused before anything is queued
    params: dict[str, object] = {"paths": [str(root) for root in roots], "exclude": list(exclude)}
    if video_seconds is not None:
        params["video_seconds"] = video_seconds
    for _ in _settled(roots, poll, stop):
        yield library.jobs.submit("import", params).id


def _settled(roots: Sequence[Path], poll: bool | None, stop: threading.Event | None) -> Iterator[None]:
    """One signal after each burst of changes; the first when the watch stands, so that no change is missed."""
    since: float | None = time.monotonic()
    for changes in watch(
        *roots,
        watch_filter=_is_of_interest,
        rust_timeout=SETTLED_MS,
        yield_on_timeout=True,
        stop_event=stop,
        force_polling=poll,
        ignore_permission_denied=True,
    ):
        if changes:
            since = since or time.monotonic()
        if since and (not changes or time.monotonic() - since > LONGEST_S):
            since = None
            yield


def _is_of_interest(change: Change, path: str) -> bool:
    """Photos, what stands beside them, and folders: a renamed one says nothing of the files in it."""
    return path.lower().endswith(ENDINGS) or not Path(path).suffix
