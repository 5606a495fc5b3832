"""faceid_core.images: every file becomes an upright RGB image or one plain reason."""

from __future__ import annotations

import hashlib
import io
import os
import re
import struct
import tracemalloc
import warnings
import zlib
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageCms

from faceid_core import folders, formats, images
from faceid_core.errors import ImageTooLarge, PathNotFound, UnreadableImage

ABOVE = [folder / "shared" / "data" for folder in Path(__file__).resolve().parents]
DATA = next((folder for folder in ABOVE if folder.is_dir()), ABOVE[0])
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared development photos are not on this machine")


def scene(width: int = 96, height: int = 64) -> np.ndarray:
    """Four differently coloured quarters: shows every flip, turn and channel swap."""
    pixels = np.empty((height, width, 3), np.uint8)
    top, left = height // 2, width // 2
    pixels[:top, :left] = (200, 30, 40)
    pixels[:top, left:] = (30, 180, 60)
    pixels[top:, :left] = (40, 60, 220)
    pixels[top:, left:] = (240, 220, 90)
    return pixels


def encoded(pixels: np.ndarray | Pillow.Image, form: str, **options: object) -> bytes:
    image = pixels if isinstance(pixels, Pillow.Image) else Pillow.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def with_exif(**tags: object) -> Pillow.Exif:
    exif = Pillow.Exif()
    if "orientation" in tags:
        exif[0x0112] = tags["orientation"]
    if "changed" in tags:
        exif[0x0132] = tags["changed"]
    if "taken" in tags:
        exif.get_ifd(0x8769)[0x9003] = tags["taken"]
    return exif


@pytest.fixture(scope="module", autouse=True)
def heif() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()


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


@given(st.one_of(st.none(), st.integers(), st.text(), st.binary(), st.floats()))
def test_dates_never_raise(value: object) -> None:
    assert images.parse_date(value) is None or isinstance(value, (str, bytes))


def test_dates_in_other_clothes() -> None:
    assert images.parse_date(b"2020:02:29 23:59:59\0") == datetime(2020, 2, 29, 23, 59, 59)
    assert images.parse_date("2020-02-29T23:59:59+02:00") == datetime(2020, 2, 29, 23, 59, 59)
    assert images.parse_date("2020:02:29") == datetime(2020, 2, 29)
    assert images.parse_date("2021:02:29") is None


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


# ------------------------------------------------------------------ refused

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


# ------------------------------------------------------------------ folders, hashes, JPEG


def test_walk_is_sorted_skips_hidden_and_yields_once(tmp_path: Path) -> None:
    names = ["b.JPG", "a.heic", "notes.txt", ".hidden.jpg", "sub/c.png", ".git/d.png", "sub/deep/e.avif"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = [path.relative_to(tmp_path).as_posix() for path in folders.walk([tmp_path])]
    assert found == ["a.heic", "b.JPG", "sub/c.png", "sub/deep/e.avif"]
    explicit = list(folders.walk([tmp_path / "notes.txt", tmp_path / ".hidden.jpg", tmp_path / "sub", tmp_path]))
    assert [path.name for path in explicit] == [
        "notes.txt",
        ".hidden.jpg",
        "c.png",
        "e.avif",
        "a.heic",
        "b.JPG",
    ]
    assert list(folders.walk([])) == []


def test_walk_refuses_a_missing_path_at_once(tmp_path: Path) -> None:
    with pytest.raises(PathNotFound, match="nowhere"):
        folders.walk([tmp_path, tmp_path / "nowhere"])


def test_sha256(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"abc" * 100_000)
    assert folders.sha256_of(path) == hashlib.sha256(b"abc" * 100_000).hexdigest()
    with pytest.raises(UnreadableImage, match="no longer there"):
        folders.sha256_of(tmp_path / "gone.jpg")


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


# ------------------------------------------------------------------ real files


@needs_data
def test_every_shared_file_ends_as_image_or_reason() -> None:
    reasons: dict[str, str] = {}
    for path in sorted([*(DATA / "formats").rglob("*"), *(DATA / "clips").rglob("*")]):
        if not path.is_file() or path.stat().st_size > 2_500_000:
            continue
        try:
            assert images.read(path).pixels.ndim == 3
        except UnreadableImage as error:
            reasons[path.name] = str(error)
    assert "its end is missing" in reasons["truncated_jpeg.jpg"]
    assert reasons["isom-avc1.mp4"] == formats.VIDEO
    assert "megapixels" in reasons["decompression_bomb.gif"] or "pixels" in reasons["decompression_bomb.gif"]
    photos = [name for name in reasons if Path(name).suffix.lower() in formats.SUFFIXES]
    assert all(re.search(r"broken|truncated|bomb", name) for name in photos), photos


@needs_data
@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_shared_orientations_agree(orientation: int) -> None:
    folder = DATA / "formats" / "orientation_faces"
    upright = images.read(folder / "input" / "photo.jpg").pixels.astype(int)
    turned = images.read(folder / "images" / f"photo.{orientation}.embedded.jpg").pixels.astype(int)
    assert turned.shape == upright.shape
    assert np.abs(turned - upright).mean() < 4


@needs_data
def test_shared_heic_with_and_without_a_turn_in_the_container() -> None:
    formats = DATA / "formats"
    turned = images.read(formats / "exif" / "heic" / "mobile" / "iphone_13_pro_max.HEIC")  # irot and EXIF 6
    assert (turned.width, turned.height) == (3024, 4032)
    silent = images.read(formats / "misc" / "iphone_7.heic")  # EXIF 6 only
    assert (silent.width, silent.height) == (3024, 4032)
    assert silent.pixels[:1000].mean() > silent.pixels[-1000:].mean()  # the sky is above


@needs_data
@pytest.mark.parametrize("kind", ["landscape", "portrait"])
def test_shared_mirror_orientations_agree(kind: str) -> None:
    folder = DATA / "formats" / "exif" / "jpg" / "orientation"
    upright = images.thumbnail(images.read(folder / f"{kind}_2.jpg").pixels, 60).astype(int)
    for orientation in range(3, 9):
        other = images.thumbnail(images.read(folder / f"{kind}_{orientation}.jpg").pixels, 60).astype(int)
        assert np.abs(other - upright).mean() < 6
