"""Reads any photo as an upright RGB array, or reports in plain words why it can't be read.

Formats are opened through individual Pillow plugins instead of `Image.open`, so that only the supported formats can
run, and `max_megapixels` replaces Pillow's own (global) size limit.
"""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from PIL import Image as Pillow
from PIL import ImageFile

from faceid_core import frame_path
from faceid_core.errors import ImageTooLarge, IsVideo, UnreadableImage
from faceid_core.geometry import panorama_factor
from faceid_core.media import formats, jpeg_xl, raw, xmp
from faceid_core.media.orientation import heif_orientation, turned
from faceid_core.media.pixels import upright_pixels
from faceid_core.media.source import (
    DEFAULT_MEGAPIXELS,
    Borrowed,
    Photograph,
    Source,
    camera_name,
    check_density,
    check_size,
    opened,
    parse_date,
    unreachable,
)
from faceid_core.values import Image

log = logging.getLogger(__name__)

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF", "JPEG2000", "JXL", "PSD")
_ORIENTATION, _DATE_TIME, _EXIF_IFD, _DATE_TIME_ORIGINAL = 0x0112, 0x0132, 0x8769, 0x9003
_MODEL = 0x0110
_DNG_VERSION, _XMP = 0xC612, 0x02BC


def read(source: Source, *, max_megapixels: float = DEFAULT_MEGAPIXELS, enough_px: int | None = None) -> Photograph:
    """Decode the photo at a path, or in bytes.

    enough_px: a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size as long as its longer side keeps at least this
    many pixels. This takes a quarter of the time and less memory.

    A path may be a video frame, see frame_path. Of an animation or multi-picture file, the first picture is read.
    Transparency is composited on white. Only two full-size copies exist, Pillow's image and the returned array, and
    the first is freed on return.

    Raises UnreadableImage with the reason in plain words, and ImageTooLarge by the declared size, before decoding.
    """
    if (moment := _moment(source)) is not None:
        from faceid_core.media import video

        return video.at(*moment, max_megapixels=max_megapixels)
    with opened(source) as file:
        if raw.is_raw(file, _suffix(source)):
            return raw.photograph(file, max_megapixels)
        image = _open_image(file, _suffix(source))
        try:
            check_size(*image.size, max_megapixels)
            size = image.size
            if enough_px and image.format in {"JPEG", "MPO"}:
                image.draft(None, _draft_size(image, enough_px))
            webp = _still_webp(image, file)
            if webp is None:
                _load(image)
            return _photograph(image, file, webp, size, source)
        finally:
            image.close()


def declared_megapixels(source: Source | Borrowed, *, max_megapixels: float = DEFAULT_MEGAPIXELS) -> float:
    """Return the size that a photo's header declares, in megapixels, without decoding it.

    Returns 0 for a video frame, whose size is checked when the video is opened.
    Raises UnreadableImage, also for a file that is far too small for the size it declares, and ImageTooLarge.
    """
    if not isinstance(source, Borrowed) and _moment(source) is not None:
        return 0.0
    with opened(source) as file:
        if raw.is_raw(file, _suffix(source)):
            return raw.megapixels(file, max_megapixels)
        image = _open_image(file, _suffix(source))
        check_size(*image.size, max_megapixels)
        check_density(*image.size, file.seek(0, io.SEEK_END))
        return float(image.width * image.height / 1e6)


class Described(NamedTuple):
    """Metadata of a photo. packet: its XMP, b"" for none; orientation: EXIF's, 1 to 8; width, height: of the
    picture as stored, before rotation, in pixels."""

    packet: bytes
    orientation: int
    width: int
    height: int


def described(path: Path) -> Described:
    """Return the XMP packet of a photo, its orientation and its size as stored.

    Only the beginning of the file is read. Raises UnreadableImage.
    """
    with opened(path) as file:
        if raw.is_raw(file, _suffix(path)):
            return Described(*raw.described(file))
        image = _open_image(file, _suffix(path))
        packet = image.info.get("xmp") or getattr(image, "tag_v2", {}).get(_XMP) or b""
        orientation = image.info.get("original_orientation") or _exif(image, path)[0]
        if image.format == "JXL":  # as in _photograph
            orientation = 1
        size = image.size
        if orientation >= 5 and _turned_at_opening(image, file):
            size = size[::-1]
    return Described(packet.encode() if isinstance(packet, str) else bytes(packet), orientation, *size)


def _turned_at_opening(image: ImageFile.ImageFile, file: IO[bytes]) -> bool:
    """Whether `size` is already that of the upright picture: for TIFF, and for HEIF if the container rotates it."""
    return image.format == "TIFF" or (image.format == "HEIF" and heif_orientation(image, file) == 1)


def _moment(source: Source) -> tuple[Path, float] | None:
    """Return the video and the seconds from its start; None for a photo."""
    if isinstance(source, bytes):
        return None
    file, seconds = frame_path.file_of(source), frame_path.split(source)[1]
    return None if seconds is None or file == Path(source) else (file, seconds)


def is_video(path: Path) -> bool:
    """Whether the file is a video or an animated GIF. Only its beginning is read."""
    try:
        with opened(path) as file:
            image = _open_image(file, _suffix(path))
            return image.format == "GIF" and bool(getattr(image, "is_animated", False))
    except IsVideo:
        return True
    except Exception:  # it can't be opened at all; reading it will report why
        return False


def _suffix(source: Source | Borrowed) -> str:
    return Path(source).suffix.lower() if isinstance(source, Path | str) else ""


def _openers() -> dict[str, tuple[Callable[..., ImageFile.ImageFile], Callable[[bytes], Any] | None]]:
    """Return Pillow's registered (factory, accept) of every supported format, in the order to try them."""
    from PIL import (  # noqa: F401 - importing a plugin registers it
        AvifImagePlugin,
        BmpImagePlugin,
        GifImagePlugin,
        Jpeg2KImagePlugin,
        JpegImagePlugin,
        PngImagePlugin,
        PsdImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
    )

    if "HEIF" not in Pillow.OPEN:
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False)
    own = {"JXL": (jpeg_xl.JpegXl, jpeg_xl.accept)}
    return {name: own.get(name) or Pillow.OPEN[name] for name in _FORMATS}


def _open_image(file: IO[bytes], suffix: str) -> ImageFile.ImageFile:
    """Parse the header. Raises UnreadableImage, saying what the file is, if it is not a supported photo."""
    try:
        prefix = file.read(64)
    except OSError as error:
        raise unreachable(error) from error
    formats.refuse_strangers(prefix, suffix)
    for name, (factory, accept) in _openers().items():
        accepted = accept(prefix) if accept else True
        if not accepted or isinstance(accepted, str):  # a string is Pillow's reason for refusing it
            continue
        file.seek(0)
        try:
            image = factory(file, "")
        except SyntaxError as error:
            image = _float_tiff(file, error)
        except Exception as error:
            raise _decoding_failed(error) from error
        if name == "TIFF" and _DNG_VERSION in image.tag_v2:  # type: ignore[attr-defined]
            raise UnreadableImage(formats.RAW)
        return image
    if suffix in formats.VIDEO_SUFFIXES:
        raise IsVideo(formats.VIDEO)
    raise UnreadableImage(formats.NOT_AN_IMAGE)


def _float_tiff(file: IO[bytes], refusal: SyntaxError) -> ImageFile.ImageFile:
    """Open a TIFF that Pillow refused because its colours are floats. Raises UnreadableImage if it had other
    reasons."""
    from faceid_core.media.float_tiff import FloatTiff

    try:
        file.seek(0)
        return FloatTiff(file, "")
    except Exception:
        raise _decoding_failed(refusal) from refusal


def _load(image: ImageFile.ImageFile) -> None:
    try:
        image.load()
    except Exception as error:  # decoding untrusted bytes: any exception is the file's fault
        raise _decoding_failed(error) from error


def _still_webp(image: ImageFile.ImageFile, file: IO[bytes]) -> Image | None:
    """Return the pixels of a WebP without alpha or animation, as stored; None for anything else.

    Pillow decodes WebP as an animation, which needs two more full-size pictures: 800 MB for 50 megapixels.
    """
    import cv2

    if image.format != "WEBP" or image.mode != "RGB" or getattr(image, "n_frames", 1) > 1:
        return None
    try:
        file.seek(0)
        data = np.frombuffer(file.read(), np.uint8)
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    except (OSError, cv2.error) as error:
        raise _decoding_failed(error) from error
    if pixels is None or pixels.shape[:2] != (image.height, image.width):
        raise UnreadableImage(formats.DAMAGED)
    return np.asarray(pixels, np.uint8)


def _decoding_failed(error: Exception) -> UnreadableImage:
    log.debug("decoding failed", exc_info=error)
    if isinstance(error, Pillow.DecompressionBombError):
        return ImageTooLarge("the photo declares far more pixels than any camera makes")
    if isinstance(error, MemoryError):
        return ImageTooLarge("the photo needs more memory than there is")
    if "truncated" in str(error).lower() or isinstance(error, EOFError):
        return UnreadableImage(formats.CUT_OFF)
    return UnreadableImage(formats.DAMAGED)


def _draft_size(image: Pillow.Image, enough_px: int) -> tuple[int, int]:
    """Return the draft size to request: Pillow chooses the smallest size that is no smaller in either direction."""
    share = min(enough_px * panorama_factor(*image.size) / max(image.size), 1.0)
    return math.ceil(image.width * share), math.ceil(image.height * share)


def _photograph(
    image: ImageFile.ImageFile, file: IO[bytes], decoded: Image | None, size: tuple[int, int], source: Source
) -> Photograph:
    """size: (width, height) in the file, before a draft."""
    orientation, taken_at = _exif(image, source)
    if image.format == "HEIF":
        orientation = heif_orientation(image, file)
    if image.format == "JXL":  # libjxl rotates by its own header; EXIF is ignored (18181-2)
        orientation = 1
    try:
        pixels = upright_pixels(image, orientation) if decoded is None else turned(decoded, orientation)
    except Exception as error:
        raise _decoding_failed(error) from error
    height, width = pixels.shape[:2]
    if image.size != size and image.format in {"JPEG", "MPO"}:  # a draft
        width, height = size[::-1] if orientation >= 5 else size
    return Photograph(pixels, width, height, taken_at, (image.format or "").lower(), _camera(image))


def _exif(image: Pillow.Image, source: Source) -> tuple[int, datetime | None]:
    """Return the orientation (1 to 8) that is still to be applied, and when the photo was taken. Invalid values
    count as absent. A JPEG without orientation may have it in an XMP sidecar, written by programs that don't modify
    photos.

    Call this on a loaded image: decoders rotate TIFF and HEIF themselves and then remove the tag.
    """
    try:
        exif = image.getexif()
        orientation = exif.get(_ORIENTATION)
    except Exception:
        return 1, None
    if orientation is None and image.format in {"JPEG", "MPO"} and not isinstance(source, bytes):
        orientation = xmp.orientation(Path(source))
    original: object = None
    try:
        original = exif.get_ifd(_EXIF_IFD).get(_DATE_TIME_ORIGINAL)
    except Exception:
        log.debug("unreadable EXIF directory", exc_info=True)
    taken_at = parse_date(original) or parse_date(exif.get(_DATE_TIME))
    return next((turn for turn in range(1, 9) if turn == orientation), 1), taken_at


def _camera(image: Pillow.Image) -> str | None:
    try:
        return camera_name(image.getexif().get(_MODEL))
    except Exception:
        return None


def encode_jpeg(pixels: Image, quality: int = 90) -> bytes:
    """Encode an (H,W,3) uint8 RGB image as JPEG without chroma subsampling: face crops are small.
    Raises ValueError for other arrays."""
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or pixels.size == 0:
        raise ValueError(f"an image must be (H,W,3) uint8 and not empty, not {pixels.shape} {pixels.dtype}")
    buffer = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(pixels)).save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()


def decode_jpeg(data: bytes) -> Image:
    """Decode bytes from `encode_jpeg` to (H,W,3) uint8 RGB. Raises UnreadableImage if they are damaged."""
    return read(data).pixels


def thumbnail(pixels: Image, side_px: int = 320) -> Image:
    """Scale an (H,W,3) uint8 image down so that its longer side is at most `side_px`. Never scales up."""
    height, width = pixels.shape[:2]
    if max(height, width) <= side_px:
        return pixels
    scale = side_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = Pillow.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(image.resize(size, Pillow.Resampling.LANCZOS, reducing_gap=3.0))
