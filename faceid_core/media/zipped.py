"""Reads the photos in a zip archive one by one, without unpacking it to disk."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

from faceid_core.errors import BadInput, UnreadableImage
from faceid_core.media.formats import SUFFIXES

MOST_FILES = 10_000
"""Of one archive."""

MOST_TIMES = 20
"""Maximum unpacked size, as a multiple of the largest upload: photos hardly compress, so more is a zip bomb."""


class PackedPhoto:
    """A photo in an archive. name: with its folders in the archive."""

    def __init__(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit_bytes: int) -> None:
        self._archive, self._entry, self._limit = archive, entry, limit_bytes
        self.name = entry.filename

    def read(self) -> bytes:
        """Return the photo's bytes, never more than the limit. Raises UnreadableImage with the reason."""
        if self._entry.flag_bits & 1:
            raise UnreadableImage("it is encrypted")
        try:
            with self._archive.open(self._entry) as packed:
                data = packed.read(self._limit + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
            raise UnreadableImage("it is damaged in the archive") from error
        if len(data) > self._limit:
            raise UnreadableImage(f"it is larger than {self._limit // 1024**2} MB")
        return data


def photos_in(archive: zipfile.ZipFile, limit_mb: int) -> list[PackedPhoto]:
    """Return the files with photo suffixes, by name, without hidden files. limit_mb: maximum size of each.

    Raises BadInput for too many files, for a total size beyond the limit, and if there are no photos.
    """
    entries = [entry for entry in archive.infolist() if _is_photo(entry)]
    limit = limit_mb * 1024**2
    if len(entries) > MOST_FILES:
        raise BadInput(f"The archive contains {len(entries):,} photos; send at most {MOST_FILES:,}.")
    if sum(entry.file_size for entry in entries) > MOST_TIMES * limit:
        raise BadInput(f"The archive contains more than {MOST_TIMES * limit_mb:,} MB; send it in parts.")
    if not entries:
        raise BadInput("There is no photo in this archive; pack photos in JPEG, PNG, HEIC or a similar format.")
    return [PackedPhoto(archive, entry, limit) for entry in sorted(entries, key=lambda entry: entry.filename)]


def opened(file: Path | IO[bytes]) -> zipfile.ZipFile:
    """Open an archive. Raises BadInput if the file is not an archive."""
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise BadInput("This file is not a zip archive, or it is damaged; pack the photos again.") from error


def is_zip(name: str) -> bool:
    """Whether the name is that of a zip archive."""
    return name.lower().endswith(".zip")


def _is_photo(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(entry.filename)
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return not entry.is_dir() and not hidden and path.suffix.lower() in SUFFIXES
