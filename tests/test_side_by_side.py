"""Faces that look alike lie side by side: the nearest pairs first, everybody once, nobody beside their photo."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from faceid_core import neighbours
from faceid_core.side_by_side import TOGETHER, order


def placed(*places: float, photos: list[int] | None = None, longest: float = 0.5) -> list[int]:
    vectors = np.array([(place, 0) for place in places], np.float32).reshape(-1, 2)
    on = np.array(photos if photos is not None else range(len(places)), np.int64)
    return order(neighbours.build(vectors), on, longest).tolist()


def test_the_nearest_pair_comes_first_and_lonely_faces_last_as_they_came() -> None:
    assert placed(9, 0, 3, 0.4, 7, 3.1) == [2, 5, 1, 3, 0, 4]


def test_who_is_near_one_of_a_pair_lies_beside_it() -> None:
    assert placed(0, 5, 0.1, 0.3) == [0, 2, 3, 1]


def test_faces_of_one_photo_are_not_called_alike() -> None:
    assert placed(0, 0.1, 4, 4.2, photos=[1, 1, 2, 3]) == [2, 3, 0, 1]


def test_a_chain_is_broken() -> None:
    """Or else the first and the last of many people would be one clump before the second nearest pair."""
    chain = placed(*(0.1 * number for number in range(3 * TOGETHER)), 50, 50.3)
    assert sorted(chain) == list(range(3 * TOGETHER + 2))
    together = sorted(chain.index(row) for row in (3 * TOGETHER, 3 * TOGETHER + 1))
    assert together[1] - together[0] == 1


def test_nobody_or_one() -> None:
    assert placed() == []
    assert placed(1) == [0]


@given(st.lists(st.tuples(st.floats(-2, 2, width=16), st.integers(0, 3)), min_size=1, max_size=30))
def test_everybody_is_there_once(faces: list[tuple[float, int]]) -> None:
    found = placed(*(place for place, _ in faces), photos=[photo for _, photo in faces])
    assert sorted(found) == list(range(len(faces)))
