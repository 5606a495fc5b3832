"""dlib's alignment: a face turned upright and scaled by its landmarks, in about half of dlib's time.

dlib halves what lies around the face until it has few enough pixels for the chip, then takes each pixel between its
four nearest. The halving is the same here to the last bit; the pixels are computed in float32 where dlib takes
doubles, so that of 67,500 numbers 1 comes out higher or lower by 1 (median of 1,583 faces of LFW; 10 at most). That
moves a vector by 0.00002 (0.0007 at most), where two people are about 0.55 apart; LFW verification is the same.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from faceid_core.engine.graphs import CROP_PX
from faceid_core.values import Image

Points = npt.NDArray[np.float64]

PADDING = 0.25
"""Margin around the face as a share of its size: what dlib's embedder was trained with."""

MEAN_SHAPE = np.array(
    [(0.8595674595992, 0.2134981538014), (0.6460604764104, 0.2289674387677), (0.1205750620789, 0.2137274526848),
     (0.3340850613712, 0.2290642403242), (0.4901123135679, 0.6277975316475)]
)  # fmt: skip
"""dlib's mean of its 5 landmarks (get_face_chip_details): two eye corners, two eye corners, base of the nose."""

_TEMPLATE = (MEAN_SHAPE + PADDING) / (1 + 2 * PADDING) * CROP_PX @ (1, 1j)
"""Where they lie in the chip, as complex numbers x + iy: to multiply them is to turn and to scale."""

_CENTRED = _TEMPLATE - _TEMPLATE.mean()

MOST_HALVINGS = 3
"""Larger faces, whose chips are cut from 2,400 pixels and more, are left to dlib, which needs less memory."""


def align(image: Image, landmarks: npt.NDArray[np.float32]) -> Image:
    """The face turned upright and scaled, (150, 150, 3) uint8: dlib.get_face_chip with padding 0.25.

    landmarks: (5, 2) x, y in pixels of the image (H, W, 3) uint8, rounded to whole ones as dlib wants them. Those
    beyond the image's edge dlib itself cuts out, with black where nothing is.
    """
    points = np.rint(np.asarray(landmarks, np.float64))
    square = _square(points)
    halvings = square.halvings
    left, top, right, bottom = square.surroundings(image, 2 ** (halvings + 2) - 2)
    around, square = image[top:bottom, left:right], square.moved(-left, -top).halved(halvings)
    height, width = (_side(each, halvings) for each in around.shape[:2])
    if halvings > MOST_HALVINGS or not square.within(width, height):
        return by_dlib(image, points)
    return _chip(_halved(around, halvings) if halvings else around, square)


def by_dlib(image: Image, points: Points | npt.NDArray[np.float32]) -> Image:
    """The same by dlib itself. points: (5, 2) x, y, whole numbers."""
    import dlib

    parts = dlib.points([dlib.point(int(x), int(y)) for x, y in points])
    # The rectangle does not matter for the alignment, which uses the landmarks alone.
    shape = dlib.full_object_detection(dlib.rectangle(0, 0, image.shape[1], image.shape[0]), parts)
    return np.asarray(dlib.get_face_chip(np.ascontiguousarray(image), shape, CROP_PX, PADDING), np.uint8)


@dataclass(frozen=True)
class _Square:
    """Where a chip lies in an image: centre and half side of the square through the middles of its outer pixels, in
    pixels, and its angle."""

    x: float
    y: float
    half: float
    angle: float

    @property
    def halvings(self) -> int:
        """How often dlib halves the image: until half of it has no more pixels than the chip."""
        return max(math.ceil(math.log2(max(self.half, 1.0) / (CROP_PX - 1))), 0)

    @property
    def reach(self) -> float:
        """How far it lies from its centre, in x and y."""
        return self.half * (abs(math.cos(self.angle)) + abs(math.sin(self.angle)))

    def surroundings(self, image: Image, margin: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of what dlib halves, in pixels of the image."""
        height, width = image.shape[:2]
        reach = self.reach + margin
        left, top = (math.floor(max(each - reach, 0) + 0.5) for each in (self.x, self.y))
        right, bottom = (math.floor(min(each + reach, side - 1) + 1.5)
                         for each, side in ((self.x, width), (self.y, height)))  # fmt: skip
        return left, top, right, bottom

    def moved(self, x: float, y: float) -> _Square:
        """The square so many pixels further."""
        return replace(self, x=self.x + x, y=self.y + y)

    def halved(self, times: int) -> _Square:
        """The same in the halved image (dlib's pyramid_down<2>, which puts it half a pixel too far)."""
        here = self
        for _ in range(times):
            here = _Square(here.x / 2 - 1.25, here.y / 2 - 0.75, here.half / 2, here.angle)
        return here

    def within(self, width: int, height: int) -> bool:
        """Whether each of its pixels lies between four of an image of that size."""
        inner = 0 < self.half <= self.reach <= min(self.x, self.y)
        return inner and self.x + self.reach < width - 1 and self.y + self.reach < height - 1

    def matrix(self) -> Points:
        """(2, 3): pixels of the chip -> pixels of the image."""
        step = 2 * self.half / (CROP_PX - 1)
        cosine, sine = step * math.cos(self.angle), step * math.sin(self.angle)
        to_middle = (CROP_PX - 1) / 2
        right, down = self.x - to_middle * (cosine - sine), self.y - to_middle * (sine + cosine)
        return np.array([[cosine, -sine, right], [sine, cosine, down]])


def _square(points: Points) -> _Square:
    """Of landmarks (5, 2), by least squares (Umeyama 1991 without reflection): dlib.get_face_chip_details."""
    found = points @ (1, 1j)
    turn = complex(np.vdot(_CENTRED, found) / np.vdot(_CENTRED, _CENTRED))
    centre = complex(found.mean()) + turn * (CROP_PX / 2 * (1 + 1j) - complex(_TEMPLATE.mean()))
    return _Square(centre.real, centre.imag, (CROP_PX * abs(turn) - 1) / 2, cmath.phase(turn))


def _halved(image: Image, times: int) -> Image:
    """dlib's pyramid_down<2>, (H, W, 3) uint8 -> about (H / 2, W / 2, 3): weights 1, 4, 6, 4, 1 a side,
    rounded down. OpenCV weighs alike, but rounds to the nearest: so it gets 256 times each pixel."""
    import cv2

    level = image.astype(np.uint16)
    level <<= 8
    for _ in range(times):
        height, width = (_side(each, 1) for each in level.shape[:2])
        level = cv2.pyrDown(level)[1 : height + 1, 1 : width + 1]
        level &= 0xFF00
    return np.asarray(level >> 8, np.uint8)


def _side(side: int, halvings: int) -> int:
    """What is left of a side: dlib leaves out where a part of the five pixels is missing."""
    for _ in range(halvings):
        side = (side - 3) // 2
    return side


def _chip(image: Image, square: _Square) -> Image:
    """The pixels of the square, each between the four nearest of the image and rounded down."""
    import cv2

    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    chip = cv2.warpAffine(image.astype(np.float32), square.matrix(), (CROP_PX, CROP_PX), flags=flags)
    return np.asarray(chip, np.uint8)
