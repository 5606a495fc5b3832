"""Watched folders: what appears or changes in them is imported by itself."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from watchfiles import Change, watch

from faceid_core.errors import FaceIdError, PathNotFound, RemoteUnusable
from faceid_core.library import Library, WatchedView
from faceid_core.media import folders
from faceid_core.media.formats import SUFFIXES, VIDEO_SUFFIXES
from faceid_core.media.left_out import IGNORE_FILES
from faceid_core.remote import is_remote

log = logging.getLogger(__name__)

SETTLED_MS = 2000
"""An import waits until nothing has changed for so long: files are still being copied until then."""

LONGEST_S = 60.0
"""But no longer than this, as a large copy may take hours."""

LOOK_SECONDS = 3.0
"""How often the worker looks which folders are to be watched."""

AGAIN_SECONDS = 60.0
"""How long it leaves alone a folder that can't be watched, such as a drive that is not there."""

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
    for network drives, which report nothing. Ends when `stop` is set. Raises PathNotFound, RemoteUnusable.
    """
    roots = watchable(paths)
    params: dict[str, object] = {"paths": [str(root) for root in roots], "exclude": list(exclude)}
    if video_seconds is not None:
        params["video_seconds"] = video_seconds
    for _ in _settled(roots, poll, stop):
        yield _import(library, params)


def watchable(paths: Sequence[Path]) -> list[Path]:
    """The absolute paths of folders that can be watched. Raises PathNotFound, RemoteUnusable."""
    roots = [folders.absolute(path) for path in paths]
    for root in filter(is_remote, roots):
        raise RemoteUnusable(f"{root} can't be watched; run `faceid import {root}` from time to time instead.")
    folders.walk(roots)
    for root in roots:
        if not root.is_dir():
            raise PathNotFound(f"{root} is a file; name the folder that holds it.")
    return roots


def _import(library: Library, params: dict[str, object]) -> int:
    """One that waits already will find what is there now, too."""
    waiting = (job for job in library.jobs.active() if job.kind == "import" and job.started_at is None)
    same = next((job for job in waiting if job.params.get("paths") == params["paths"]), None)
    return same.id if same is not None else library.jobs.submit("import", params).id


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


class Watcher:
    """Watches the folders of a library that its owner chose, each in a thread, for as long as the worker runs.

    library: acts as an owner."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._watching: dict[WatchedView, tuple[threading.Event, threading.Thread]] = {}
        self._troubled: dict[WatchedView, float] = {}

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set."""
        while not stop.is_set():
            try:
                self.look()
            except FaceIdError:
                log.debug("The watched folders could not be read; trying again.", exc_info=True)
            stop.wait(LOOK_SECONDS)
        for one in list(self._watching):
            self._end(one)

    def look(self) -> None:
        """Begin and end watching, as is wanted now. Raises LibraryError."""
        wanted = set(self._library.watched.all())
        for one in [*self._watching]:
            if one not in wanted or not self._watching[one][1].is_alive():
                self._end(one)
        for one in wanted - set(self._watching):
            if time.monotonic() >= self._troubled.get(one, 0.0):
                self._begin(one)

    def _begin(self, folder: WatchedView) -> None:
        ended = threading.Event()
        thread = threading.Thread(target=self._watch, args=(folder, ended), daemon=True, name="watched-folder")
        self._watching[folder] = (ended, thread)
        thread.start()

    def _end(self, folder: WatchedView) -> None:
        ended, thread = self._watching.pop(folder)
        ended.set()
        thread.join()

    def _watch(self, folder: WatchedView, ended: threading.Event) -> None:
        given = {"video_seconds": folder.video_seconds, "poll": folder.poll or None, "stop": ended}
        try:
            for _ in watch_folders(self._library, [Path(folder.path)], **given):  # type: ignore[arg-type]
                self._troubled.pop(folder, None)
        except (FaceIdError, OSError) as error:
            if folder not in self._troubled:
                log.warning("A watched folder can't be watched now: %s", error)
            self._troubled[folder] = time.monotonic() + AGAIN_SECONDS
