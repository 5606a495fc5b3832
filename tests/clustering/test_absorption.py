"""faceid_core.clustering.absorption: what is left of a person with many photos comes to them, lookalikes do not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from faceid_core.clustering import absorption
from faceid_core.clustering.absorption import absorb
from faceid_core.clustering.clusterers import cluster
from faceid_core.clustering.constraints import Constraints
from faceid_core.values import Ints, Vectors
from faceid_core.vectors import neighbours

DIMENSION, PEOPLE, EACH = 16, 60, 6
LEFT = slice(-4, None)
"""The rows of a large group's person that are not in the group: a pair and two single faces."""


@pytest.fixture(scope="module")
def faces() -> tuple[Vectors, Ints, Ints]:
    """Vectors, groups and people. Faces of one person differ most along the first axes: there the rest of the large
    group lies, as far off as the lookalike (the last person but one) in another direction."""
    rng = np.random.default_rng(0)
    within = np.r_[np.full(4, 0.4), np.full(DIMENSION - 4, 0.03)]
    middles = rng.normal(scale=0.5, size=(PEOPLE, DIMENSION))
    person = np.repeat(np.arange(PEOPLE), EACH)
    vectors = middles[person] + rng.normal(size=(len(person), DIMENSION)) * within
    large = middles[0] + rng.normal(size=(60, DIMENSION)) * within
    away = np.r_[1.1, -1.1, np.zeros(DIMENSION - 2)]
    lookalike = middles[0] + 1.2 * np.eye(DIMENSION)[9] + rng.normal(size=(2, DIMENSION)) * within * 0.2
    rest = middles[0] + away + rng.normal(size=(4, DIMENSION)) * 0.03
    vectors = np.concatenate([vectors[EACH:], large, lookalike, rest]).astype(np.float32)
    truth = np.concatenate([person[EACH:], np.zeros(60, int), np.full(2, PEOPLE), np.zeros(4, int)])
    groups = np.concatenate([truth[:-4], [PEOPLE + 1, PEOPLE + 1, PEOPLE + 2, PEOPLE + 3]])
    return vectors, groups.astype(np.int64), truth


def absorbed(faces: tuple[Vectors, Ints, Ints], known: Constraints | None = None) -> Ints:
    vectors, groups, _ = faces
    return absorb(vectors, neighbours.build(vectors, 40), groups, known)


def test_a_large_group_takes_what_is_left_of_its_person_and_no_lookalike(
    faces: tuple[Vectors, Ints, Ints],
) -> None:
    vectors, _, truth = faces
    middle = vectors[truth == 0][:60].mean(axis=0)
    far, near = (np.linalg.norm(vectors[rows] - middle, axis=1) for rows in (LEFT, slice(-6, -4)))
    assert near.max() < far.min(), "by distance, the lookalike is the nearer one"
    labels = absorbed(faces)
    assert len(np.unique(labels)) == len(np.unique(truth))
    assert len(np.unique(np.stack([labels, truth]), axis=1)[0]) == len(np.unique(truth))


def test_two_of_one_photo_and_two_names_stay_apart(faces: tuple[Vectors, Ints, Ints]) -> None:
    vectors, groups, truth = faces
    large = int(np.flatnonzero(truth == 0)[0])
    photos, people = np.arange(len(groups)), np.full(len(groups), -1)
    photos[-1] = photos[large]  # the last single face is beside the person
    people[large], people[-3] = 7, 8  # the pair is somebody else by name
    labels = absorbed(faces, Constraints.of(vectors, photos, people, sure=0.01))
    assert labels[-1] != labels[large] != labels[-3] == labels[-4]
    assert labels[-2] == labels[large], "the other single face"
    people[-3] = 7
    labels = absorbed(faces, Constraints.of(vectors, photos, people, sure=0.01))
    assert labels[-3] == labels[-4] == labels[large]


def test_small_groups_and_small_libraries_are_left_alone(
    faces: tuple[Vectors, Ints, Ints], monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors, groups, _ = faces
    few = np.r_[0:12, len(groups) - 10 : len(groups)]  # their spread is not known
    labels = absorb(vectors[few], neighbours.build(vectors[few], 10), groups[few], None)
    assert len(np.unique(labels)) == len(np.unique(groups[few]))
    alone = np.flatnonzero(groups == groups[-10])  # one person with many faces, and nobody else
    assert len(alone) == 60
    assert set(absorb(vectors[alone], neighbours.build(vectors[alone]), np.zeros(60, np.int64), None)) == {0}
    monkeypatch.setattr(absorption, "LARGE", 61)
    assert len(np.unique(absorbed(faces))) == len(np.unique(groups))
    none = np.zeros(0, np.int64)
    assert absorb(vectors[:0], neighbours.build(vectors[:0]), none, None).tolist() == []


def test_the_evidence_is_the_ratio_of_two_gaussians(faces: tuple[Vectors, Ints, Ints]) -> None:
    """Against scipy's densities of the joint Gaussian, one pair at a time."""
    vectors, groups, _ = faces
    model = absorption._Model.of(vectors, np.unique(groups, return_inverse=True)[1])
    assert model is not None
    one, other = np.array([0, 5, len(model.size) - 1]), np.array([1, 3, 0])
    for first, second, found in zip(one, other, model.evidence(one, other), strict=True):
        own, others = (1 / min(model.size[group], absorption.INDEPENDENT) for group in (first, second))
        both, between = model.place(np.array([first, second])).T, model.between
        expected = sum(
            multivariate_normal([0, 0], [[b + own, b], [b, b + others]]).logpdf(pair)
            - multivariate_normal([0, 0], [[b + own, 0], [0, b + others]]).logpdf(pair)
            for pair, b in zip(both, between, strict=True)
        )
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_default_clusterer_absorbs(faces: tuple[Vectors, Ints, Ints], monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, _, truth = faces
    seen = []

    def spy(vectors: Vectors, graph: object, labels: Ints, known: object) -> Ints:
        seen.append(len(labels))
        return np.zeros(len(labels), np.int64)

    monkeypatch.setattr(absorption, "absorb", spy)
    assert (cluster("density-linkage", vectors, threshold=0.5) == 0).all()
    assert seen == [len(truth)]
