"""Converts between the picture as stored and the upright picture, by EXIF orientation 1 to 8."""

from __future__ import annotations

from typing import IO

import numpy as np
from PIL.Image import Image as Picture

from faceid_core.media import formats
from faceid_core.values import Box, Image


def turned(stored: Image, orientation: int) -> Image:
    """Rotate pixels as stored to the upright picture, (H,W,3) uint8."""
    if orientation == 1:
        return stored
    height, width = stored.shape[:2]
    pixels = np.empty((width, height, 3) if orientation >= 5 else stored.shape, np.uint8)
    as_stored(pixels, orientation)[:] = stored
    return pixels


def as_stored(upright: Image, orientation: int) -> Image:
    """Return a view of the upright array (H,W,…) with the rows and columns of the file (EXIF 2.32, tag 0x0112)."""
    transposed = upright.swapaxes(0, 1)
    return {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: transposed,
        6: transposed[::-1],
        7: transposed[::-1, ::-1],
        8: transposed[:, ::-1],
    }[orientation]


def upright(box: Box, orientation: int) -> Box:
    """Map a box from the picture as stored to the upright one, both in fractions of the sides.

    >>> upright(Box(0.0, 0.25, 0.5, 0.5), 6)
    Box(left=0.5, top=0.0, right=0.75, bottom=0.5)
    """
    ends = [_upright(x, y, orientation) for x, y in ((box.left, box.top), (box.right, box.bottom))]
    (left, right), (top, bottom) = (sorted(edges) for edges in zip(*ends, strict=True))
    return Box(left, top, right, bottom)


def as_drawn(box: Box, orientation: int) -> Box:
    """Map a box from the upright picture to the one as stored, both in fractions of the sides. Inverse of
    `upright`.

    >>> as_drawn(Box(0.5, 0.0, 0.75, 0.5), 6)
    Box(left=0.0, top=0.25, right=0.5, bottom=0.5)
    """
    return upright(box, {6: 8, 8: 6}.get(orientation, orientation))  # the others are their own inverse


def _upright(x: float, y: float, orientation: int) -> tuple[float, float]:
    return {
        1: (x, y),
        2: (1 - x, y),
        3: (1 - x, 1 - y),
        4: (x, 1 - y),
        5: (y, x),
        6: (1 - y, x),
        7: (1 - y, 1 - x),
        8: (y, 1 - x),
    }[orientation]


def heif_orientation(image: Picture, file: IO[bytes]) -> int:
    """Return the orientation still to be applied: libheif applies the container's, and EXIF counts only without it.

    pillow-heif sets the EXIF tag to 1 in either case and keeps the original value as original_orientation.
    """
    wanted = image.info.get("original_orientation") or 1
    if wanted not in range(1, 9) or any(kind in formats.heif_header(file) for kind in (b"irot", b"imir")):
        return 1
    return int(wanted)
