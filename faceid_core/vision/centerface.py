"""Detects faces of every size with CenterFace, at the cost of a small picture.

The photo is searched at OVERVIEW_PX, and at FAR_PX, where faces that fill the photo are small enough to be
detected. Only regions in which the overview finds small faces, or candidates, are then searched closely, piece by
piece. With `smallest_face` "fast", this is skipped; with "every", the whole photo is searched, at twice the size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from faceid_core.engine import sessions
from faceid_core.engine.centerface import MULTIPLE_PX, STRIDE_PX
from faceid_core.geometry import panorama_factor
from faceid_core.settings import Settings
from faceid_core.values import Box, Image
from faceid_core.vision.detector import LandmarkDetector, scaled, search_scale

Floats = npt.NDArray[np.float64]
Maps = npt.NDArray[np.float32]

SURE = 0.38
"""Minimum score of a face. None of the development photos without people reaches it."""

GUESS = 0.12
"""Minimum score of a candidate in the overview, which triggers a closer look."""

SURE_FAR = 0.45
"""Minimum score of a face that fills the photo. It is the mean of the scores in the photo and in its mirror image:
masks and figures score as high as faces in only one of them."""

OVERVIEW_PX, FAR_PX = 512, 160
"""Longer side of the photo in the two searches that every photo gets.

At 512 the first finds the same labelled faces as at 640 for 0.64 of the products, with the closer looks that it
asks for; at 576 and 480 one face of 201 in crowds is lost. The second costs a tenth of the first, and
twice that where it guesses at something (one photo in twelve). It sees faces that reach beyond the photo's edges:
of 58 cut off a tenth inside their boxes it alone sees all, at 256 pixels 11. What it takes a mask for scores 0.33;
at 256 pixels 0.46."""

FAR_FACE_PX = 25.0
"""Smaller faces at FAR_PX are left to the overview, which detects them better (80 pixels there)."""

SMALL_FACE_PX = 22.0
"""Height of a face in the overview below which its surroundings are searched closely for more faces."""

CLOSE_FACE_PX = 120.0
"""Taller faces in a closer look are left to the overview (38 pixels there): close up, parts of them look like
faces."""

CELL_PX, AROUND = 32, 1
"""A closer look covers whole cells of the overview, and this many more on each side."""

PIECE_PX, OVERLAP_PX = 640, 64
"""Side of the pieces of a closer look, and their overlap, the size of a face. Larger pieces take twice the time per
pixel, because the activations exceed the processor's cache."""

RIM_PX = 6.0
"""Faces with centres this near to an inner border of a piece are left to the neighbouring piece."""

SAME_IOU, WITHIN = 0.3, 0.7
"""Boxes with this IoU are the same face. So is a box of which this share lies within a better one, unless it is
much smaller."""

SQUARE_SIDE, SQUARE_RIGHT, SQUARE_DOWN = 0.76, -0.033, -0.002
"""dlib's square around a face, in longer sides of CenterFace's box: side, and where its centre lies from the box's.
The median of 300 upright faces. dlib's landmarks want it, and so boxes are those that its detector would give.

The longer side is the height of an upright face, whose box is 0.75 to 0.8 as wide, and the width of one that lies
on its side. There the box is 0.65 to 0.7 of the upright one's height high: by its height, the square of a turned
photo would share only 0.43 to 0.49 (IoU, median of 36 real faces) with the upright one's, by its width 0.72."""


class _Photo:
    """A photo that is searched at `factor` times the size of `image` (H, W, 3): width and height are those, and its
    pixels are made only where it is looked at closely."""

    def __init__(self, image: Image, factor: float) -> None:
        self._image, self._factor = image, factor
        self.height, self.width = (max(round(side * factor), 1) for side in image.shape[:2])

    @cached_property
    def pixels(self) -> Image:
        """All of them, (height, width, 3) uint8."""
        return scaled(self._image, self._factor)

    def step(self, side_px: int) -> float:
        """Pixels of the photo to one of the search at `side_px`."""
        longer = max(self.width, self.height)
        return max(float(longer) / (side_px * panorama_factor(self.width, self.height)), 1.0)

    @cached_property
    def overview(self) -> Image:
        """The photo at OVERVIEW_PX, straight from the image."""
        return scaled(self._image, self._factor / self.step(OVERVIEW_PX), exact=False)

    def at(self, side_px: int) -> Image:
        """The photo at that size or, of a smaller one, its own."""
        return scaled(self.overview, self.step(OVERVIEW_PX) / self.step(side_px), exact=False)


class CenterFaceDetector(LandmarkDetector):
    """Finds faces from about 10 pixels, in 0.21 to 0.42 of the CPU time of dlib's CNN; the default."""

    name = "centerface"

    def __init__(self, settings: Settings, *, threads: int | None = None) -> None:
        super().__init__(settings)
        self._side_px, self._smallest = settings.search_side_px, settings.smallest_face
        self._on_cpu = sessions.on_cpu(settings)
        self._multiples = (MULTIPLE_PX,) if self._on_cpu else (FAR_PX, PIECE_PX)
        self._session = partial(sessions.session, "centerface", settings, threads=threads)
        self._session()  # so that missing weights are told now

    def factor(self, width: int, height: int) -> float:
        """As for all detectors, but a panorama keeps more pixels."""
        return search_scale(width, height, round(self._side_px * panorama_factor(width, height)))

    def found(self, image: Image) -> list[tuple[Box, float]]:
        """dlib's squares in pixels of `image` (H, W, 3) uint8, with their scores, 0 to 1, best first."""
        return _squares(self.faces(image, self.factor(image.shape[1], image.shape[0])))

    def search(self, image: Image) -> list[tuple[Box, float]]:
        """The same of an image that has the size to be searched at."""
        return _squares(self.faces(image))

    def faces(self, image: Image, factor: float = 1.0) -> Floats:
        """(N, 15): left, top, right, bottom, score and x, y of five points (eyes, nose, corners of the mouth) of
        CenterFace itself, in pixels of the image, best first. The image is searched at `factor` times its size."""
        photo = _Photo(image, factor)
        overview = self._at(photo, OVERVIEW_PX, GUESS)
        parts = [overview, self._from_afar(photo, _sure(overview))]
        parts += [self._closely(photo, piece) for piece in self._pieces(photo, overview)]
        return _times(_without_doubles(_sure(np.concatenate(parts))), 1 / factor)

    def _from_afar(self, photo: _Photo, known: Floats) -> Floats:
        """Large faces that the overview does not show. Only where one is guessed at, the mirror image is asked."""
        canvas, step = self._canvas(photo.at(FAR_PX)), photo.step(FAR_PX)
        maps, scores = self._maps(canvas)
        guessed = _large(_found(maps, scores, GUESS), step)
        if len(_without_doubles(np.concatenate([_first(known), guessed]))) == len(known):
            return known[:0]
        _, mirrored = self._maps(canvas[:, ::-1])
        both = np.asarray((scores + mirrored[:, ::-1]) / 2, np.float32)
        return _large(_found(maps, both, SURE_FAR), step)

    def _at(self, photo: _Photo, side_px: int, above: float) -> Floats:
        """The faces in the whole photo, searched at that size of its longer side, at most OVERVIEW_PX."""
        return _times(self._network(photo.at(side_px), above), photo.step(side_px))

    def _pieces(self, photo: _Photo, overview: Floats) -> list[_Piece]:
        """What to look at closely, in pixels of the photo."""
        step = photo.step(OVERVIEW_PX)
        if self._smallest == "fast" or step == 1:
            return []
        if self._smallest == "every":
            return _split(_Piece(0, 0, photo.width, photo.height))
        small = overview[_heights(overview) < SMALL_FACE_PX * step]
        return [part for area in _areas(small, CELL_PX * step, photo) for part in _split(area)]

    def _closely(self, photo: _Photo, piece: _Piece) -> Floats:
        found = self._network(photo.pixels[piece.top : piece.bottom, piece.left : piece.right], SURE)
        found[:, [0, 2, *range(5, 15, 2)]] += piece.left
        found[:, [1, 3, *range(6, 15, 2)]] += piece.top
        return found[(_heights(found) < CLOSE_FACE_PX) & piece.well_within(found, photo)]

    def _network(self, image: Image, above: float) -> Floats:
        """The faces of an image of any size, (N, 15), in its pixels, without doubles."""
        return _found(*self._maps(self._canvas(image)), above)

    def _canvas(self, image: Image) -> Image:
        """The image at the top left of one that the network takes."""
        height, width = _canvas(image.shape[:2], self._multiples)
        canvas = np.zeros((height, width, 3), np.uint8)
        canvas[: image.shape[0], : image.shape[1]] = image
        return canvas

    def _maps(self, canvas: Image) -> tuple[Maps, Maps]:
        """What the network says of each cell, (15, h, w), and its scores, 0 to 1, (h, w)."""
        batch = np.ascontiguousarray(canvas[np.newaxis])
        session = self._session() if self._on_cpu else self._session(only=batch.shape)
        (maps,) = session.run(None, {"images": batch})
        return maps[0], 1 / (1 + np.exp(-maps[0, 0]))


def _canvas(shape: tuple[int, ...], multiples: Sequence[int]) -> tuple[int, int]:
    """Height and width for an image of that shape (h, w, ...): multiples of the first number that is as large as
    both, or else of the last. Other hardware than a CPU gets few sizes, see sessions.session."""
    of = next((each for each in multiples if each >= max(shape)), multiples[-1])
    height, width = (-(-side // of) * of for side in shape[:2])
    return height, width


def _found(maps: Maps, scores: Maps, above: float) -> Floats:
    """The faces in cells (15, h, w) by scores (h, w), without doubles."""
    return _without_doubles(_decoded(maps, scores, above))


def _decoded(maps: Maps, scores: Maps, above: float) -> Floats:
    """Cells (15, h, w) and their scores (h, w) -> faces (N, 15) above a score, see CenterFaceDetector.faces."""
    rows, columns = np.nonzero(scores > above)
    cells = maps[:, rows, columns].astype(np.float64)
    high, wide = np.exp(np.minimum(cells[1:3], 10)) * STRIDE_PX
    top = (rows + cells[3] + 0.5) * STRIDE_PX - high / 2
    left = (columns + cells[4] + 0.5) * STRIDE_PX - wide / 2
    points = [part for at in range(5, 15, 2) for part in (cells[at + 1] * wide + left, cells[at] * high + top)]
    return np.stack([left, top, left + wide, top + high, scores[rows, columns], *points], axis=1)


def _large(faces: Floats, step: float) -> Floats:
    """Those found at FAR_PX that the overview does not see better, in pixels of the photo, `step` to one."""
    return _times(faces[_heights(faces) >= FAR_FACE_PX], step)


def _times(faces: Floats, factor: float) -> Floats:
    """The faces in an image of `factor` times the size."""
    faces = faces.copy()
    faces[:, :4] *= factor
    faces[:, 5:] *= factor
    return faces


def _heights(faces: Floats) -> Floats:
    return np.asarray(faces[:, 3] - faces[:, 1])


def _sure(faces: Floats) -> Floats:
    return np.asarray(faces[faces[:, 4] >= SURE])


def _first(faces: Floats) -> Floats:
    """The same with scores that are better than any other's."""
    faces = faces.copy()
    faces[:, 4] += 1
    return faces


def _without_doubles(faces: Floats) -> Floats:
    """Best first, without those that overlap a better one."""
    faces = faces[np.argsort(-faces[:, 4], kind="stable")]
    kept: list[int] = []
    areas = (faces[:, 2] - faces[:, 0]) * (faces[:, 3] - faces[:, 1])
    left = np.arange(len(faces))
    while len(left):
        best, left = int(left[0]), left[1:]
        kept.append(best)
        size = np.minimum(faces[best, 2:4], faces[left, 2:4]) - np.maximum(faces[best, :2], faces[left, :2])
        shared = np.maximum(size, 0).prod(axis=1)
        same = shared > SAME_IOU * (areas[best] + areas[left] - shared)
        smaller, larger = np.minimum(areas[best], areas[left]), np.maximum(areas[best], areas[left])
        left = left[~(same | ((shared > WITHIN * smaller) & (larger < 9 * smaller)))]
    return np.asarray(faces[kept])


def _squares(faces: Floats) -> list[tuple[Box, float]]:
    """dlib's squares and scores."""
    return [(_square(face), float(face[4])) for face in faces]


def _square(face: Floats) -> Box:
    """dlib's square of a face."""
    left, top, right, bottom = face[:4].tolist()
    longer = max(bottom - top, right - left)
    x, y = (left + right) / 2 + SQUARE_RIGHT * longer, (top + bottom) / 2 + SQUARE_DOWN * longer
    half = SQUARE_SIDE * longer / 2
    return Box(x - half, y - half, x + half, y + half)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Pixels of the photo; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    def well_within(self, faces: Floats, photo: _Photo) -> npt.NDArray[np.bool_]:
        """Which faces have their centre away from borders of the piece that are none of the photo."""
        x, y = (faces[:, 0] + faces[:, 2]) / 2, (faces[:, 1] + faces[:, 3]) / 2
        inside = np.ones(len(faces), np.bool_)
        for at, first, last, side_px in (
            (x, self.left, self.right, photo.width),
            (y, self.top, self.bottom, photo.height),
        ):
            inside &= (first == 0) | (at > first + RIM_PX)
            inside &= (last == side_px) | (at < last - RIM_PX)
        return inside


def _areas(faces: Floats, cell_px: float, photo: _Photo) -> list[_Piece]:
    """Rectangles around the faces and their neighbourhood that do not touch each other."""
    import cv2

    if not len(faces):
        return []
    columns, rows = math.ceil(photo.width / cell_px), math.ceil(photo.height / cell_px)
    marked = np.zeros((rows, columns), np.uint8)
    x = np.clip((faces[:, 0] + faces[:, 2]) / 2 / cell_px, 0, columns - 1).astype(int)
    y = np.clip((faces[:, 1] + faces[:, 3]) / 2 / cell_px, 0, rows - 1).astype(int)
    marked[y, x] = 1
    marked = np.asarray(cv2.dilate(marked, np.ones((2 * AROUND + 1, 2 * AROUND + 1), np.uint8)), np.uint8)
    while True:  # rectangles that overlap become one
        _, _, boxes, _ = cv2.connectedComponentsWithStats(marked)
        before = int(marked.sum())
        for left, top, wide, high, _ in boxes[1:]:
            marked[top : top + high, left : left + wide] = 1
        if int(marked.sum()) == before:
            break
    edges = boxes[1:, :4] * cell_px
    return [
        _Piece(
            int(left), int(top), min(math.ceil(left + wide), photo.width), min(math.ceil(top + high), photo.height)
        )
        for left, top, wide, high in edges.tolist()
    ]


def _split(area: _Piece) -> list[_Piece]:
    """Pieces of at most PIECE_PX, of about the same size."""
    spans = []
    for first, last in ((area.left, area.right), (area.top, area.bottom)):
        number = max(math.ceil((last - first - OVERLAP_PX) / (PIECE_PX - OVERLAP_PX)), 1)
        inner = (last - first - OVERLAP_PX) / number
        starts = [first + round(at * inner) for at in range(number)]
        spans.append([(start, min(start + math.ceil(inner) + OVERLAP_PX, last)) for start in starts])
    return [_Piece(left, top, right, bottom) for top, bottom in spans[1] for left, right in spans[0]]
