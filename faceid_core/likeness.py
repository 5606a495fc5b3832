"""How a picture looks as a whole: a hash that saving it anew, smaller, or with other metadata hardly changes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceid_core.matching import TURNS
from faceid_core.values import Image

FLAT = 4.0
"""Standard deviation of grey values (0 to 255) below which a picture looks like nothing."""

_SIDE_PX, _FREQUENCIES = 64, 16


def looks(pixels: Image) -> bytes:
    """The look of a picture (H, W, 3) in each of the 8 turns, 32 bytes each; b"" for a plain surface.

    The look is the perceptual hash (pHash) of 16 x 16 bits: which of the lowest frequencies of the shrunken grey
    picture's cosine transform are above their median. C. Zauner, "Implementation and Benchmarking of Perceptual
    Image Hash Functions" (2010). The difference hash, which compares neighbouring cells, fails on smooth skies.
    """
    import cv2

    height, width = pixels.shape[:2]
    whole = min(height, width) // (4 * _SIDE_PX)
    if whole > 1:  # blocks first: averaging by a whole number is many times as fast
        blocks = pixels[: height // whole * whole, : width // whole * whole]
        pixels = np.asarray(cv2.resize(blocks, (width // whole, height // whole), interpolation=cv2.INTER_AREA))
    shrunken = cv2.resize(pixels, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(shrunken, cv2.COLOR_RGB2GRAY).astype(np.float32)
    if grey.std() < FLAT:
        return b""
    turns = (np.rot90(grey[:, ::-1] if turn >= 4 else grey, turn % 4) for turn in range(TURNS))
    return b"".join(_hash(cv2.dct(np.ascontiguousarray(turned))) for turned in turns)


def _hash(frequencies: npt.NDArray[np.float32]) -> bytes:
    low = frequencies[:_FREQUENCIES, :_FREQUENCIES].ravel().copy()
    low[0] = 0  # the mean brightness says nothing
    return np.packbits(low > np.median(low)).tobytes()
