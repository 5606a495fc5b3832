"""Faces that look alike lie side by side: the nearest pairs first, everybody once, nobody beside their photo."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from faceid_core.review.seriation import TOGETHER, order
from faceid_core.vectors import neighbours

STRANGERS = [(40 + number, 0.0) for number in range(12)]


def placed(
    *faces: tuple[int, float], rows: list[int] | None = None, photos: list[int] | None = None, fill: bool = True
) -> list[int]:
    """The order of faces (person, offset): two people are at least 1.41 apart, two faces of one as much as their
    offsets differ. rows: those in no group, by default all. fill: a dozen strangers, shown behind, take part."""
    everybody = [*faces, *(STRANGERS if fill else [])]
    vectors = np.zeros((len(everybody), 64), np.float32)
    for row, (person, offset) in enumerate(everybody):
        vectors[row, person], vectors[row, 63] = 1, offset
    on = np.array([*(photos or range(100, 100 + len(faces))), *range(len(everybody) - len(faces))], np.int64)
    asked = np.array(rows if rows is not None else range(len(everybody)), np.int64)
    found = order(neighbours.build(vectors), asked, on).tolist()
    assert sorted(found) == sorted(asked.tolist())
    return [row for row in found if row < len(faces)]


def test_the_nearest_pair_comes_first_and_lonely_faces_last_as_they_came() -> None:
    faces = ((9, 0), (0, 0), (3, 0), (0, 0.4), (4, 0), (3, 0.1))
    assert placed(*faces) == [2, 5, 1, 3, 0, 4]
    assert placed(*faces, rows=[4, 1, 5, 0, 3]) == [1, 3, 4, 5, 0]


def test_who_is_near_one_of_a_pair_lies_beside_it() -> None:
    assert placed((0, 0), (5, 0), (0, 0.1), (0, 0.3)) == [0, 2, 3, 1]


def test_faces_of_one_photo_are_not_called_alike() -> None:
    assert placed((0, 0), (0, 0.1), (4, 0), (4, 0.2), photos=[1, 1, 2, 3]) == [2, 3, 0, 1]


def test_where_everybody_is_near_a_distance_means_less() -> None:
    """Ten blurred faces, all alike, come behind two of one person who are farther apart than those."""
    vectors = np.zeros((24, 64), np.float32)
    vectors[:10, 0], vectors[range(10), range(20, 30)] = 1, 0.6
    vectors[range(10, 24), range(30, 44)] = 1
    vectors[11] = vectors[10] + 1.0 * np.eye(64, dtype=np.float32)[63]
    assert np.linalg.norm(vectors[0] - vectors[1]) < np.linalg.norm(vectors[10] - vectors[11])
    assert order(neighbours.build(vectors), np.arange(24), np.arange(24))[:2].tolist() == [10, 11]


def test_a_chain_is_broken() -> None:
    """Or else the first and the last of many people would be one clump."""
    offsets = np.cumsum([0.1 + 0.001 * number for number in range(3 * TOGETHER)])
    assert placed(*((0, offset) for offset in offsets)) != list(range(3 * TOGETHER))


def test_nobody_or_one() -> None:
    assert placed(fill=False) == []
    assert placed((0, 0), fill=False) == [0]


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(-2, 2, width=16)), min_size=1, max_size=30), st.booleans())
def test_everybody_is_there_once(faces: list[tuple[int, float]], fill: bool) -> None:
    placed(*faces, photos=[1 + row // 2 for row in range(len(faces))], fill=fill)
