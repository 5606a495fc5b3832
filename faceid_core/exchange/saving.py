"""Atomic writing of files, by a writer chosen by suffix, and of folders and archives."""

from __future__ import annotations

import errno
import io
import os
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, TypeVar

from faceid_core.atomic import replaced
from faceid_core.errors import BadInput, NotWritable, PathNotFound, UnknownChoice
from faceid_core.exchange.export_content import Entry

Content = TypeVar("Content")
Outcome = TypeVar("Outcome")

Link = Literal["copy", "hard", "symbolic"]
"""How existing files on this machine are added to a folder."""

ZIP_CHUNK = 1 << 20
"""Bytes per chunk when a file is read and passed on."""

ZIP_MOMENT = (1980, 1, 1, 0, 0, 0)
"""The earliest date that zip supports. A fixed date makes the archive reproducible."""


def save(
    content: Content, file: Path, writers: Mapping[str, Callable[[Content, Path], Outcome]], *, what: str = "file"
) -> Outcome:
    """Write `content` to `file` with the writer for its suffix, and return the writer's result.

    writers: suffix (".csv") -> writer; what: how messages refer to the file. An existing file is replaced only when
    the new one is complete. Raises UnknownChoice, PathNotFound, NotWritable.
    """
    writer = writers.get(file.suffix.lower())
    if writer is None:
        raise UnknownChoice(f"Name the {what} {' or '.join('*' + suffix for suffix in writers)}, not {file.name}.")
    check_parent(file)
    try:
        with replaced(file) as partial:
            return writer(content, partial)
    except OSError as error:
        raise not_writable(file, error) from error


def check_parent(target: Path) -> None:
    """Raise PathNotFound unless the target's parent folder exists."""
    if not target.absolute().parent.is_dir():
        raise PathNotFound(f"There is no folder {target.absolute().parent}; create it or export somewhere else.")


def not_writable(target: Path, error: OSError) -> NotWritable:
    """Return the error for a file or folder that could not be written."""
    if error.errno == errno.EXDEV:
        return NotWritable(
            f"{target} is on another disk than the photos, and hard links can't lead there; use copies or symbolic "
            "links."
        )
    return NotWritable(f"{target} can't be written ({error.strerror}); export to another folder.")


# --- folders ----------------------------------------------------------------------------------------------------
def check_folder(folder: Path) -> None:
    """Raise BadInput if the folder exists and is not empty, PathNotFound if its parent does not exist."""
    check_parent(folder)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise BadInput(f"{folder} is there and not empty; choose a new folder.")
    except OSError as error:
        raise not_writable(folder, error) from error


def save_folder(entries: Iterable[Entry], folder: Path, *, link: Link = "copy") -> tuple[int, int]:
    """Write the files into a new or empty folder, all or none. Returns their number, and their bytes without links.

    Raises BadInput, PathNotFound, NotWritable.
    """
    check_folder(folder)
    partial = folder.with_name(f".{folder.name}.partial")
    files = size = 0
    try:
        if partial.exists():  # left by a killed export
            shutil.rmtree(partial)
        partial.mkdir()
        for entry in entries:
            target = partial.joinpath(*entry.path.split("/"))
            target.parent.mkdir(parents=True, exist_ok=True)
            files, size = files + 1, size + _put(entry.content, target, link)
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    except OSError as error:
        raise not_writable(folder, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return files, size


def _put(content: bytes | Path, target: Path, link: Link) -> int:
    if isinstance(content, bytes):
        return target.write_bytes(content)
    if link == "symbolic":
        target.symlink_to(content.absolute())
        return 0
    if link == "hard":
        os.link(content, target)
        return 0
    shutil.copy2(content, target)
    return target.stat().st_size


# --- archives ---------------------------------------------------------------------------------------------------
def zipped(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Stream the files as a zip archive, without a temporary file or compression, since pictures hardly compress. A
    file that can't be read raises its OSError."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for entry in entries:
            for _ in _written(archive, entry):
                yield sink.take()
    yield sink.take()


def _written(archive: zipfile.ZipFile, entry: Entry) -> Iterator[None]:
    """Write a file into the archive, yielding whenever there may be output."""
    member = zipfile.ZipInfo(entry.path, ZIP_MOMENT)
    if isinstance(entry.content, bytes):
        archive.writestr(member, entry.content)
        yield
        return
    large = entry.content.stat().st_size >= zipfile.ZIP64_LIMIT
    with entry.content.open("rb") as file, archive.open(member, "w", force_zip64=large) as packed:
        while data := file.read(ZIP_CHUNK):
            packed.write(data)
            yield


class _Sink(io.RawIOBase):
    """Buffers what the archive writes until it is taken. It is not seekable, so that the archive never seeks."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._pieces.append(piece)
        return len(piece)

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


def save_zip(entries: Iterable[Entry], file: Path) -> tuple[int, int]:
    """Write the files into an archive, atomically. Returns their number, and the archive's size in bytes.

    Raises PathNotFound, NotWritable.
    """
    check_parent(file)
    files = 0

    def counted() -> Iterator[Entry]:
        nonlocal files
        for entry in entries:
            files += 1
            yield entry

    try:
        with replaced(file) as partial, partial.open("wb") as stream:
            for piece in zipped(counted()):
                stream.write(piece)
    except OSError as error:
        raise not_writable(file, error) from error
    return files, file.stat().st_size
