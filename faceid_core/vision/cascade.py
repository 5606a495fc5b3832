"""dlib's CNN detector in two stages: an 8-bit network proposes locations, and the exact network decides.

Proposals are computed on every second level of the pyramid: a face scores on several levels, and the lowest of 180
faces scored -0.77 on these. Exact scores are computed at the proposal's level and its two neighbours, from pieces
of dlib's canvas that cover the whole receptive field, so they equal those of `MmodDetector`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceid_core.engine import sessions
from faceid_core.engine.quantised import COLUMNS
from faceid_core.settings import Settings
from faceid_core.values import Box, Image
from faceid_core.vision import mmod
from faceid_core.vision.mmod import OFFSET_PX, PYRAMID_RATE, STRIDE_PX, TILE_MARGIN_PX, MmodDetector

STEP = 2
"""The 8-bit network searches one of this many levels of the pyramid."""

PROPOSE_ABOVE = -0.9
"""Minimum score of the 8-bit network for an exact check. One in eight checks is in vain; at -1, the score of photos
without faces, it would be one in three."""

AROUND = 2
"""Cells of the score map computed exactly on each side of the proposal."""

BEFORE_PX, BEHIND_PX = 80, 109
"""The receptive field of a score: from 80 pixels before its cell's corner to 108 after it."""

WORTH_SHARE = 0.5
"""If the pieces exceed this share of the canvas, the exact network searches the whole canvas at once."""


class CascadeDetector(MmodDetector):
    """The same results as MmodDetector, four times as fast on a CPU."""

    name = "mmod"

    def __init__(self, settings: Settings, *, threads: int | None = None) -> None:
        super().__init__(settings, threads=threads)
        self._on_cpu = sessions.on_cpu(settings)
        self._fast = sessions.session("mmod-int8", settings, threads=threads) if self._on_cpu else None

    def search(self, image: Image) -> list[tuple[Box, float]]:
        """Boxes in pixels of `image` (H, W, 3) uint8, with their scores."""
        if self._fast is None:  # on other hardware, floats alone are faster than two networks
            return super().search(image)
        tiles, canvas = mmod.tile_pyramid(image, self._weights.mean)
        some, coarse = _every_second(tiles, canvas, self._weights.mean)
        scores = np.asarray(self._fast.run(None, {"images": coarse[None]})[0][0], np.float32)
        proposals = self.best(scores, some, above=PROPOSE_ABOVE, step=STEP)
        if not proposals:
            return []
        pieces = [piece for box, _ in proposals for piece in self._pieces(box, tiles, canvas)]
        if sum(piece.area for piece in pieces) > WORTH_SHARE * canvas.shape[0] * canvas.shape[1]:
            return self.best(self.scores(canvas), tiles)
        return self.best(self._exact(pieces, canvas), tiles)

    def _pieces(self, box: Box, tiles: npt.NDArray[np.int64], canvas: Image) -> list[_Piece]:
        """Where to compute exact scores for a proposal (pixels of the image): on its level and both neighbours."""
        level = round(np.log(box.width / self._weights.window[0]) / np.log(PYRAMID_RATE / (PYRAMID_RATE - 1)))
        middle = ((box.left + box.right) / 2, (box.top + box.bottom) / 2)
        levels = range(max(level - 1, 0), min(level + 2, len(tiles)))
        return [_piece(middle, at, tiles[at], canvas.shape) for at in levels]

    def _exact(self, pieces: list[_Piece], canvas: Image) -> npt.NDArray[np.float32]:
        """The score map of the canvas where the pieces are, and -1 elsewhere."""
        rows, columns = (-(-side // STRIDE_PX) for side in canvas.shape[:2])
        scores = np.full((rows, columns), -1.0, np.float32)
        for piece in pieces:
            found = self.scores(canvas[piece.window])
            scores[piece.cells] = found[piece.inner]
        return scores


@dataclass(frozen=True, slots=True)
class _Piece:
    """Exact scores of a few cells: rows and columns (first, behind the last) of the score map."""

    rows: tuple[int, int]
    columns: tuple[int, int]
    height_px: int
    width_px: int

    @property
    def window(self) -> tuple[slice, slice]:
        """The pixels of the canvas that those cells depend on."""
        return _pixels(*self.rows, self.height_px), _pixels(*self.columns, self.width_px)

    @property
    def cells(self) -> tuple[slice, slice]:
        return slice(*self.rows), slice(*self.columns)

    @property
    def inner(self) -> tuple[slice, slice]:
        """The same cells in the score map of the window alone."""
        offsets = (part.start // STRIDE_PX for part in self.window)
        return tuple(  # type: ignore[return-value]
            slice(first - offset, last - offset)
            for (first, last), offset in zip((self.rows, self.columns), offsets, strict=True)
        )

    @property
    def area(self) -> int:
        rows, columns = self.window
        return int((rows.stop - rows.start) * (columns.stop - columns.start))


def _pixels(first: int, last: int, side_px: int) -> slice:
    """The pixels that cells first to last - 1 see, within the canvas."""
    return slice(max(STRIDE_PX * first - BEFORE_PX, 0), min(STRIDE_PX * (last - 1) + BEHIND_PX, side_px))


def _piece(middle: tuple[float, float], level: int, tile: npt.NDArray[np.int64], shape: tuple[int, ...]) -> _Piece:
    """The cells around a point of the image on one level of the canvas."""
    spans = []
    for at, start, side_px in zip(middle, tile[:2], (shape[1], shape[0]), strict=True):
        cell = round((_level_down(at, level) + int(start) - OFFSET_PX) / STRIDE_PX)
        count = _cells(side_px)
        first = min(max(cell - AROUND, 0), count - 1)
        spans.append((first, min(max(cell + AROUND + 1, first + 1), count)))
    return _Piece(spans[1], spans[0], shape[0], shape[1])


def _cells(side_px: int) -> int:
    """How many cells the score map has along a side: three 5x5 convolutions with stride 2 and no padding."""
    for _ in range(3):
        side_px = (side_px - 5) // 2 + 1
    return side_px


def _level_down(edge: float, level: int) -> float:
    """From the image to a level: the inverse of detection's _level_up."""
    for _ in range(level):
        edge = (edge - 0.3) * (PYRAMID_RATE - 1) / PYRAMID_RATE
    return edge


def _every_second(
    tiles: npt.NDArray[np.int64], canvas: Image, background: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.int64], Image]:
    """The canvas with each STEP-th level alone: tiles (levels, 4), and (H, W, 3) with W a multiple of COLUMNS."""
    taken = tiles[::STEP]
    sizes = [(int(right - left) + 1, int(bottom - top) + 1) for left, top, right, bottom in taken]
    placed, height = mmod.lay_out(sizes)
    width = -(-(sizes[0][0] + 2 * TILE_MARGIN_PX) // COLUMNS) * COLUMNS
    smaller = mmod.empty_canvas(width, height, background)
    for source, target in zip(taken, placed, strict=False):
        smaller[_area(target)] = canvas[_area(source)]
    return np.array(placed, np.int64), smaller


def _area(tile: npt.NDArray[np.int64] | tuple[int, int, int, int]) -> tuple[slice, slice]:
    left, top, right, bottom = (int(edge) for edge in tile)
    return slice(top, bottom + 1), slice(left, right + 1)
