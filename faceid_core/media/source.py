"""Sources of pixels: opened files or bytes, the limits on them, and the decoded photo."""

from __future__ import annotations

import io
import re
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from faceid_core.errors import ImageTooLarge, UnreadableImage
from faceid_core.media import formats
from faceid_core.remote import RemotePath, place
from faceid_core.remote_cache import local_copy
from faceid_core.values import Image

DEFAULT_MEGAPIXELS = 150.0

CAMERA_CHARACTERS = 100
"""Longest camera name; real ones have at most 40."""

Source = Path | str | bytes


@dataclass(frozen=True, slots=True, eq=False)
class Photograph:
    """A decoded photo.

    pixels: (height, width, 3) uint8 RGB, upright; fewer rows and columns where a draft was enough.
    taken_at: the camera's local time, or None.
    format: Pillow's name of the file format in lower case, such as "jpeg" or "heif".
    camera: the camera model according to the file, or None.
    """

    pixels: Image
    width: int
    height: int
    taken_at: datetime | None
    format: str
    camera: str | None = None

    @property
    def drafted(self) -> float:
        """The scale of the photo relative to its pixels: 1, or 2, 4 or 8 for a draft."""
        return float(self.width / self.pixels.shape[1])


class Borrowed(io.RawIOBase):
    """Wraps a file owned by the caller, from its start. Closing this leaves the file open."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        file.seek(0)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """See io.RawIOBase."""
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """See io.RawIOBase; also used by tell."""
        self._file.seek(offset, whence)
        return self._file.tell()


def opened(source: Source | Borrowed) -> IO[bytes]:
    """Open the source, or a local copy of a remote one, as a seekable file. Raises UnreadableImage,
    RemoteUnusable."""
    if isinstance(source, Borrowed):
        if not source.seek(0, io.SEEK_END):
            raise UnreadableImage(formats.EMPTY)
        source.seek(0)
        return io.BufferedReader(source)
    if isinstance(source, bytes):
        if not source:
            raise UnreadableImage(formats.EMPTY)
        return io.BytesIO(source)
    path = place(source)
    if isinstance(path, RemotePath):
        return _opened_copy(path)
    return _opened_file(path)


def _opened_copy(path: RemotePath) -> IO[bytes]:
    try:
        copy = local_copy(path)
        if not copy.exists():  # deleted to free space for another one
            copy = local_copy(path)
    except OSError as error:
        raise unreachable(error) from error
    return _opened_file(copy)


def _opened_file(path: Path) -> IO[bytes]:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would block
            raise UnreadableImage("not an ordinary file")
        if status.st_size == 0:
            raise UnreadableImage(formats.EMPTY)
        return path.open("rb")
    except (OSError, ValueError) as error:
        raise unreachable(error) from error


def unreachable(error: OSError | ValueError) -> UnreadableImage:
    """Return the error to raise if a file can't be opened, with the reason in plain words."""
    if isinstance(error, FileNotFoundError):
        return UnreadableImage("the file is no longer there")
    if isinstance(error, PermissionError):
        return UnreadableImage("the file can't be read: permission denied")
    return UnreadableImage(f"the file can't be read: {getattr(error, 'strerror', None) or error}")


def check_size(width: int, height: int, max_megapixels: float, what: str = "photo") -> None:
    """Raise ImageTooLarge if the size is beyond the limit."""
    megapixels = width * height / 1e6
    if megapixels > max_megapixels:
        raise ImageTooLarge(
            f"the {what} declares {megapixels:,.0f} megapixels and the limit is {max_megapixels:,.0f}; "
            "raise FACEID_MAX_MEGAPIXELS if you trust it"
        )


DENSE_FROM, LEAST_DENSITY = 20.0, 1 / 1000
"""Minimum bytes per pixel of photos from this many megapixels on. An all-white JPEG has 16 times as many (six
end-of-block codes per 256 pixels, ITU T.81, K.3), a page of text in fax encoding four times."""


def check_density(width: int, height: int, size_bytes: int) -> None:
    """Raise UnreadableImage for a tiny file that declares a huge picture: a decompression bomb without any
    faces."""
    megapixels = width * height / 1e6
    if megapixels > DENSE_FROM and size_bytes < LEAST_DENSITY * megapixels * 1e6:
        raise UnreadableImage(
            f"{size_bytes:,} bytes can't hold a photo of the {megapixels:,.0f} megapixels it declares"
        )


def camera_name(model: object) -> str | None:
    """Normalise EXIF's Model; None if it is invalid."""
    if not isinstance(model, str):
        return None
    name = " ".join(model.replace("\0", " ").split())
    return name[:CAMERA_CHARACTERS] if name and name.isprintable() else None


def parse_date(value: object) -> datetime | None:
    """Parse EXIF's "2021:05:01 12:30:00" (also with dashes, a T or without seconds); None if it is invalid."""
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    if not isinstance(value, str):
        return None
    found = re.match(r"\s*(\d{4})[:/.-](\d\d?)[:/.-](\d\d?)(?:[T ]+(\d\d?):(\d\d)(?::(\d\d))?)?", value)
    if not found:
        return None
    try:
        return datetime(*(int(part or 0) for part in found.groups()))  # type: ignore[arg-type]
    except ValueError:  # 0000:00:00: the camera's clock was never set
        return None
