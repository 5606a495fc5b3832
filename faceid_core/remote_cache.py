"""A size-limited cache of remote photos, next to the library."""

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
"""How long a copy is used without checking whether the original has changed."""

PRIVATE = 0o700


@dataclass(frozen=True, slots=True)
class Copies:
    """A folder of copies. Each file's modification time is when it was last known to match its original."""

    folder: Path
    limit_bytes: int

    def of(self, path: RemotePath) -> Path:
        """Return a local copy of the file. Open it at once: another process may delete it to free space.

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
        """Download the file. Returns False if its size is not the expected one."""
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
        """Delete earlier versions, then the least recently used copies."""
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
"""The cache of this process. Global because code that opens a file knows only its path."""


def keep_as(settings: Settings) -> None:
    """Use the cache folder and size limit of these settings from now on."""
    _kept["here"] = Copies(settings.remote_folder, settings.remote_cache_mb * 10**6)


def local_copy(path: RemotePath) -> Path:
    """See Copies.of."""
    if not _kept:  # no library has been opened
        folder = mkdtemp(prefix="faceid-remote-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _kept["here"] = Copies(Path(folder), 10**9)
    return _kept["here"].of(path)


def ahead(
    items: Iterable[Value], act: Callable[[Value], Value], is_slow: Callable[[Value], bool]
) -> Iterator[Value]:
    """Yield act(item) for each item, in order. Slow items are processed concurrently."""
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
