"""A picture's perceptual hash: saving it again, smaller, or with other metadata hardly changes it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from faceid_core.geometry import ORIENTATIONS
from faceid_core.values import Image

PHASH_BYTES = 32
"""Length of a perceptual hash: 256 bits."""

SAME_PICTURE_BITS = 24
"""Bits, of 256, up to which two hashes are one picture. Of 268 shared photos saved again at JPEG quality 50, half
the size, turned or not, none differs by more than 8 bits; no two different ones, in any turn, by less than 66."""

_FIRST_WORD = 12
"""Bits of the first 64, the lowest and stablest frequencies, beyond which the rest is not compared."""

FLAT = 4.0
"""Standard deviation of grey values (0 to 255) below which a picture has no hash: it is a plain surface."""

_SIDE_PX, _FREQUENCIES = 64, 16


def phashes(pixels: Image) -> bytes:
    """The hash of a picture (H, W, 3) in each of the 8 turns, 32 bytes each; b"" for a plain surface.

    It is the perceptual hash (pHash) of 16 x 16 bits: which of the lowest frequencies of the shrunken grey
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
    turns = (
        np.rot90(grey[:, ::-1] if orientation >= 4 else grey, orientation % 4)
        for orientation in range(ORIENTATIONS)
    )
    return b"".join(_hash(cv2.dct(np.ascontiguousarray(turned))) for turned in turns)


def _hash(frequencies: npt.NDArray[np.float32]) -> bytes:
    low = frequencies[:_FREQUENCIES, :_FREQUENCIES].ravel().copy()
    low[0] = 0  # the mean brightness says nothing
    return np.packbits(low > np.median(low)).tobytes()


class PhashIndex:
    """The hashes of many pictures, to find the one that looks the same."""

    def __init__(self) -> None:
        self._ids = np.empty(0, np.int64)
        self._words = np.empty((0, PHASH_BYTES // 8), np.uint64)

    @property
    def last(self) -> int:
        """The largest id, 0 for none."""
        return int(self._ids[-1]) if len(self._ids) else 0

    def add(self, ids: Sequence[int], phashes: Sequence[bytes]) -> None:
        """More pictures, in the order of their ids."""
        if ids:
            words = np.frombuffer(b"".join(phashes), np.uint64).reshape(len(ids), -1)
            self._ids = np.concatenate([self._ids, np.array(ids, np.int64)])
            self._words = np.concatenate([self._words, words])

    def same(self, phashes: bytes) -> list[tuple[int, int]]:
        """(id, turn) of the pictures that match the one with these 8 hashes, the best match first."""
        found: dict[int, tuple[int, int]] = {}
        for orientation, phash in enumerate(split_phashes(phashes)):
            words = np.frombuffer(phash, np.uint64)
            near = np.flatnonzero(np.bitwise_count(self._words[:, 0] ^ words[0]) <= _FIRST_WORD)
            bits = np.bitwise_count(self._words[near] ^ words).sum(axis=1, dtype=np.int64)
            for place, distance in zip(
                near[bits <= SAME_PICTURE_BITS], bits[bits <= SAME_PICTURE_BITS], strict=True
            ):
                picture = int(self._ids[place])
                found[picture] = min(found.get(picture, (257, 0)), (int(distance), orientation))
        ranked = sorted((distance, -picture, orientation) for picture, (distance, orientation) in found.items())
        return [(-picture, orientation) for _, picture, orientation in ranked]


def same_picture(phashes: bytes, phash: bytes | None) -> int | None:
    """The turn that makes the picture with these 8 hashes look like the other one; None for another picture."""
    if not phashes or not phash:
        return None
    one = PhashIndex()
    one.add([1], [phash])
    return next((orientation for _, orientation in one.same(phashes)), None)


def split_phashes(phashes: bytes) -> list[bytes]:
    """The hash in each turn; none for a plain surface."""
    return [phashes[start : start + PHASH_BYTES] for start in range(0, len(phashes), PHASH_BYTES)]
