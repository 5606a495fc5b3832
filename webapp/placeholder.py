"""What is shown where no picture of a face is kept: head and shoulders in a grey that suits both themes."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from PIL import Image as Pillow

SIDE = 150
"""Pixels of a crop."""

FINER = 4
"""Pixels a side drawn for each pixel that is kept, so that edges are smooth."""

GREY, OPACITY = (128, 138, 136), 0.45
"""About equally unobtrusive on white and on near-black."""


@cache
def silhouette() -> bytes:
    """A PNG of a crop's size, see-through but for the figure."""
    y, x = np.mgrid[0 : SIDE * FINER, 0 : SIDE * FINER] / (SIDE * FINER) - 0.5
    head = (x / 0.17) ** 2 + ((y + 0.12) / 0.2) ** 2 < 1
    shoulders = (x / 0.36) ** 2 + ((y - 0.5) / 0.34) ** 2 < 1
    covered = (head | shoulders).reshape(SIDE, FINER, SIDE, FINER).mean((1, 3))
    drawn = np.empty((SIDE, SIDE, 4), np.uint8)
    drawn[..., :3], drawn[..., 3] = GREY, np.round(255 * OPACITY * covered)
    stream = io.BytesIO()
    Pillow.fromarray(drawn, "RGBA").save(stream, "PNG", optimize=True)
    return stream.getvalue()
