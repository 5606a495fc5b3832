"""faceid_core.media.images: every photo becomes an upright RGB image."""

from __future__ import annotations

import io
import struct
import zlib
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageCms

from faceid_core.errors import UnreadableImage
from faceid_core.media import formats, images, source
from tests.media.drawn import encoded, scene, with_exif


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "HEIF", "AVIF"])
def test_every_format_gives_the_same_picture(form: str) -> None:
    photo = images.read(encoded(scene(), form))
    assert photo.pixels.shape == (64, 96, 3)
    assert photo.pixels.dtype == np.uint8
    assert (photo.width, photo.height, photo.format) == (96, 64, form.lower())
    assert np.abs(photo.pixels.astype(int) - scene()).mean() < 6


STORED = {  # how an upright picture lies in the file, by EXIF orientation (EXIF 2.32, 4.6.4)
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: np.rot90(a, 2),
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(orientation: int, form: str) -> None:
    stored = np.ascontiguousarray(STORED[orientation](scene(96, 600)))  # taller than one strip
    lossless = {"lossless": True} if form == "WEBP" else {}
    data = encoded(stored, form, exif=with_exif(orientation=orientation), **lossless)
    photo = images.read(data)
    np.testing.assert_array_equal(photo.pixels, scene(96, 600))
    assert (photo.width, photo.height) == (96, 600)
    assert photo.pixels.flags.c_contiguous


@pytest.mark.parametrize("form", ["JPEG", "HEIF", "AVIF"])
@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_orientation_of_lossy_formats_is_applied_once(orientation: int, form: str) -> None:
    stored = np.ascontiguousarray(STORED[orientation](scene()))
    photo = images.read(encoded(stored, form, quality=95, exif=with_exif(orientation=orientation)))
    assert np.abs(photo.pixels.astype(int) - scene()).mean() < 6


def test_heif_obeys_its_container_and_not_exif_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(scene(), "HEIF", quality=95, exif=with_exif(orientation=6))
    assert images.read(data).pixels.shape == (96, 64, 3)  # nothing but EXIF says how to turn it
    monkeypatch.setattr(formats, "heif_header", lambda file: b"....irot\1")  # libheif has turned it
    assert images.read(data).pixels.shape == (64, 96, 3)


def test_heif_header_is_the_meta_box() -> None:
    start = b"\0\0\0\x10ftypheic\0\0\0\0"
    long = (1).to_bytes(4, "big") + b"free" + (24).to_bytes(8, "big") + bytes(8)
    meta = b"\0\0\0\x18meta\0\0\0\0\0\0\0\x09irot\3"
    assert b"irot\3" in formats.heif_header(io.BytesIO(start + long + meta))
    assert formats.heif_header(io.BytesIO(start + long)) == b""
    assert formats.heif_header(io.BytesIO(start + b"\0\0\0\0mdat" + bytes(90))) == b""


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_an_impossible_orientation_is_ignored(orientation: int) -> None:
    data = encoded(scene(), "PNG", exif=with_exif(orientation=orientation))
    np.testing.assert_array_equal(images.read(data).pixels, scene())


def test_sixteen_bit_grey_keeps_its_tones() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)
    for form in ("PNG", "TIFF"):
        pixels = images.read(encoded(np.tile(ramp, (8, 1)), form)).pixels
        np.testing.assert_array_equal(pixels[0, :, 0], np.arange(256))
        assert np.ptp(pixels, axis=2).max() == 0


def test_float_tiff_uses_the_full_range() -> None:
    ramp = np.tile(np.linspace(0, 1, 256, dtype=np.float32), (8, 1))
    for scale in (1.0, 255.0):
        np.testing.assert_array_equal(images.read(encoded(ramp * scale, "TIFF")).pixels[0, :, 0], np.arange(256))


def sixteen_bit_rgb_png(values: np.ndarray) -> bytes:
    """A PNG of (H,W,3) uint16, written by hand: Pillow can't."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_sixteen_bit_colour_keeps_its_tones() -> None:
    pixels = images.read(sixteen_bit_rgb_png(scene().astype(np.uint16) * 257)).pixels
    np.testing.assert_array_equal(pixels, scene())


def test_transparency_is_laid_on_white() -> None:
    clear = np.dstack([scene(), np.zeros((64, 96), np.uint8)])
    half = np.dstack([np.zeros((64, 96, 3), np.uint8), np.full((64, 96), 128, np.uint8)])
    assert images.read(encoded(clear, "PNG")).pixels.min() == 255
    assert np.unique(images.read(encoded(half, "PNG")).pixels).tolist() == [127]
    grey = Pillow.new("LA", (9, 9), (0, 0))
    assert images.read(encoded(grey, "PNG")).pixels.min() == 255


def test_palette_grey_and_one_bit() -> None:
    palette = Pillow.fromarray(scene()).quantize(8)
    assert np.abs(images.read(encoded(palette, "PNG")).pixels.astype(int) - scene()).mean() < 4
    see_through = images.read(encoded(palette, "PNG", transparency=bytes(8))).pixels
    assert see_through.min() == 255
    assert images.read(encoded(Pillow.new("1", (5, 3), 1), "PNG")).pixels.tolist() == [[[255] * 3] * 5] * 3
    assert images.read(encoded(Pillow.new("L", (5, 3), 77), "JPEG")).pixels.shape == (3, 5, 3)


def test_cmyk_and_lab_become_rgb() -> None:
    white = images.read(encoded(Pillow.new("CMYK", (8, 8), (0, 0, 0, 0)), "JPEG")).pixels
    assert white.min() > 250
    lab = ImageCms.profileToProfile(
        Pillow.fromarray(scene()),
        ImageCms.createProfile("sRGB"),
        ImageCms.createProfile("LAB"),
        outputMode="LAB",
    )
    assert lab is not None
    assert np.abs(images.read(encoded(lab, "TIFF")).pixels.astype(int) - scene()).mean() < 4


def test_a_broken_colour_profile_is_ignored() -> None:
    data = encoded(Pillow.new("CMYK", (8, 8), (0, 0, 0, 0)), "JPEG", icc_profile=b"rubbish" * 40)
    assert images.read(data).pixels.min() > 250


def test_first_frame_and_first_picture() -> None:
    first, second = Pillow.fromarray(scene()), Pillow.new("RGB", (96, 64), (9, 9, 9))
    for form in ("GIF", "PNG", "WEBP", "TIFF", "MPO"):
        pixels = images.read(encoded(first, form, save_all=True, append_images=[second])).pixels
        assert np.abs(pixels.astype(int) - scene()).mean() < 12, form


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (
            {"taken": "2021:05:01 12:30:59", "changed": "2022:01:01 00:00:00"},
            datetime(2021, 5, 1, 12, 30, 59),
        ),
        ({"changed": "2022:01:02 03:04:05"}, datetime(2022, 1, 2, 3, 4, 5)),
        ({"taken": "0000:00:00 00:00:00", "changed": "2022:01:02 03:04:05"}, datetime(2022, 1, 2, 3, 4, 5)),
        ({"taken": "    :  :     :  :  "}, None),
        ({"taken": "2021:13:45 99:99:99"}, None),
        ({}, None),
    ],
)
def test_date_of_the_shot(tags: dict[str, str], expected: datetime | None) -> None:
    assert images.read(encoded(scene(), "JPEG", exif=with_exif(**tags))).taken_at == expected


@pytest.mark.slow
@given(st.one_of(st.none(), st.integers(), st.text(), st.binary(), st.floats()))
def test_dates_never_raise(value: object) -> None:
    assert source.parse_date(value) is None or isinstance(value, (str, bytes))


def test_dates_in_other_clothes() -> None:
    assert source.parse_date(b"2020:02:29 23:59:59\0") == datetime(2020, 2, 29, 23, 59, 59)
    assert source.parse_date("2020-02-29T23:59:59+02:00") == datetime(2020, 2, 29, 23, 59, 59)
    assert source.parse_date("2020:02:29") == datetime(2020, 2, 29)
    assert source.parse_date("2021:02:29") is None


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_large_jpeg_may_be_read_as_a_draft(orientation: int) -> None:
    stored = np.ascontiguousarray(STORED[orientation](scene(1600, 1200)))
    data = encoded(stored, "JPEG", exif=with_exif(orientation=orientation))
    draft = images.read(data, enough_px=400)
    assert (draft.width, draft.height, draft.pixels.shape, draft.drafted) == (1600, 1200, (300, 400, 3), 4.0)
    assert np.abs(draft.pixels.astype(int) - scene(400, 300)).mean() < 3
    assert images.read(data, enough_px=401).pixels.shape == (600, 800, 3)
    for whole in (images.read(data), images.read(data, enough_px=900), images.read(data, enough_px=5000)):
        assert (whole.pixels.shape, whole.drafted) == ((1200, 1600, 3), 1.0)


def test_rubbish_exif_does_not_hide_the_photo() -> None:
    data = encoded(scene(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08" + b"\xff" * 60)
    photo = images.read(data)
    assert photo.taken_at is None
    assert photo.pixels.shape == (64, 96, 3)


def test_jpeg_round_trip() -> None:
    data = images.encode_jpeg(scene())
    assert np.abs(images.decode_jpeg(data).astype(int) - scene()).mean() < 2
    with pytest.raises(UnreadableImage):
        images.decode_jpeg(data[:100])
    for bad in (np.empty((0, 5, 3), np.uint8), np.zeros((5, 5), np.uint8), np.zeros((5, 5, 3), np.float32)):
        with pytest.raises(ValueError, match="uint8"):
            images.encode_jpeg(bad)  # type: ignore[arg-type]


def test_thumbnail_keeps_the_shape_and_never_grows() -> None:
    assert images.thumbnail(scene(400, 200), 100).shape == (50, 100, 3)
    assert images.thumbnail(scene(3, 4000), 100).shape == (100, 1, 3)
    small = scene(30, 20)
    assert images.thumbnail(small, 100) is small
    assert np.abs(images.thumbnail(scene(400, 200), 100)[5, 5].astype(int) - (200, 30, 40)).max() < 3
