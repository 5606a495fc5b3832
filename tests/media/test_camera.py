"""The camera's model, as a real file's EXIF says it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image as Pillow

from faceid_core.media import images

MODEL = 0x0110


@pytest.mark.parametrize(
    ("written", "read"),
    [("X100V", "X100V"), (" NIKON D750\x00 ", "NIKON D750"), ("", None), (None, None)],
)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff"])
def test_the_model_is_read_from_the_file(
    tmp_path: Path, suffix: str, written: str | None, read: str | None
) -> None:
    exif, file = Pillow.Exif(), tmp_path / f"drawn{suffix}"
    if written is not None:
        exif[MODEL] = written
    Pillow.new("RGB", (64, 48), (90, 140, 170)).save(file, exif=exif)
    assert images.read(file).camera == read
