"""faceid_core.media.images on the shared development photos."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from faceid_core.errors import UnreadableImage
from faceid_core.media import formats, images
from tests.media.drawn import DATA, needs_data


@pytest.mark.slow
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


@pytest.mark.slow
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
