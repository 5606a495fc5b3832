"""Copies of photos that lie elsewhere, while they are needed: at most so many bytes, beside the library."""

from __future__ import annotations

import atexit
import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeVar

from faceid_core.errors import UnreadableImage
from faceid_core.remote import AT_ONCE, CHANGED, RemotePath
from faceid_core.settings import Settings

Value = TypeVar("Value")

FRESH_SECONDS = 60.0
"""So long a copy is used without asking whether the original has changed."""

PRIVATE = 0o700


@dataclass(frozen=True, slots=True)
class Copies:
    """A folder of copies. The time of change of each file is when it was last known to be like its original."""

    folder: Path
    limit_bytes: int

    def of(self, path: RemotePath) -> Path:
        """A file with its bytes. Another process may take it away when it makes room: open it at once.

        Raises FileNotFoundError, PermissionError, RemoteUnusable, UnreadableImage.
        """
        start = sha256(str(path).encode()).hexdigest()[:32]
        if path.listed is None and (fresh := self._fresh(start)):
            return fresh
        for _ in range(2):
            state = path.stat()
            copy = self.folder / f"{start}-{state.st_size:x}-{state.st_mtime_ns:x}{path.suffix}"
            if copy.exists() or self._fetched(path, copy, state.st_size):
                with suppress(OSError):
                    os.utime(copy)
                self._make_room(start, copy)
                return copy
            path.listed = None  # it changed since the listing
        raise UnreadableImage(CHANGED)

    def _fresh(self, start: str) -> Path | None:
        for copy in self.folder.glob(f"{start}-*"):
            with suppress(OSError):
                if abs(time.time() - copy.stat().st_mtime) < FRESH_SECONDS and not copy.name.endswith(".part"):
                    return copy
        return None

    def _fetched(self, path: RemotePath, copy: Path, size: int) -> bool:
        """Whether it was copied; not where it has another size than it should."""
        self.folder.mkdir(PRIVATE, parents=True, exist_ok=True)
        part = copy.with_name(f"{copy.name}.{os.getpid()}-{threading.get_ident()}.part")
        try:
            path.download(part)
            if part.stat().st_size != size:
                return False
            part.replace(copy)
        finally:
            part.unlink(missing_ok=True)
        return True

    def _make_room(self, start: str, kept: Path) -> None:
        """Former versions go, then those that were not used for longest."""
        files = []
        for file in self.folder.iterdir():
            with suppress(OSError):
                files.append((file.stat().st_mtime, file.stat().st_size, file))
        total = sum(size for _, size, _ in files)
        for _, size, file in sorted(files):
            is_former = file.name.startswith(start) and not file.name.endswith(".part")
            if file != kept and (is_former or total > self.limit_bytes):
                with suppress(OSError):
                    file.unlink()
                total -= size


_kept: dict[str, Copies] = {}
"""Where, in this process: whoever opens a file knows its path only."""


def keep_as(settings: Settings) -> None:
    """Where copies are from now on."""
    _kept["here"] = Copies(settings.remote_folder, settings.remote_cache_mb * 10**6)


def local_copy(path: RemotePath) -> Path:
    """See Copies.of."""
    if not _kept:  # nobody opened a library
        folder = mkdtemp(prefix="faceid-remote-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _kept["here"] = Copies(Path(folder), 10**9)
    return _kept["here"].of(path)


def ahead(
    items: Iterable[Value], act: Callable[[Value], Value], is_slow: Callable[[Value], bool]
) -> Iterator[Value]:
    """What `act` makes of each item, in order; of slow ones, several at the same time."""
    waiting: deque[Future[Value]] = deque()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for item in items:
            if not is_slow(item) and not waiting:
                yield act(item)
                continue
            waiting.append(threads.submit(act, item))
            if len(waiting) >= AT_ONCE:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
