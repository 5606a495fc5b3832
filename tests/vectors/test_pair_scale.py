"""The distance of one person's faces, by the library's own pairs."""

from __future__ import annotations

import numpy as np
import pytest

from faceid_core.vectors.pair_scale import FALSE_SHARE, measure


def drawn(people: int, each: int, spread: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    """(N, 64) vectors, and the person of each."""
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(people), each)
    return rng.normal(size=(people, 64))[truth] + rng.normal(0, spread, (len(truth), 64)), truth


def test_few_pairs_of_two_people_lie_within_it() -> None:
    vectors, truth = drawn(60, 4)
    found = measure(vectors, np.arange(len(truth)), truth, usual=1.1)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    apart = np.linalg.norm(unit[:, None] - unit, axis=2)
    others = truth[:, None] != truth
    assert found.pairs == others.sum() // 2
    assert found.faces == len(truth)
    assert (apart[others] < found.same_person).mean() == pytest.approx(FALSE_SHARE, rel=0.5)
    assert found.found == pytest.approx((apart[~others & (apart > 1e-6)] < found.same_person).mean())
    again = measure(vectors * 7, np.arange(len(truth)), truth, usual=0.9)  # whatever was said of the embedder
    assert again.same_person == pytest.approx(found.same_person, rel=0.01)


def test_faces_of_one_photo_are_two_people_unless_they_are_all_but_equal() -> None:
    vectors, truth = drawn(120, 1)
    vectors, photos = (
        np.concatenate([vectors, vectors[:60] * 1.001]),
        np.concatenate([truth // 20, truth[:60] // 20]),
    )
    nobody = np.full(len(vectors), -1)
    found = measure(vectors, photos, nobody, usual=1.1)
    alone = measure(vectors[:120], photos[:120], nobody[:120], usual=1.1)
    assert alone.pairs == 6 * 190
    assert found.pairs > alone.pairs
    assert found.same_person == pytest.approx(alone.same_person, rel=0.05)
    assert found.found is None


def test_too_few_pairs_tell_nothing() -> None:
    vectors, truth = drawn(5, 4)
    found = measure(vectors, np.arange(20), truth, usual=0.7)
    assert (found.same_person, found.pairs, found.faces) == (0.7, 0, 0)
    assert measure(vectors[:0], truth[:0], truth[:0], usual=0.7).same_person == 0.7


def test_wrong_names_do_not_spoil_it() -> None:
    vectors, truth = drawn(60, 4)
    rng = np.random.default_rng(1)
    found = measure(vectors, np.arange(len(truth)), rng.permutation(truth), usual=1.1)
    assert 0.6 * 1.1 <= found.same_person <= 1.1
