"""Boxes and pictures are known again, also when the picture was turned, shrunk and saved anew."""

from __future__ import annotations

import doctest
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from faceid_core import geometry
from faceid_core.geometry import ORIENTATIONS, best_pairs, carried, inverse
from faceid_core.image_hash import PhashIndex, phashes, same_picture, split_phashes
from faceid_core.media import images
from faceid_core.sample import Album
from faceid_core.values import Box


def test_examples_in_docstrings() -> None:
    result = doctest.testmod(geometry)
    assert result.attempted and not result.failed


def test_pairs_take_the_best_first_and_each_once() -> None:
    scores = [[0.5, 0.9, 0.0], [0.8, 0.85, 0.0], [0.0, 0.0, 0.2]]
    assert best_pairs(scores, 0.3) == {0: 1, 1: 0}
    assert best_pairs(np.zeros((0, 3)), 0.3) == {}
    assert best_pairs(np.zeros((3, 0)), 0.3) == {}


@given(
    orientation=st.integers(0, ORIENTATIONS - 1),
    box=st.tuples(st.integers(0, 90), st.integers(0, 40), st.integers(1, 9), st.integers(1, 9)),
)
def test_a_box_is_carried_to_where_its_pixels_go(orientation: int, box: tuple[int, int, int, int]) -> None:
    left, top, width, height = box
    picture = np.zeros((50, 100), np.uint8)
    picture[top : top + height, left : left + width] = 1
    turned = np.rot90(picture[:, ::-1] if orientation >= 4 else picture, orientation % 4)
    rows, columns = np.nonzero(turned)
    size, onto = (100, 50), (turned.shape[1], turned.shape[0])
    there = carried(Box(left, top, left + width, top + height), size, onto, orientation)
    assert there == Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert carried(there, onto, size, inverse(orientation)) == Box(left, top, left + width, top + height)


@pytest.fixture(scope="module")
def photos(album: Album) -> list[np.ndarray]:
    return [images.read(path).pixels for path in sorted(album.folder.glob("*.jpg"))[:12]]


def saved_anew(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turned, half as large, JPEG of quality 40."""
    picture = Image.fromarray(
        np.ascontiguousarray(np.rot90(pixels[:, ::-1] if orientation >= 4 else pixels, orientation % 4))
    )
    file = io.BytesIO()
    picture.reduce(2).save(file, "JPEG", quality=40)
    return np.asarray(Image.open(file).convert("RGB"))


@pytest.mark.parametrize("orientation", range(ORIENTATIONS))
def test_a_picture_saved_anew_is_found_in_every_turn(photos: list[np.ndarray], orientation: int) -> None:
    known = PhashIndex()
    known.add(list(range(1, len(photos) + 1)), [split_phashes(phashes(photo))[0] for photo in photos])
    for number, photo in enumerate(photos, 1):
        assert known.same(phashes(saved_anew(photo, orientation)))[0] == (number, inverse(orientation))


@pytest.mark.slow
def test_other_pictures_look_different(photos: list[np.ndarray]) -> None:
    for number, photo in enumerate(photos):
        for other in photos[:number]:
            assert same_picture(phashes(photo), split_phashes(phashes(other))[0]) is None


def test_a_plain_surface_looks_like_nothing() -> None:
    assert phashes(np.full((30, 40, 3), 200, np.uint8)) == b""
    assert same_picture(b"", bytes(32)) is None
    assert PhashIndex().same(b"") == []
