"""Knowing the same thing again: a face by its box, a picture by its look, also when it was turned or mirrored.

A turn is 0 to 7: turn % 4 quarter turns counter-clockwise (as numpy's rot90),
from 4 on after mirroring left and right.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from faceid_core.values import Box

TURNS = 8

LOOK_BYTES = 32
"""A look is the 256 bits of a perceptual hash, see faceid_core.likeness."""

SAME_LOOK = 24
"""Bits, of 256, up to which two looks are one picture. Of 268 shared photos saved anew at JPEG quality 50 and half
the size, turned or not, none differs by more than 8 bits; no two different ones, in any turn, by less than 66."""

_FIRST_WORD = 12
"""Bits of the first 64, the lowest and stablest frequencies, beyond which the rest is not compared."""

SAME_FACE_IOU = 0.3
"""Overlap from which two boxes on one picture are the same face. Detectors frame a face differently (a box 1.8
times as wide and high around the same centre: 0.31); two faces side by side hardly overlap at all."""

Size = tuple[float, float]
"""Width and height."""

Points = npt.NDArray[np.float32]


def best_pairs(scores: npt.ArrayLike, at_least: float) -> dict[int, int]:
    """Row -> column of a matrix (N, M), each at most once, the highest scores first.

    >>> best_pairs([[0.9, 0.8], [0.85, 0.1]], 0.3)
    {0: 0}
    """
    matrix = np.asarray(scores, np.float64)
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for place in np.argsort(-matrix, axis=None, kind="stable").tolist():
        row, column = divmod(place, matrix.shape[1])
        if matrix[row, column] < at_least:
            break
        if row not in pairs and column not in taken:
            pairs[row] = column
            taken.add(column)
    return pairs


def overlaps(boxes: Sequence[Box], others: Sequence[Box]) -> npt.NDArray[np.float64]:
    """Intersection over union of each with each, (N, M)."""
    found = [[box.iou(other) for other in others] for box in boxes]
    return np.array(found, np.float64).reshape(len(boxes), len(others))


def back(turn: int) -> int:
    """The turn that takes this one back; mirrored ones are their own.

    >>> [back(turn) for turn in range(8)]
    [0, 3, 2, 1, 4, 5, 6, 7]
    """
    return turn if turn >= 4 else (4 - turn) % 4


def carried_points(points: Points, size: Size, onto: Size, turn: int) -> Points:
    """Where points (N, 2) x, y of a picture of that size lie on the turned one, which is `onto` wide and high."""
    x, y = points[:, 0].astype(np.float64), points[:, 1].astype(np.float64)
    width, height = size
    if turn >= 4:
        x = width - x
    for _ in range(turn % 4):
        x, y, width, height = y, width - x, height, width
    return np.stack([x * onto[0] / max(width, 1), y * onto[1] / max(height, 1)], axis=1).astype(np.float32)


def carried(box: Box, size: Size, onto: Size, turn: int) -> Box:
    """Where a box of a picture of that size lies on the turned one, which is `onto` wide and high.

    >>> carried(Box(1, 2, 3, 6), (10, 20), (40, 20), 1)
    Box(left=4.0, top=14.0, right=12.0, bottom=18.0)
    """
    corners = np.array([[box.left, box.top], [box.right, box.bottom]], np.float32)
    moved = carried_points(corners, size, onto, turn)
    (left, top), (right, bottom) = moved.min(axis=0).tolist(), moved.max(axis=0).tolist()
    return Box(left, top, right, bottom)


class Looks:
    """The looks of many pictures, to find the one that looks the same."""

    def __init__(self) -> None:
        self._ids = np.empty(0, np.int64)
        self._words = np.empty((0, LOOK_BYTES // 8), np.uint64)

    @property
    def last(self) -> int:
        """The largest id, 0 for none."""
        return int(self._ids[-1]) if len(self._ids) else 0

    def add(self, ids: Sequence[int], looks: Sequence[bytes]) -> None:
        """More pictures, in the order of their ids."""
        if ids:
            words = np.frombuffer(b"".join(looks), np.uint64).reshape(len(ids), -1)
            self._ids = np.concatenate([self._ids, np.array(ids, np.int64)])
            self._words = np.concatenate([self._words, words])

    def same(self, looks: bytes) -> list[tuple[int, int]]:
        """(id, turn) of the pictures that the one of these 8 looks is, the most alike first."""
        found: dict[int, tuple[int, int]] = {}
        for turn, look in enumerate(split(looks)):
            words = np.frombuffer(look, np.uint64)
            near = np.flatnonzero(np.bitwise_count(self._words[:, 0] ^ words[0]) <= _FIRST_WORD)
            bits = np.bitwise_count(self._words[near] ^ words).sum(axis=1, dtype=np.int64)
            for place, distance in zip(near[bits <= SAME_LOOK], bits[bits <= SAME_LOOK], strict=True):
                picture = int(self._ids[place])
                found[picture] = min(found.get(picture, (257, 0)), (int(distance), turn))
        ranked = sorted((distance, -picture, turn) for picture, (distance, turn) in found.items())
        return [(-picture, turn) for _, picture, turn in ranked]


def same_look(looks: bytes, look: bytes | None) -> int | None:
    """The turn that makes the picture of these 8 looks look like the other one; None for another picture."""
    if not looks or not look:
        return None
    one = Looks()
    one.add([1], [look])
    return next((turn for _, turn in one.same(looks)), None)


def split(looks: bytes) -> list[bytes]:
    """The look in each turn; none for a picture that looks like nothing."""
    return [looks[start : start + LOOK_BYTES] for start in range(0, len(looks), LOOK_BYTES)]
