"""Leads that are kept up to date equal those computed from the beginning."""

from __future__ import annotations

import numpy as np
import pytest

from faceid_core.review import identity
from faceid_core.review.identity import CROWD, Crowds, Middles
from faceid_core.review.lead_index import LeadIndex

FACES, PEOPLE = 300, 60


@pytest.mark.parametrize("people", [PEOPLE, CROWD + 2, CROWD, 2, 1])
def test_after_any_changes_leads_are_what_a_fresh_computation_finds(people: int) -> None:
    rng = np.random.default_rng(people)
    vectors = rng.normal(size=(FACES, 8)).astype(np.float32)
    index, ids = LeadIndex(vectors), np.arange(people) * 3
    middles = Middles(ids, rng.normal(size=(people, 8)).astype(np.float32))
    whom = rng.choice(ids, FACES)
    for _ in range(60):
        rows = np.sort(rng.choice(FACES, FACES - 20, replace=False))
        match rng.integers(0, 4):
            case 0:  # somebody gets a face
                some = middles.vectors.copy()
                some[rng.integers(people)] += rng.normal(size=8).astype(np.float32) / 5
                middles = Middles(ids, some)
            case 1:  # somebody comes or goes
                kept = np.union1d(rng.choice(ids, people - people // 8, replace=False), whom)
                middles = Middles(kept, rng.normal(size=(len(kept), 8)).astype(np.float32))
            case 2:
                whom[rng.integers(FACES, size=5)] = rng.choice(middles.people, 5)
            case _:
                middles = Middles(ids, rng.normal(size=(people, 8)).astype(np.float32))
        expected = identity.leads(vectors[rows], whom[rows], middles)
        np.testing.assert_allclose(index.update(rows, whom[rows], middles), expected, atol=1e-4)


def test_one_more_name_reckons_few_leads_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    vectors, ids = rng.normal(size=(FACES, 8)).astype(np.float32), np.arange(PEOPLE)
    middles = Middles(ids, rng.normal(size=(PEOPLE, 8)).astype(np.float32))
    index, rows, whom = LeadIndex(vectors), np.arange(FACES), rng.choice(ids, FACES)
    index.update(rows, whom, middles)
    again: list[int] = []
    crowds = identity.crowds

    def counting(vectors: np.ndarray, whom: np.ndarray, middles: Middles) -> Crowds:
        again.append(len(vectors))
        return crowds(vectors, whom, middles)

    monkeypatch.setattr(identity, "crowds", counting)
    index.update(rows, whom, middles)
    moved = middles.vectors.copy()
    moved[7] += 0.01
    index.update(rows, whom, Middles(ids, moved))
    assert again[0] == 0 and 0 < again[1] < FACES / 2
