"""faceid_core.evaluation against its definitions, counted face by face and pair by pair."""

from __future__ import annotations

from dataclasses import astuple
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceid_core.clustering.metrics import Scores, bcubed, naming_acts, pairwise, purity

groupings = st.integers(1, 14).flatmap(
    lambda n: st.tuples(*(st.lists(st.integers(-1, 4), min_size=n, max_size=n) for _ in range(2)))
)


def same(labels: list[int], i: int, j: int) -> bool:
    return i == j or (labels[i] == labels[j] != -1)


@given(groupings)
def test_pairwise_is_its_definition(lists: tuple[list[int], list[int]]) -> None:
    labels, truth = lists
    pairs = list(combinations(range(len(labels)), 2))
    together = [pair for pair in pairs if same(labels, *pair)]
    belonging = [pair for pair in pairs if same(truth, *pair)]
    right = len(set(together) & set(belonging))
    scores = pairwise(labels, truth)
    assert scores.precision == pytest.approx(right / len(together) if together else 1)
    assert scores.recall == pytest.approx(right / len(belonging) if belonging else 1)


@given(groupings)
def test_bcubed_is_its_definition(lists: tuple[list[int], list[int]]) -> None:
    labels, truth = lists
    faces = range(len(labels))
    precision, recall = [], []
    for i in faces:
        group = {j for j in faces if same(labels, i, j)}
        person = {j for j in faces if same(truth, i, j)}
        precision.append(len(group & person) / len(group))
        recall.append(len(group & person) / len(person))
    scores = bcubed(labels, truth)
    assert scores.precision == pytest.approx(np.mean(precision))
    assert scores.recall == pytest.approx(np.mean(recall))
    assert scores.f == pytest.approx(2 / (1 / scores.precision + 1 / scores.recall))


def test_the_worked_example() -> None:
    """Two people of 3 and 2 faces; one face of the first has gone over to the second."""
    scores = pairwise([0, 0, 1, 1, 1], ["a", "a", "a", "b", "b"])
    assert astuple(scores) == pytest.approx((0.5, 0.5, 0.5))
    cubed = bcubed([0, 0, 1, 1, 1], ["a", "a", "a", "b", "b"])
    assert cubed.precision == pytest.approx((1 + 1 + 1 / 3 + 2 / 3 + 2 / 3) / 5)
    assert cubed.recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)


def test_extremes() -> None:
    names = np.array(["a", "a", "b", "c"])
    assert pairwise([7, 7, 2, -1], names) == bcubed([7, 7, 2, -1], names) == Scores(1, 1, 1)
    assert pairwise([-1] * 4, names) == Scores(1, 0, 0)
    assert pairwise([0] * 4, names).precision == pytest.approx(1 / 6)
    assert pairwise([], []) == bcubed([], []) == Scores(1, 1, 1)


def test_a_million_faces_need_no_matrix() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 50_000, 300_000)
    assert pairwise(truth, truth) == Scores(1, 1, 1)
    assert bcubed(truth, truth).f == pytest.approx(1)


def test_lengths_must_match() -> None:
    with pytest.raises(ValueError, match="match"):
        pairwise([0, 1], [0])


@given(groupings)
def test_purity_and_acts_are_their_definitions(lists: tuple[list[int], list[int]]) -> None:
    labels, truth = lists
    faces = range(len(labels))
    people = [truth[i] if truth[i] != -1 else f"alone {i}" for i in faces]
    groups: dict[object, list[object]] = {}
    for i in faces:
        groups.setdefault(labels[i] if labels[i] != -1 else f"alone {i}", []).append(people[i])
    right = sum(max(map(group.count, group)) for group in groups.values())
    assert purity(labels, truth) == pytest.approx(right / len(labels))
    assert naming_acts(labels, truth) == sum(len(set(group)) for group in groups.values())


def test_nothing_is_pure() -> None:
    assert (purity([], []), naming_acts([], [])) == (1, 0)
