"""Pictures to read, and the shared development photos."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

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
