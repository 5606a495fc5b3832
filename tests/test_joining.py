"""faceid_core.joining: new faces join or wait, nobody moves."""

from __future__ import annotations

from typing import Any

import numpy as np

from faceid_core.joining import join

OPTIONS: dict[str, Any] = {"algorithm": "density-linkage", "threshold": 0.48}


def faces(middles: np.ndarray, each: int, seed: int) -> np.ndarray:
    """Faces 0.3 apart around each of the middles."""
    noise = np.random.default_rng(seed).normal(scale=0.3 / np.sqrt(128), size=(len(middles) * each, 64))
    return (np.repeat(middles, each, axis=0) + noise).astype(np.float32)


def people(count: int) -> np.ndarray:
    return np.random.default_rng(0).normal(scale=0.8 / np.sqrt(128), size=(count, 64))


def test_faces_join_their_people_and_others_found_groups_or_wait() -> None:
    middles = people(7)
    old, new = faces(middles[:4], 5, seed=1), faces(middles, 2, seed=2)[:-1]
    numbers = np.repeat([4, 3, 2, 1], 5)
    found = join(old, numbers, np.arange(20), new, np.arange(20, 33), **OPTIONS)
    assert found.tolist() == [4, 4, 3, 3, 2, 2, 1, 1, 5, 5, 6, 6, 0]


def test_a_face_does_not_join_where_its_photo_is_already() -> None:
    old = faces(people(1), 4, seed=3)
    new = faces(people(1), 2, seed=4)
    at_once = join(old, np.ones(4, np.int64), np.arange(4), new, np.array([3, 9]), **OPTIONS)
    assert at_once.tolist() == [0, 1]
    together = join(old, np.ones(4, np.int64), np.arange(4), new, np.array([9, 9]), **OPTIONS)
    assert sorted(together.tolist()) == [0, 1]


def test_nothing_to_join_or_nobody_new() -> None:
    none = np.empty((0, 64), np.float32)
    empty = np.empty(0, np.int64)
    new = faces(people(2), 3, seed=5)
    assert join(none, empty, empty, new, np.arange(6), **OPTIONS).tolist() == [1, 1, 1, 2, 2, 2]
    assert len(join(new, np.repeat([1, 2], 3), np.arange(6), none, empty, **OPTIONS)) == 0
    assert join(new[:3], np.zeros(3, np.int64), np.arange(3), new[3:4], np.arange(1), **OPTIONS).tolist() == [0]
