"""What is shown where no picture of a face is kept: a grey head and shoulders."""

from __future__ import annotations

from functools import cache

import numpy as np

from faceid_core.media import images

SIDE = 150
"""Pixels of a crop."""

_BACK, _FRONT = (226, 232, 231), (173, 184, 182)


@cache
def silhouette() -> bytes:
    """A JPEG of a crop's size."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE - 0.5
    head = (x / 0.17) ** 2 + ((y + 0.12) / 0.2) ** 2 < 1
    shoulders = (x / 0.36) ** 2 + ((y - 0.5) / 0.34) ** 2 < 1
    drawn = np.where((head | shoulders)[..., None], _FRONT, _BACK).astype(np.uint8)
    return images.encode_jpeg(drawn)
