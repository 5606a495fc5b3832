"""Where pixels come from: an opened file or bytes, the limits on it, and the decoded photo."""

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
"""Longest name of a camera; real ones have 40 at most."""

Source = Path | str | bytes


@dataclass(frozen=True, slots=True, eq=False)
class Photograph:
    """A decoded photo.

    pixels: (height, width, 3) uint8 RGB, upright; fewer rows and columns where a draft was enough.
    taken_at: the camera's local time, or None.
    format: Pillow's name of the file format in lower case, such as "jpeg" or "heif".
    camera: what the file calls the camera's model, None for a file that says nothing.
    """

    pixels: Image
    width: int
    height: int
    taken_at: datetime | None
    format: str
    camera: str | None = None

    @property
    def drafted(self) -> float:
        """How much larger the photo is than its pixels: 1, or 2, 4 or 8 for a draft."""
        return float(self.width / self.pixels.shape[1])


class Borrowed(io.RawIOBase):
    """Somebody else's file, from its start; closing this one leaves it open."""

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
        """As io.RawIOBase has it."""
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As io.RawIOBase has it; tell asks it, too."""
        self._file.seek(offset, whence)
        return self._file.tell()


def opened(source: Source | Borrowed) -> IO[bytes]:
    """A seekable file over the source, or over a copy of what lies elsewhere. Raises UnreadableImage where there is
    nothing to read, RemoteUnusable."""
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
        if not copy.exists():  # taken away to make room for another one
            copy = local_copy(path)
    except OSError as error:
        raise unreachable(error) from error
    return _opened_file(copy)


def _opened_file(path: Path) -> IO[bytes]:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
            raise UnreadableImage("not an ordinary file")
        if status.st_size == 0:
            raise UnreadableImage(formats.EMPTY)
        return path.open("rb")
    except (OSError, ValueError) as error:
        raise unreachable(error) from error


def unreachable(error: OSError | ValueError) -> UnreadableImage:
    """The plain reason why a file can't be opened, as the error to raise."""
    if isinstance(error, FileNotFoundError):
        return UnreadableImage("the file is no longer there")
    if isinstance(error, PermissionError):
        return UnreadableImage("the file may not be read: permission denied")
    return UnreadableImage(f"the file can't be read: {getattr(error, 'strerror', None) or error}")


def check_size(width: int, height: int, max_megapixels: float, what: str = "photo") -> None:
    """Raises ImageTooLarge."""
    megapixels = width * height / 1e6
    if megapixels > max_megapixels:
        raise ImageTooLarge(
            f"the {what} declares {megapixels:,.0f} megapixels and the limit is {max_megapixels:,.0f}; "
            "raise FACEID_MAX_MEGAPIXELS if you trust it"
        )


DENSE_FROM, LEAST_DENSITY = 20.0, 1 / 1000
"""From so many megapixels on a photo has at least so many bytes a pixel. A JPEG of nothing but white has 16 times
as many (six coefficients' ends for 256 pixels, ITU T.81, K.3), a page of text in fax coding four times."""


def check_density(width: int, height: int, size_bytes: int) -> None:
    """Raises UnreadableImage for a few bytes that declare a huge picture: a bomb, in which nobody's face can be."""
    megapixels = width * height / 1e6
    if megapixels > DENSE_FROM and size_bytes < LEAST_DENSITY * megapixels * 1e6:
        raise UnreadableImage(
            f"{size_bytes:,} bytes can't hold a photo of the {megapixels:,.0f} megapixels it declares"
        )


def camera_name(model: object) -> str | None:
    """EXIF's Model as people write it; None for rubbish."""
    if not isinstance(model, str):
        return None
    name = " ".join(model.replace("\0", " ").split())
    return name[:CAMERA_CHARACTERS] if name and name.isprintable() else None


def parse_date(value: object) -> datetime | None:
    """The EXIF form "2021:05:01 12:30:00" (also with dashes, a T or without seconds), or None for rubbish."""
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    if not isinstance(value, str):
        return None
    found = re.match(r"\s*(\d{4})[:/.-](\d\d?)[:/.-](\d\d?)(?:[T ]+(\d\d?):(\d\d)(?::(\d\d))?)?", value)
    if not found:
        return None
    try:
        return datetime(*(int(part or 0) for part in found.groups()))  # type: ignore[arg-type]
    except ValueError:  # 0000:00:00 is how cameras say that their clock was never set
        return None
