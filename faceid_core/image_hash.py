"""A picture's perceptual hash: saving it again, smaller, or with other metadata hardly changes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from faceid_core.geometry import ORIENTATIONS
from faceid_core.values import Image

PHASH_BYTES = 32
"""A perceptual hash has 256 bits."""

SAME_PICTURE_BITS = 24
"""Bits, of 256, up to which two hashes are of one picture. Of 268 shared photos saved anew at JPEG quality 50 and
half the size, turned or not, none differs by more than 8 bits; no two different ones, in any orientation, by less
than 66."""

_FIRST_WORD = 12
"""Bits of the first 64, the lowest and stablest frequencies, beyond which the rest is not compared."""

FLAT = 4.0
"""Standard deviation of grey values (0 to 255) below which a picture is a plain surface, which has no hash."""

_SIDE_PX, _FREQUENCIES = 64, 16


def phashes(pixels: Image) -> bytes:
    """The perceptual hash of a picture (H, W, 3) in each of the 8 orientations, 32 bytes each; b"" for a plain one.

    It is pHash with 16 x 16 bits: which of the lowest frequencies of the shrunken grey picture's cosine transform
    are above their median. C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010).
    The difference hash, which compares neighbouring cells, fails on smooth skies.
    """
    import cv2

    # Grey first: one plane is shrunken instead of three. Of 120 photos that moves 1.2 bits on average, 4 at most.
    plane = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    height, width = plane.shape
    whole = min(height, width) // (4 * _SIDE_PX)
    if whole > 1:  # blocks first: averaging by a whole number is many times as fast
        blocks = plane[: height // whole * whole, : width // whole * whole]
        plane = cv2.resize(blocks, (width // whole, height // whole), interpolation=cv2.INTER_AREA)
    grey = cv2.resize(plane, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    if grey.std() < FLAT:
        return b""
    oriented = (
        np.rot90(grey[:, ::-1] if orientation >= 4 else grey, orientation % 4)
        for orientation in range(ORIENTATIONS)
    )
    return b"".join(_hash(cv2.dct(np.ascontiguousarray(picture))) for picture in oriented)


def _hash(frequencies: npt.NDArray[np.float32]) -> bytes:
    low = frequencies[:_FREQUENCIES, :_FREQUENCIES].ravel().copy()
    low[0] = 0  # the mean brightness says nothing
    return np.packbits(low > np.median(low)).tobytes()


class Match(NamedTuple):
    """A picture of an index that is the wanted one, after bringing that into this orientation. distance: in bits.

    Sorted, the most alike come first, and of equals the one that was added first.
    """

    distance: int
    id: int
    orientation: int


class PhashIndex:
    """The perceptual hashes of many pictures, to find those of the same picture."""

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

    def matches(self, phashes: bytes) -> list[Match]:
        """The pictures that are the one with these 8 hashes, each once, the most alike first."""
        best: dict[int, Match] = {}
        for orientation, phash in enumerate(split_phashes(phashes)):
            words = np.frombuffer(phash, np.uint64)
            near = np.flatnonzero(np.bitwise_count(self._words[:, 0] ^ words[0]) <= _FIRST_WORD)
            bits = np.bitwise_count(self._words[near] ^ words).sum(axis=1, dtype=np.int64)
            for place, distance in zip(near.tolist(), bits.tolist(), strict=True):
                if distance <= SAME_PICTURE_BITS:
                    match = Match(distance, int(self._ids[place]), orientation)
                    best[match.id] = min(best.get(match.id, match), match)
        return sorted(best.values())

    def same(self, phashes: bytes) -> list[tuple[int, int]]:
        """(id, orientation) of the matches, the most alike first."""
        return [(match.id, match.orientation) for match in self.matches(phashes)]


COPY_BITS = 15
"""Bits up to which `copies` misses nothing: spread over 16 words, one of them stays equal. Pictures saved anew
differ by up to 8, see SAME_PICTURE_BITS."""

MOST_BESIDE = 256
"""Rows of one word that are compared with each of them: plain surfaces share words with thousands."""


def copies(phashes: Sequence[bytes]) -> npt.NDArray[np.int64]:
    """(N,) for each picture the first row of the pictures that are copies of it, and copies of those; -1 for none.

    Copies in other orientations are not found: `phashes` has each picture as it is.
    """
    first = np.arange(len(phashes))
    words = np.frombuffer(b"".join(phashes), np.uint16).reshape(-1, PHASH_BYTES // 2)
    wide = words.view(np.uint64)
    for column in range(words.shape[1]):
        order = np.argsort(words[:, column], kind="stable")
        for step in range(1, MOST_BESIDE + 1):
            one, other = order[:-step], order[step:]
            equal = words[one, column] == words[other, column]
            if not equal.any():
                break
            one, other = one[equal], other[equal]
            near = np.bitwise_count(wide[one] ^ wide[other]).sum(axis=1, dtype=np.int64) <= COPY_BITS
            _join(first, one[near], other[near])
    roots = _roots(first)
    alone = np.bincount(roots, minlength=len(roots))[roots] == 1
    return np.where(alone, -1, roots)


def _join(first: npt.NDArray[np.int64], ones: npt.NDArray[np.int64], others: npt.NDArray[np.int64]) -> None:
    """Put pairs into one group each: every row points to one that is not behind it."""
    for one, other in zip(ones.tolist(), others.tolist(), strict=True):
        low, high = sorted((_root(first, one), _root(first, other)))
        first[high] = low


def _root(first: npt.NDArray[np.int64], row: int) -> int:
    while first[row] != row:
        first[row] = first[first[row]]
        row = int(first[row])
    return row


def _roots(first: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    while not np.array_equal(first[first], first):
        first = first[first]
    return first


def same_picture(phashes: bytes, phash: bytes | None) -> int | None:
    """The orientation in which the picture with these 8 hashes is the one with that hash; None for another one."""
    if not phashes or not phash:
        return None
    one = PhashIndex()
    one.add([1], [phash])
    return next((orientation for _, orientation in one.same(phashes)), None)


def split_phashes(phashes: bytes) -> list[bytes]:
    """The hash in each orientation; none for a plain surface."""
    return [phashes[start : start + PHASH_BYTES] for start in range(0, len(phashes), PHASH_BYTES)]
