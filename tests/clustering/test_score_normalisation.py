"""faceid_core.clustering.score_normalisation: a distance counts from how far the nearest other people are."""

from __future__ import annotations

import numpy as np

from faceid_core.clustering import score_normalisation
from faceid_core.clustering.clusterers import cluster
from faceid_core.vectors import neighbours


def people(apart: float, count: int = 12, each: int = 4, seed: int = 0) -> np.ndarray:
    """Faces of people who are about `apart` from each other, 0.3 from face to face."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(scale=apart / np.sqrt(2 * 64), size=(count, 64))
    faces = np.repeat(middles, each, axis=0) + rng.normal(scale=0.3 / np.sqrt(2 * 64), size=(count * each, 64))
    return faces.astype(np.float32)


def offsets(vectors: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return score_normalisation.offsets(vectors, neighbours.build(vectors), labels)


def test_crowded_people_count_as_farther_apart_and_lonely_ones_as_nearer() -> None:
    labels = np.repeat(np.arange(12), 4)
    crowded, lonely = offsets(people(0.4), labels), offsets(people(1.0), labels)
    assert (crowded > 0.02).all()
    np.testing.assert_allclose(lonely, score_normalisation.LOOSEST)
    assert all(len(np.unique(crowded[labels == one])) == 1 for one in range(12))


def test_without_other_people_distances_count_as_they_are() -> None:
    vectors = people(0.4, count=1, each=9)
    assert (offsets(vectors, np.zeros(9, np.int64)) == 0).all()
    assert len(offsets(vectors[:0], np.zeros(0, np.int64))) == 0


def test_the_same_two_faces_are_one_person_only_where_nobody_else_is_near() -> None:
    """A pair 0.465 apart: alone among far people, or among faces at 0.51."""
    rng = np.random.default_rng(1)
    axes = np.linalg.qr(rng.normal(size=(40, 40)))[0]
    pair = np.stack([axes[0], axes[1]]) * 0.465 / np.sqrt(2)
    far, near = axes[2:16] * 1.0, axes[2:16] * 0.39
    for others, together in ((far, True), (near, False)):
        labels = cluster("density-linkage", np.concatenate([pair, others]).astype(np.float32), threshold=0.48)
        assert bool(labels[0] == labels[1] >= 0) is together
