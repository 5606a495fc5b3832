"""Perceptual hashes. Resaving or downscaling a picture, or changing its metadata, hardly changes its hash."""

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
"""Maximum Hamming distance, of 256 bits, between hashes of the same picture. Of 268 shared photos resaved at JPEG
quality 50 and half the size, rotated or not, none differs by more than 8 bits. No two different photos, in any
orientation, differ by less than 66."""

_FIRST_WORD = 12
"""Maximum distance in the first 64 bits, the lowest and most stable frequencies. Beyond it, the rest is skipped."""

FLAT = 4.0
"""Standard deviation of grey values (0 to 255) below which a picture is a plain surface and has no hash."""

_SIDE_PX, _FREQUENCIES = 64, 16


def phashes(pixels: Image) -> bytes:
    """Return the hash of a picture (H, W, 3) in each of the 8 orientations, 32 bytes each; b"" for a plain surface.

    This is pHash with 16 x 16 bits: which of the lowest DCT frequencies of the downscaled grey picture are above
    their median. C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010).
    The difference hash, which compares neighbouring cells, fails on smooth skies.
    """
    import cv2

    # Grey first: one plane is resized, not three. On 120 photos, that changes 1.2 bits on average, 4 at most.
    plane = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    height, width = plane.shape
    whole = min(height, width) // (4 * _SIDE_PX)
    if whole > 1:  # blocks first: averaging by an integer factor is many times as fast
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
    low[0] = 0  # the mean brightness carries no information
    return np.packbits(low > np.median(low)).tobytes()


class Match(NamedTuple):
    """A picture in the index that matches the query after applying this orientation to it. distance: in bits.

    Matches sort by distance, and equal ones in the order they were added.
    """

    distance: int
    id: int
    orientation: int


class PhashIndex:
    """An index of perceptual hashes for finding copies of a picture."""

    def __init__(self) -> None:
        self._ids = np.empty(0, np.int64)
        self._words = np.empty((0, PHASH_BYTES // 8), np.uint64)

    @property
    def last(self) -> int:
        """The largest id; 0 if the index is empty."""
        return int(self._ids[-1]) if len(self._ids) else 0

    def add(self, ids: Sequence[int], phashes: Sequence[bytes]) -> None:
        """Add pictures, in ascending order of their ids."""
        if ids:
            words = np.frombuffer(b"".join(phashes), np.uint64).reshape(len(ids), -1)
            self._ids = np.concatenate([self._ids, np.array(ids, np.int64)])
            self._words = np.concatenate([self._words, words])

    def matches(self, phashes: bytes) -> list[Match]:
        """Return the pictures that match the one with these 8 hashes, each once, most similar first."""
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
        """Return (id, orientation) of the matches, most similar first."""
        return [(match.id, match.orientation) for match in self.matches(phashes)]


COPY_BITS = 15
"""Distance up to which `copies` finds every pair: at most 15 differing bits leave one of the 16 words unchanged.
Resaved pictures differ by up to 8 bits, see SAME_PICTURE_BITS."""

MOST_BESIDE = 256
"""Rows with the same word that each row is compared with: plain surfaces share words with thousands of others."""


def copies(phashes: Sequence[bytes]) -> npt.NDArray[np.int64]:
    """Group copies transitively. Returns for each picture (N,) the first row of its group; -1 if it has no copies.

    Copies in other orientations are not found: `phashes` has one hash per picture, in its stored orientation.
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
    """Merge the groups of each pair (union-find). Every row points to itself or to an earlier row."""
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
    """Return the orientation in which the picture with these 8 hashes matches the other hash, None if none does."""
    if not phashes or not phash:
        return None
    one = PhashIndex()
    one.add([1], [phash])
    return next((orientation for _, orientation in one.same(phashes)), None)


def split_phashes(phashes: bytes) -> list[bytes]:
    """Return one hash per orientation; an empty list for a plain surface."""
    return [phashes[start : start + PHASH_BYTES] for start in range(0, len(phashes), PHASH_BYTES)]
