"""Boxes and points of a picture in different orientations, and matching boxes to each other.

An orientation is 0 to 7: orientation % 4 quarter turns counter-clockwise (as in numpy's rot90), from 4 on after
a horizontal flip. EXIF's 1 to 8 are the same eight, in an order that does not allow such arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from faceid_core.values import Box

ORIENTATIONS = 8

SAME_FACE_IOU = 0.3
"""Minimum IoU at which two boxes in a picture are the same face. Detectors frame faces differently: a box 1.8
times as wide and high around the same centre has an IoU of 0.31. Two faces side by side hardly overlap at all."""

Size = tuple[float, float]
"""Width and height."""

Points = npt.NDArray[np.float32]


def best_pairs(scores: npt.ArrayLike, at_least: float) -> dict[int, int]:
    """Match rows to columns of a score matrix (N, M) greedily, highest scores first. Each is used at most once.

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
    """Return the pairwise intersection over union, (N, M)."""
    found = [[box.iou(other) for other in others] for box in boxes]
    return np.array(found, np.float64).reshape(len(boxes), len(others))


def panorama_factor(width: int, height: int) -> float:
    """Return by how much to increase the detection size of a panorama's longer side, 1 to 4. When the longer side
    is more than twice the shorter one, the shorter side limits the size of the faces.

    >>> panorama_factor(3000, 2000), panorama_factor(9000, 1500)
    (1.0, 3.0)
    """
    return min(max(max(width, height) / max(min(width, height), 1) / 2, 1.0), 4.0)


def inverse(orientation: int) -> int:
    """Return the orientation that undoes this one. Mirrored ones are their own inverse.

    >>> [inverse(orientation) for orientation in range(8)]
    [0, 3, 2, 1, 4, 5, 6, 7]
    """
    return orientation if orientation >= 4 else (4 - orientation) % 4


def carried_points(points: Points, size: Size, onto: Size, orientation: int) -> Points:
    """Map points (N, 2) x, y of a picture of size `size` to the same picture in an orientation, of size `onto`."""
    x, y = points[:, 0].astype(np.float64), points[:, 1].astype(np.float64)
    width, height = size
    if orientation >= 4:
        x = width - x
    for _ in range(orientation % 4):
        x, y, width, height = y, width - x, height, width
    return np.stack([x * onto[0] / max(width, 1), y * onto[1] / max(height, 1)], axis=1).astype(np.float32)


def carried(box: Box, size: Size, onto: Size, orientation: int) -> Box:
    """Map a box of a picture of size `size` to the same picture in an orientation, of size `onto`.

    >>> carried(Box(1, 2, 3, 6), (10, 20), (40, 20), 1)
    Box(left=4.0, top=14.0, right=12.0, bottom=18.0)
    """
    corners = np.array([[box.left, box.top], [box.right, box.bottom]], np.float32)
    moved = carried_points(corners, size, onto, orientation)
    (left, top), (right, bottom) = moved.min(axis=0).tolist(), moved.max(axis=0).tolist()
    return Box(left, top, right, bottom)


def shifted(box: Box, was: Box, now: Box) -> Box:
    """Apply to a box the translation and scaling that maps the box `was` to the box `now`.

    >>> shifted(Box(0, 0, 10, 10), was=Box(0, 0, 20, 20), now=Box(5, 5, 15, 15))
    Box(left=5.0, top=5.0, right=10.0, bottom=10.0)
    """
    wide, high = now.width / max(was.width, 1e-6), now.height / max(was.height, 1e-6)
    return Box(
        now.left + (box.left - was.left) * wide,
        now.top + (box.top - was.top) * high,
        now.left + (box.right - was.left) * wide,
        now.top + (box.bottom - was.top) * high,
    )


def inside(x: npt.ArrayLike, y: npt.ArrayLike, polygon: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which points x, y (N,) lie in a polygon with corners (n, 2): those from which a ray to the right
    crosses its outline an odd number of times.

    >>> inside([1, 3], [1, 1], np.array([[0, 0], [2, 0], [2, 2], [0, 2]])).tolist()
    [True, False]
    """
    right, up = np.asarray(x, float), np.asarray(y, float)
    odd = np.zeros(len(right), bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 != y1:
            odd ^= ((y0 > up) != (y1 > up)) & (right < (x1 - x0) * (up - y0) / (y1 - y0) + x0)
    return odd
