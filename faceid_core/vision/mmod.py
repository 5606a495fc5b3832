"""dlib's max-margin CNN detector on ONNX Runtime: the tiled pyramid, the score map, and its boxes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceid_core.engine import dlib_format, sessions
from faceid_core.engine.weights import weights_path
from faceid_core.settings import Settings
from faceid_core.values import Box, Image
from faceid_core.vision.detector import LandmarkDetector

PYRAMID_RATE = 6
"""Each level of the pyramid is 5/6 as large as the one before (the network's input_rgb_image_pyramid)."""

SMALLEST_LEVEL_PX = 8
"""Smaller levels are left out of the canvas: no 80-pixel window can see a face in them."""

LOWEST_LEVEL_PX = 5
"""dlib plans its canvas with the levels that are at least this high (compute_tiled_image_pyramid_details)."""

SMALLEST_CANVAS_PX = 64
"""The three strided convolutions need at least 29 pixels in each direction."""

LEVEL_GAP_PX, TILE_MARGIN_PX = 10, 11
"""Empty pixels between and around the levels in dlib's tiled pyramid (input_rgb_image_pyramid)."""

STRIDE_PX, OFFSET_PX = 8, 14
"""Output (x, y) of the network sees the window centred at (8 x + 14, 8 y + 14): three strided 5x5s."""


class MmodDetector(LandmarkDetector):
    """dlib's CNN face detector (max-margin object detection, King 2015, arXiv:1502.00046) on ONNX Runtime.

    It searches everything exactly as dlib does; `cascade.CascadeDetector` gives the same answers faster.
    """

    name = "mmod-plain"

    def __init__(self, settings: Settings, *, threads: int | None = None) -> None:
        super().__init__(settings)
        self._weights = dlib_format.mmod_weights(weights_path("mmod"))
        self._session = sessions.session("mmod", settings, threads=threads)

    def search(self, image: Image) -> list[tuple[Box, float]]:
        """Boxes in pixels of `image` (H, W, 3) uint8, with their scores."""
        tiles, canvas = tile_pyramid(image, self._weights.mean)
        return self.best(self.scores(canvas), tiles)

    def scores(self, canvas: Image) -> npt.NDArray[np.float32]:
        """(h, w) float32 of a canvas (H, W, 3): above 0 is a face."""
        return np.asarray(self._session.run(None, {"images": canvas[None]})[0][0], np.float32)

    def best(
        self, scores: npt.NDArray[np.float32], tiles: npt.NDArray[np.int64], *, above: float = 0.0, step: int = 1
    ) -> list[tuple[Box, float]]:
        """Boxes and scores of the cells above the limit, best first, without those that overlap a better one.

        step: the tiles are those of each step-th level.
        """
        rows, columns = np.nonzero(scores > above)
        best_first = np.argsort(-scores[rows, columns], kind="stable")
        kept: list[tuple[Box, float]] = []
        for row, column in zip(rows[best_first], columns[best_first], strict=True):
            box = self._box(float(column), float(row), tiles, step)
            if not any(self._same(box, other) for other, _ in kept):
                kept.append((box, float(scores[row, column])))
        return kept

    def _box(self, column: float, row: float, tiles: npt.NDArray[np.int64], step: int) -> Box:
        """From a cell of the score map to pixels of the image: through the level that the window lies on."""
        x, y = STRIDE_PX * column + OFFSET_PX, STRIDE_PX * row + OFFSET_PX
        level = _nearest_tile(tiles, x, y)
        x, y = x - tiles[level, 0], y - tiles[level, 1]
        width, height = self._weights.window
        left, top = x - (width - 1) / 2, y - (height - 1) / 2
        corners = (_level_up(edge, step * level) for edge in (left, top, left + width - 1, top + height - 1))
        return Box(*corners)

    def _same(self, one: Box, other: Box) -> bool:
        """dlib's test_box_overlap with the thresholds of the network's file."""
        width = min(one.right, other.right) - max(one.left, other.left)
        height = min(one.bottom, other.bottom) - max(one.top, other.top)
        if width <= 0 or height <= 0:
            return False
        covered = width * height / min(one.area, other.area)
        return one.iou(other) > self._weights.nms_iou or covered > self._weights.nms_covered


def _nearest_tile(tiles: npt.NDArray[np.int64], x: float, y: float) -> int:
    """The tile (left, top, right, bottom) whose area is nearest to the point."""
    dx = np.maximum(np.maximum(tiles[:, 0] - x, x - tiles[:, 2]), 0)
    dy = np.maximum(np.maximum(tiles[:, 1] - y, y - tiles[:, 3]), 0)
    return int(np.argmin(dx * dx + dy * dy))


def _level_up(edge: float, level: int) -> float:
    """From a pyramid level to the image: dlib's pyramid_down::point_up, once per level."""
    for _ in range(level):
        edge = edge * PYRAMID_RATE / (PYRAMID_RATE - 1) + 0.3
    return edge


def tile_pyramid(image: Image, background: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int64], Image]:
    """dlib's tiled pyramid: all levels of an image on one canvas, so that the network runs once.

    background: RGB, 0 to 255, between the levels: the colour that the network subtracts, as dlib puts zeros there.
    Returns the tiles (levels, 4) int64 as left, top, right, bottom (inclusive), and the canvas (H, W, 3). Colour
    and layout are dlib's own, because what lies beside a level changes the scores near its border.
    """
    import cv2

    tiles, height = lay_out(_level_sizes(image.shape[1], image.shape[0]))
    canvas = empty_canvas(image.shape[1] + 2 * TILE_MARGIN_PX, height, background)
    level = image.astype(np.float32)
    for left, top, right, bottom in tiles:
        level = _resized(level, right - left + 1, bottom - top + 1)
        if min(level.shape[:2]) < SMALLEST_LEVEL_PX:
            break
        canvas[top : bottom + 1, left : right + 1] = cv2.convertScaleAbs(level)  # rounded to even, as np.rint
    return np.array(tiles, np.int64), canvas


def empty_canvas(width: int, height: int, background: npt.NDArray[np.float32]) -> Image:
    """(H, W, 3) of one colour (RGB, 0 to 255), at least SMALLEST_CANVAS_PX in each direction."""
    width, height = max(width, SMALLEST_CANVAS_PX), max(height, SMALLEST_CANVAS_PX)
    canvas = np.empty((height, width, 3), np.uint8)
    canvas[:] = np.tile(
        np.rint(background).astype(np.uint8), (width, 1)
    )  # by rows: by pixels takes 20 times as long
    return canvas


def _resized(level: npt.NDArray[np.float32], width: int, height: int) -> npt.NDArray[np.float32]:
    """Bilinear with corner on corner, as dlib's resize_bilinear: a level comes from the one before, unrounded."""
    import cv2

    if level.shape[:2] == (height, width):
        return level
    down, right = ((old - 1) / max(new - 1, 1) for old, new in zip(level.shape, (height, width), strict=False))
    matrix = np.array([[right, 0, 0], [0, down, 0]])
    method = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    smaller = cv2.warpAffine(level, matrix, (width, height), flags=method, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(smaller, np.float32)


def _level_sizes(width: int, height: int) -> list[tuple[int, int]]:
    """(width, height) of all levels: the image, then each 5/6 of the one before while it is high enough."""
    sizes = [(width, height)]
    while True:
        width, height = ((PYRAMID_RATE - 1) * side // PYRAMID_RATE for side in (width, height))
        if not width or height < LOWEST_LEVEL_PX:
            return sizes
        sizes.append((width, height))


def lay_out(sizes: list[tuple[int, int]]) -> tuple[list[tuple[int, int, int, int]], int]:
    """Tiles for levels of the given (width, height): down the left side, then up the right where it is free."""
    width = sizes[0][0]
    height = _column_height(sizes)
    tiles: list[tuple[int, int, int, int]] = []
    y, index = TILE_MARGIN_PX, 0
    while y < height + TILE_MARGIN_PX and index < len(sizes):
        w, h = sizes[index]
        tiles.append((TILE_MARGIN_PX, y, TILE_MARGIN_PX + w - 1, y + h - 1))
        y += h + LEVEL_GAP_PX
        index += 1
    y -= LEVEL_GAP_PX
    for w, h in sizes[index:]:
        right, bottom = TILE_MARGIN_PX + width - 1, y - 1
        tile = (right - w + 1, bottom - h + 1, right, bottom)
        if tile[1] <= tiles[0][3] and tile[0] <= tiles[0][2]:
            break
        tiles.append(tile)
        y -= h + LEVEL_GAP_PX
    return tiles, height + 2 * TILE_MARGIN_PX


def _column_height(sizes: list[tuple[int, int]]) -> int:
    """How high the left column is: until the rest fits beside it."""
    first_width, first_height = sizes[0]
    total = sum(height + LEVEL_GAP_PX for _, height in sizes) - 2 * LEVEL_GAP_PX
    column, previous = 0, 0
    for width, height in sizes:
        fits_beside = width <= first_width - previous - LEVEL_GAP_PX
        if fits_beside and (column - first_height) * 2 >= total - first_height:
            break
        column += height + LEVEL_GAP_PX
        previous = width
    return column - LEVEL_GAP_PX
