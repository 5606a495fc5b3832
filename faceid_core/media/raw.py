"""Camera RAW files, read with LibRaw: the embedded JPEG preview if it is large enough, else the sensor data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import IO, Any

import numpy as np
from PIL import Image as Pillow

from faceid_core.errors import UnreadableImage
from faceid_core.media import formats
from faceid_core.media.orientation import turned
from faceid_core.media.pixels import upright_pixels
from faceid_core.media.source import Photograph, camera_name, check_size, parse_date
from faceid_core.values import Image

PREVIEW_PX = 1600
"""The preview is used if its longer side has at least this, or half of the sensor's: faces lose nothing."""

_ORIENTATIONS = {0: 1, 3: 3, 5: 8, 6: 6}
"""LibRaw's flip -> EXIF orientation (libraw.org/docs/API-datastruct-eng.html, sizes.flip)."""

_XMP, _MODEL, _DATE_TIME, _EXIF_IFD, _DATE_TIME_ORIGINAL = 0x02BC, 0x0110, 0x0132, 0x8769, 0x9003


def is_raw(file: IO[bytes], suffix: str) -> bool:
    """Whether to read a file as RAW: by its suffix, unless its content is a JPEG, or by its first bytes."""
    prefix = file.read(64)
    file.seek(0)
    by_name = suffix in formats.RAW_SUFFIXES and not prefix.startswith(b"\xff\xd8\xff")
    return by_name or formats.starts_as_raw(prefix)


def photograph(file: IO[bytes], max_megapixels: float) -> Photograph:
    """Return the upright photo. Raises UnreadableImage, ImageTooLarge."""
    _, taken_at, model = _tags(file)
    with _opened(file) as raw:
        sizes = raw.sizes
        check_size(sizes.width, sizes.height, max_megapixels)
        pixels = _preview(raw, max(sizes.width, sizes.height), max_megapixels)
        if pixels is None:
            pixels = np.ascontiguousarray(raw.postprocess(use_camera_wb=True, output_bps=8))
    return Photograph(pixels, pixels.shape[1], pixels.shape[0], taken_at, "raw", model)


def megapixels(file: IO[bytes], max_megapixels: float) -> float:
    """Return the size that the header declares. Raises UnreadableImage, ImageTooLarge."""
    with _opened(file) as raw:
        sizes = raw.sizes
        check_size(sizes.width, sizes.height, max_megapixels)
        return float(sizes.width * sizes.height / 1e6)


def described(file: IO[bytes]) -> tuple[bytes, int, int, int]:
    """Return the XMP packet (b"" for none), and the EXIF orientation, width and height of the picture as stored."""
    with _opened(file) as raw:
        sizes = raw.sizes
    return _tags(file)[0], _ORIENTATIONS.get(sizes.flip, 1), sizes.width, sizes.height


@contextmanager
def _opened(file: IO[bytes]) -> Iterator[Any]:
    import rawpy

    try:
        file.seek(0)
        with rawpy.imread(file) as raw:
            yield raw
    except (rawpy.LibRawError, OSError, ValueError) as error:
        raise UnreadableImage(formats.RAW) from error


def _preview(raw: Any, side: int, max_megapixels: float) -> Image | None:
    """Return the upright embedded preview, if there is one that is large enough."""
    import io

    import rawpy

    with suppress(rawpy.LibRawError, OSError, ValueError, SyntaxError):
        thumb = raw.extract_thumb()
        if thumb.format is not rawpy.ThumbFormat.JPEG:
            return None
        with Pillow.open(io.BytesIO(thumb.data), formats=("JPEG",)) as image:
            if max(image.size) < min(PREVIEW_PX, side / 2):
                return None
            check_size(*image.size, max_megapixels)
            orientation = image.getexif().get(0x0112, 1)  # most cameras rotate neither picture; some tag both
            stored = upright_pixels(image, 1)
        flip = _ORIENTATIONS.get(raw.sizes.flip, 1)
        return turned(stored, flip if flip != 1 else orientation)
    return None


def _tags(file: IO[bytes]) -> tuple[bytes, datetime | None, str | None]:
    """Return the XMP packet, the time and the camera, if the file is based on TIFF, as most RAW formats are."""
    from PIL import TiffImagePlugin

    with suppress(Exception):  # invalid values count as absent, as in images
        file.seek(0)
        tags: Any = TiffImagePlugin.ImageFileDirectory_v2(file.read(8))
        file.seek(tags.next)
        tags.load(file)
        packet, taken = tags.get(_XMP, b""), tags.get(_DATE_TIME)
        with suppress(Exception):
            exif: Any = TiffImagePlugin.ImageFileDirectory_v2(tags._prefix + b"\0" * 6)
            file.seek(tags[_EXIF_IFD])
            exif.load(file)
            taken = exif.get(_DATE_TIME_ORIGINAL) or taken
        packet = packet.encode() if isinstance(packet, str) else bytes(packet)
        return packet, parse_date(taken), camera_name(tags.get(_MODEL))
    return b"", None, None
