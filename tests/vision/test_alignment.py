"""Alignment beside dlib's own, which is the reference."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faceid_core.values import Image
from faceid_core.vision import alignment
from faceid_core.vision.alignment import MEAN_SHAPE, align, by_dlib

WIDTH, HEIGHT = 1100, 1000


@pytest.fixture(scope="module")
def photo() -> Image:
    """Noise as smooth as a photo, at full contrast."""
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3).astype(np.float32)
    return np.asarray(np.clip((smooth - 127) * 12 + 127, 0, 255), np.uint8)


def landmarks(side: float, turned: float = 0.0, *, x: float = WIDTH / 2, y: float = HEIGHT / 2) -> np.ndarray:
    """Of a face of that side in pixels, not quite the mean one."""
    shape = MEAN_SHAPE - 0.5 + np.random.default_rng(1).normal(0, 0.02, (5, 2))
    cosine, sine = np.cos(turned), np.sin(turned)
    placed = side * shape @ np.array([[cosine, sine], [-sine, cosine]]) + (x, y)
    return np.asarray(np.rint(placed), np.float32)


@pytest.mark.parametrize("turned", [0.0, 0.1, -1.2, np.pi])
@pytest.mark.parametrize("side", [12, 90, 205, 420])  # two not halved, one once, one twice
def test_a_chip_is_dlibs_but_for_single_numbers(
    photo: Image, side: float, turned: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = landmarks(side, turned)
    expected = by_dlib(photo, points)
    monkeypatch.delattr(alignment, "by_dlib")  # so that dlib is not compared with itself
    apart = np.abs(align(photo, points).astype(int) - expected)
    assert apart.max() <= 1
    assert (apart != 0).mean() < 1e-3


@pytest.mark.parametrize("times", [1, 2, 3])
def test_halving_is_exact(photo: Image, times: int) -> None:
    part = photo[:101, :134]
    expected = part
    for _ in range(times):
        expected = halved_in_whole_numbers(expected)
    np.testing.assert_array_equal(alignment._halved(part, times), expected)


def halved_in_whole_numbers(image: Image) -> Image:
    """Each second pixel from the third on, the mean of 5 by 5, as dlib says of pyramid_down<2>."""
    weights = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])
    height, width = ((side - 3) // 2 for side in image.shape[:2])
    sums = np.zeros((height, width, 3), int)
    for (down, right), weight in np.ndenumerate(weights):
        sums += weight * image[down : down + 2 * height : 2, right : right + 2 * width : 2].astype(int)
    return (sums // 256).astype(np.uint8)


@pytest.mark.parametrize(
    "points",
    [
        landmarks(90, x=20),
        landmarks(90, x=WIDTH - 30, y=HEIGHT - 40),
        landmarks(420, y=200),
        landmarks(90, x=-500),
        landmarks(90, x=3 * WIDTH, y=3 * HEIGHT),
        np.full((5, 2), 300, np.float32),
    ],
    ids=["left", "corner", "halved, top", "far to the left", "far beyond", "no size"],
)
def test_beyond_the_photo_and_without_size_it_is_dlibs_own(photo: Image, points: np.ndarray) -> None:
    np.testing.assert_array_equal(align(photo, points), by_dlib(photo, points))


def test_a_part_of_a_photo_need_not_be_copied(photo: Image) -> None:
    part, points = photo[::-1, 100:900], landmarks(90, x=400)
    np.testing.assert_array_equal(align(part, points), align(part.copy(), points))
