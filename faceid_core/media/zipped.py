"""The photos in a zip archive, read one by one: nothing is unpacked onto the disk."""

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
"""So many times the largest upload an archive may hold unpacked: photos hardly shrink, so that more is a bomb."""


class PackedPhoto:
    """A photo in an archive. name: with its folders there."""

    def __init__(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit_bytes: int) -> None:
        self._archive, self._entry, self._limit = archive, entry, limit_bytes
        self.name = entry.filename

    def read(self) -> bytes:
        """Its bytes. Raises UnreadableImage with the plain reason, never for more than the limit."""
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
    """What has the ending of a photo, by name, without hidden files. limit_mb: the largest of them.

    Raises BadInput for too many files, for more than could be photos, and where there is no photo.
    """
    entries = [entry for entry in archive.infolist() if _is_photo(entry)]
    limit = limit_mb * 1024**2
    if len(entries) > MOST_FILES:
        raise BadInput(f"The archive holds {len(entries):,} photos; send {MOST_FILES:,} at most.")
    if sum(entry.file_size for entry in entries) > MOST_TIMES * limit:
        raise BadInput(f"The archive holds more than {MOST_TIMES * limit_mb:,} MB; send it in parts.")
    if not entries:
        raise BadInput("There is no photo in this archive; pack photos in JPEG, PNG, HEIC or a similar format.")
    return [PackedPhoto(archive, entry, limit) for entry in sorted(entries, key=lambda entry: entry.filename)]


def opened(file: Path | IO[bytes]) -> zipfile.ZipFile:
    """The archive. Raises BadInput for a file that is none."""
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise BadInput("This zip archive is damaged or no archive; pack the photos again.") from error


def is_zip(name: str) -> bool:
    """By its name alone."""
    return name.lower().endswith(".zip")


def _is_photo(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(entry.filename)
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return not entry.is_dir() and not hidden and path.suffix.lower() in SUFFIXES
