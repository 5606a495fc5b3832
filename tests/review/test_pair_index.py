"""Pairs and doubts that are kept up to date equal those of a fresh computation, after any sequence of acts."""

from __future__ import annotations

import numpy as np
import pytest

from faceid_core.review import label_errors, merge_candidates
from faceid_core.review.pair_index import DoubtIndex, PairIndex
from faceid_core.values import Ints
from faceid_core.vectors import neighbours

PEOPLE, FACES, THRESHOLD = 15, 200, 0.55


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_after_any_acts_it_is_what_a_fresh_computation_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, PEOPLE, FACES)
    vectors = (rng.normal(size=(PEOPLE, 16))[truth] * 0.15 + rng.normal(size=(FACES, 16)) * 0.09).astype(np.float32)
    photos, graph = np.arange(FACES) // 2, neighbours.build(vectors, 20)
    pairs, doubts = (
        PairIndex(vectors, photos, graph, threshold=THRESHOLD),
        DoubtIndex(vectors, graph, threshold=THRESHOLD),
    )
    groups, seen = np.full(FACES, -1), [0, 0]
    history: list[Ints] = []
    cannot = rng.integers(0, FACES, (6, 2))
    for _ in range(40):
        if history and rng.random() < 0.3:
            groups = history.pop()
        else:
            history.append(groups.copy())
            some = rng.choice(FACES, rng.integers(1, 30), replace=False)
            wrong = rng.random(len(some)) < 0.15
            second = PEOPLE * (rng.random(len(some)) < 0.4)  # the other name of the same person
            groups[some] = np.where(wrong, rng.integers(-1, PEOPLE, len(some)), truth[some] + second)
        pairs.update(groups)
        doubts.update(groups)
        found = merge_candidates.likely_pairs(
            vectors, groups, photos, graph, threshold=THRESHOLD, cannot_link=cannot
        )
        assert pairs.pairs(cannot) == found
        doubted = label_errors.doubtful(label_errors.Named(vectors, groups), graph, threshold=THRESHOLD)
        assert doubts.doubts() == doubted
        seen[0] += len(found)
        seen[1] += len(doubted)
    assert min(seen) > 50, "the sequence asked hardly anything"
