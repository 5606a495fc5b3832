"""faceid_core.media.images: what is no photo, or no sound one, ends with one plain reason."""

from __future__ import annotations

import io
import os
import re
import struct
import tracemalloc
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from faceid_core.errors import ImageTooLarge, UnreadableImage
from faceid_core.media import formats, images
from tests.media.drawn import encoded, scene

REFUSED = {
    "empty": (b"", formats.EMPTY),
    "text": (b"Dear diary,\nno photo today.\n", formats.NOT_AN_IMAGE),
    "zeros": (bytes(5000), formats.NOT_AN_IMAGE),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", formats.DRAWING),
    "pdf": (b"%PDF-1.7\n", formats.DOCUMENT),
    "mp4": (b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41", formats.VIDEO),
    "mov": (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", formats.VIDEO),
    "webm": (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01", formats.VIDEO),
    "avi": (b"RIFF\0\0\0\0AVI LIST", formats.VIDEO),
    "cr2": (b"II*\0\x10\0\0\0CR\x02\0" + bytes(40), formats.RAW),
    "cr3": (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", formats.RAW),
    "damaged": (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, formats.DAMAGED),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_a_plain_reason(case: str, tmp_path: Path) -> None:
    data, reason = REFUSED[case]
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    for source in (data, path, str(path)):
        with pytest.raises(UnreadableImage) as caught:
            images.read(source)
        assert str(caught.value) == reason


def test_a_raw_file_is_not_read_as_its_preview(tmp_path: Path) -> None:
    preview = encoded(scene(), "TIFF")
    path = tmp_path / "photo.NEF"
    path.write_bytes(preview)
    with pytest.raises(UnreadableImage, match="camera RAW"):
        images.read(path)
    negative = encoded(scene(), "TIFF", tiffinfo={0xC612: b"\1\4\0\0"})
    with pytest.raises(UnreadableImage, match="camera RAW"):
        images.read(negative)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "HEIF", "AVIF"])
def test_a_cut_off_file_says_so(form: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
    data = encoded(noise, form)
    with pytest.raises(UnreadableImage, match="damaged or cut off"):
        images.read(data[: len(data) // 2])


def test_a_cut_off_jpeg_misses_its_end() -> None:
    data = encoded(scene(400, 400), "JPEG")
    with pytest.raises(UnreadableImage, match="its end is missing"):
        images.read(data[: len(data) * 2 // 3])


def bomb_png(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", len(header)) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


def test_a_bomb_is_refused_by_its_declared_size_before_decoding() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ImageTooLarge, match=r"2,500 megapixels and the limit is 150"):
            images.read(bomb_png(50_000, 50_000))
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_gif_whose_first_frame_is_a_bomb_is_refused() -> None:
    screen = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0)
    frame = b"," + struct.pack("<HHHHB", 0, 0, 60000, 60000, 0) + b"\x02\x02D\x01\0;"
    with pytest.raises(ImageTooLarge):
        images.read(screen + frame)


def test_the_limit_is_ours_and_pillow_stays_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", 26_000)
    data = encoded(scene(96, 2000), "PNG")
    with pytest.raises(Pillow.DecompressionBombError):
        Pillow.open(io.BytesIO(data))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert images.read(data).height == 2000
    assert Pillow.MAX_IMAGE_PIXELS == 26_000
    with pytest.raises(ImageTooLarge, match="FACEID_MAX_MEGAPIXELS"):
        images.read(data, max_megapixels=0.001)
    assert images.read(data, max_megapixels=96 * 2000 / 1e6).width == 96


def test_paths_that_are_no_photo(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="not an ordinary file"):
        images.read(tmp_path)
    with pytest.raises(UnreadableImage, match="no longer there"):
        images.read(tmp_path / "gone.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(UnreadableImage, match="not an ordinary file"):
        images.read(tmp_path / "pipe.jpg")


ALIVE = {form: encoded(scene(40, 30), form) for form in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(ALIVE)), st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_damaged_bytes_end_as_image_or_reason(form: str, seed: int, changes: int) -> None:
    rng = np.random.default_rng(seed)
    data = bytearray(ALIVE[form])
    for at in rng.integers(0, len(data), changes):
        data[at] = rng.integers(0, 256)
    if seed % 3 == 0:
        del data[int(rng.integers(1, len(data))) :]
    try:
        photo = images.read(bytes(data), max_megapixels=2)
    except UnreadableImage as error:
        assert re.fullmatch(r"[a-z][^\n]{5,150}", str(error))
    else:
        assert photo.pixels.shape == (photo.height, photo.width, 3)
