"""Damaged and hostile variants of valid files: each ends as a picture or as one plain reason, within seconds."""

from __future__ import annotations

import io
import re
import struct
import time
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image as Pillow

from faceid_core.errors import UnreadableImage
from faceid_core.media import images

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "HEIF", "AVIF")
LIMIT_S = 10.0
HOSTILE = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
"""Numbers that lengths, sizes and offsets overflow with."""

Change = Callable[[bytearray, np.random.Generator], None]


def flip_bits(data: bytearray, rng: np.random.Generator) -> None:
    for at in rng.integers(0, len(data), rng.integers(1, 9)):
        data[at] ^= 1 << int(rng.integers(0, 8))


def other_bytes(data: bytearray, rng: np.random.Generator) -> None:
    for at in rng.integers(0, len(data), rng.integers(1, 13)):
        data[at] = int(rng.integers(0, 256))


def damage_the_header(data: bytearray, rng: np.random.Generator) -> None:
    for at in rng.integers(0, min(len(data), 200), rng.integers(1, 5)):
        data[at] = int(rng.integers(0, 256))


def hostile_number(data: bytearray, rng: np.random.Generator) -> None:
    order = rng.choice(["<I", ">I", "<H", ">H"])
    size = struct.calcsize(order)
    at = int(rng.integers(0, max(min(len(data), 400) - size, 1)))
    data[at : at + size] = struct.pack(order, int(rng.choice(HOSTILE)) % 256**size)


def cut(data: bytearray, rng: np.random.Generator) -> None:
    del data[int(rng.integers(1, len(data))) :]


def leave_out(data: bytearray, rng: np.random.Generator) -> None:
    at = int(rng.integers(0, len(data)))
    del data[at : at + int(rng.integers(1, 100))]


def repeat(data: bytearray, rng: np.random.Generator) -> None:
    at = int(rng.integers(0, len(data)))
    data[at:at] = data[at : at + int(rng.integers(1, 300))] * int(rng.integers(1, 20))


CHANGES: tuple[Change, ...] = (flip_bits, other_bytes, damage_the_header, hostile_number, cut, leave_out, repeat)


def valid(form: str) -> bytes:
    if form == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    noise = np.random.default_rng(7).integers(0, 256, (12, 16, 3), np.uint8)
    picture = Pillow.fromarray(noise).resize((64, 48))
    exif = Pillow.Exif()
    exif[0x0112], exif[0x0132] = 6, "2021:05:01 12:30:00"
    buffer = io.BytesIO()
    picture.save(buffer, form, **({} if form in {"BMP", "GIF"} else {"exif": exif}))
    return buffer.getvalue()


def attack(form: str, seeds: range) -> dict[str, int]:
    """How each mutation ended; fails on anything but a picture or a plain reason in time."""
    original, outcomes = valid(form), {"read": 0, "refused": 0}
    for seed in seeds:
        rng = np.random.default_rng(seed)
        data = bytearray(original)
        CHANGES[seed % len(CHANGES)](data, rng)
        if data and seed % 5 == 0:
            CHANGES[int(rng.integers(0, len(CHANGES)))](data, rng)
        outcomes[ending(bytes(data), f"{form} {seed}")] += 1
    return outcomes


def ending(data: bytes, case: str) -> str:
    begun = time.monotonic()
    try:
        photo = images.read(data, max_megapixels=4)
    except UnreadableImage as error:
        assert re.fullmatch(r"[a-z][^\n]{5,150}", str(error)), f"{case}: {error}"
        outcome = "refused"
    else:
        assert photo.pixels.shape == (photo.height, photo.width, 3), case
        assert photo.pixels.dtype == np.uint8, case
        outcome = "read"
    assert time.monotonic() - begun < LIMIT_S, case
    return outcome


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", FORMATS)
def test_mutations_end_as_picture_or_reason(form: str) -> None:
    outcomes = attack(form, range(42))
    assert outcomes["refused"] > 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", FORMATS)
def test_many_mutations_end_as_picture_or_reason(form: str) -> None:
    outcomes = attack(form, range(1000, 1700))
    assert min(outcomes.values()) > 0, outcomes
