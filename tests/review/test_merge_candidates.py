"""Groups that may be one person, and names that may be wrong: drawn people, of whom that is known."""

from __future__ import annotations

import numpy as np
import pytest

from faceid_core.review import label_errors, merge_candidates
from faceid_core.vectors import neighbours

D, THRESHOLD = 64, 1.0
NONE = np.empty((0, 2), np.int64)


def people(sizes: list[int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(N, D) faces and the person of each: of one person some 0.8 apart, of two people some 1.6."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(len(sizes)), sizes)
    middles = rng.normal(size=(len(sizes), D)) / np.sqrt(D)
    return (middles[who] + rng.normal(size=(len(who), D)) * 0.57 / np.sqrt(D)).astype(np.float32), who


def pairs(
    vectors: np.ndarray, groups: np.ndarray, photos: np.ndarray | None = None, apart: np.ndarray = NONE
) -> list[merge_candidates.Pair]:
    photos = np.arange(len(vectors)) if photos is None else photos
    graph = neighbours.build(vectors)
    return merge_candidates.likely_pairs(vectors, groups, photos, graph, threshold=THRESHOLD, cannot_link=apart)


def test_a_person_in_two_groups_is_asked_about_with_the_nearest_faces() -> None:
    vectors, who = people([12, 8, 9])
    groups = np.where(np.arange(len(who)) < 5, 7, who)  # the first five of person 0 are a group of their own
    (found,) = pairs(vectors, groups)
    assert (found.one, found.other) == (0, 7)
    every = np.linalg.norm(vectors[groups == 7][:, None] - vectors[groups == 0][None], axis=2)
    assert found.distance == pytest.approx(np.sqrt((every**2).mean()), rel=1e-5)
    own, there = found.because
    assert (groups[own], groups[there]) == (0, 7)
    assert np.linalg.norm(vectors[own] - vectors[there]) == pytest.approx(every.min())
    assert [groups[row] for row in found.typical] == [0, 7]


def test_who_was_told_apart_or_stands_beside_each_other_is_not_asked_about() -> None:
    vectors, who = people([12, 8])
    groups = np.where(np.arange(len(who)) < 5, 7, who)
    assert len(pairs(vectors, groups)) == 1
    assert pairs(vectors, groups, apart=np.array([[11, 2]])) == []
    together = np.arange(len(who))
    together[11] = together[2]
    assert pairs(vectors, groups, photos=together) == []
    assert len(pairs(vectors, groups, apart=np.array([[0, 1], [0, 19]]))) == 1


def test_pairs_come_by_likelihood_and_single_faces_have_none() -> None:
    vectors, who = people([2, 2, 12], seed=3)
    assert pairs(vectors, np.full(len(who), -1)) == []
    groups = np.array([0, -1, 1, -1, *[2] * 6, *[3] * 6])
    found = pairs(vectors, groups)
    assert [(pair.one, pair.other) for pair in found] == [(2, 3)]


def doubted(vectors: np.ndarray, who: np.ndarray) -> list[label_errors.Doubt]:
    return label_errors.doubtful(label_errors.Named(vectors, who), neighbours.build(vectors), threshold=THRESHOLD)


def test_wrong_names_are_doubted_and_right_ones_are_not() -> None:
    vectors, who = people([12, 8, 9, 1])
    assert doubted(vectors, np.where(who == 3, -1, who)) == []
    wrong = who.copy()
    wrong[0], wrong[29] = 1, 2  # one of person 0 as 1; a stranger as 2
    found = {doubt.face: doubt for doubt in doubted(vectors, wrong)}
    assert found.keys() == {0, 29}
    assert (found[0].person, found[0].likelier) == (1, 0)
    assert found[0].likelier_distance < 0.9 * found[0].distance
    assert {int(wrong[row]) for row in found[0].because} == {1}
    nearest = np.sort(np.linalg.norm(vectors[12:20] - vectors[0], axis=1))[:3]
    assert found[0].distance == pytest.approx(nearest.mean(), rel=1e-5)


def test_few_names_say_nothing() -> None:
    vectors, who = people([12, 8])
    few = np.where(np.isin(np.arange(len(who)), [0, 12, 13]), 1, -1)
    assert doubted(vectors, few) == []
