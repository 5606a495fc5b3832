"""RAW files: the sensor's data are developed, the camera's own JPEG is taken where it is large enough."""

from __future__ import annotations

import io
import struct
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from faceid_core.errors import ImageTooLarge, UnreadableImage
from faceid_core.media import images, raw

TAKEN = b"2021:05:01 12:30:00\0"
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"


def dng(pixels: npt.NDArray[np.uint8], orientation: int = 1) -> bytes:
    """An uncompressed DNG of (H, W, 3) uint8, as a sensor of red, green, green and blue would see it."""
    height, width = pixels.shape[:2]
    mosaic = np.empty((height, width), "<u2")
    for row, column, channel in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        mosaic[row::2, column::2] = pixels[row::2, column::2, channel].astype(np.uint16) * 257
    one = struct.pack("<18i", *(number for place in range(9) for number in (int(place % 4 == 0), 1)))
    tags: list[tuple[int, int, int, bytes]] = [
        (254, 4, 1, struct.pack("<I", 0)),
        (256, 4, 1, struct.pack("<I", width)),
        (257, 4, 1, struct.pack("<I", height)),
        (258, 3, 1, struct.pack("<H", 16)),
        (259, 3, 1, struct.pack("<H", 1)),
        (262, 3, 1, struct.pack("<H", 32803)),
        (271, 2, 6, b"Drawn\0"),
        (272, 2, 6, b"Drawn\0"),
        (273, 4, 1, b""),
        (274, 3, 1, struct.pack("<H", orientation)),
        (277, 3, 1, struct.pack("<H", 1)),
        (278, 4, 1, struct.pack("<I", height)),
        (279, 4, 1, struct.pack("<I", mosaic.nbytes)),
        (306, 2, len(TAKEN), TAKEN),
        (700, 1, len(XMP), XMP),
        (33421, 3, 2, struct.pack("<2H", 2, 2)),
        (33422, 1, 4, bytes((0, 1, 1, 2))),
        (50706, 1, 4, bytes((1, 4, 0, 0))),
        (50708, 2, 6, b"Drawn\0"),
        (50717, 4, 1, struct.pack("<I", 65535)),
        (50721, 10, 9, one),
        (50728, 5, 3, struct.pack("<6I", 1, 1, 1, 1, 1, 1)),
    ]
    start = 8 + 2 + 12 * len(tags) + 4
    sizes = [len(value) + len(value) % 2 if len(value) > 4 else 0 for *_, value in tags]
    strip = start + sum(sizes)
    entries, rest = b"", b""
    tags = [(273, 4, 1, struct.pack("<I", strip)) if tag[0] == 273 else tag for tag in tags]
    for tag, kind, number, value in tags:
        entries += struct.pack("<HHI", tag, kind, number)
        entries += value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", start + len(rest))
        rest += value + b"\0" * (len(value) % 2) if len(value) > 4 else b""
    head = b"II*\0" + struct.pack("<IH", 8, len(tags))
    return head + entries + struct.pack("<I", 0) + rest + mosaic.tobytes()


@pytest.fixture
def picture() -> npt.NDArray[np.uint8]:
    """(120, 200, 3): dark on the left, bright on the right, so that turning it shows."""
    pixels = np.full((120, 200, 3), 40, np.uint8)
    pixels[:, 100:] = 200
    return pixels


def test_the_sensor_is_developed_upright(tmp_path: Path, picture: npt.NDArray[np.uint8]) -> None:
    path = tmp_path / "one.dng"
    path.write_bytes(dng(picture, orientation=6))
    photo = images.read(path)
    assert (photo.width, photo.height, photo.format) == (120, 200, "raw")
    assert photo.pixels[150:].mean() > photo.pixels[:50].mean() + 50
    assert photo.taken_at == datetime(2021, 5, 1, 12, 30)
    assert images.described(path)[:2] == (XMP, 6)
    assert images.declared_megapixels(path) == pytest.approx(0.024)


def test_too_many_pixels_are_refused_before_developing(tmp_path: Path, picture: npt.NDArray[np.uint8]) -> None:
    (tmp_path / "one.dng").write_bytes(dng(picture))
    with pytest.raises(ImageTooLarge):
        images.read(tmp_path / "one.dng", max_megapixels=0.01)
    with pytest.raises(ImageTooLarge):
        images.declared_megapixels(tmp_path / "one.dng", max_megapixels=0.01)


@pytest.mark.parametrize("content", [b"II*\0rubbish", b"x" * 3000, b"FUJIFILMCCD-RAW 0201"])
def test_one_that_cannot_be_developed_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "one.nef").write_bytes(content)
    for read in (images.read, images.declared_megapixels, images.described):
        with pytest.raises(UnreadableImage, match="camera RAW file that can't be developed; export it as JPEG"):
            read(tmp_path / "one.nef")


def test_a_jpeg_that_is_called_raw_is_a_jpeg(tmp_path: Path, picture: npt.NDArray[np.uint8]) -> None:
    Image.fromarray(picture).save(tmp_path / "one.jpg")
    (tmp_path / "one.jpg").rename(tmp_path / "one.nef")
    assert images.read(tmp_path / "one.nef").format == "jpeg"


@pytest.mark.parametrize(("size", "is_taken"), [((1800, 1200), True), ((160, 120), False)])
def test_the_cameras_own_jpeg_is_taken_where_it_is_large_enough(size: tuple[int, int], is_taken: bool) -> None:
    import rawpy

    buffer = io.BytesIO()
    Image.new("RGB", size, (10, 200, 30)).save(buffer, "JPEG")

    class Camera:
        sizes = type("Sizes", (), {"flip": 6})

        def extract_thumb(self) -> object:
            return rawpy.Thumbnail(rawpy.ThumbFormat.JPEG, buffer.getvalue())

    pixels = raw._preview(Camera(), 6000, 150)
    assert (pixels is not None) == is_taken
    if pixels is not None:
        assert pixels.shape == (size[0], size[1], 3)  # turned as the sensor's data would be
