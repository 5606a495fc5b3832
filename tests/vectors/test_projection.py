"""faceid_core.vectors.projection: a contract that every projector keeps."""

from __future__ import annotations

import numpy as np
import pytest

from faceid_core.errors import UnknownChoice
from faceid_core.vectors import neighbours
from faceid_core.vectors.projection import PROJECTORS, UMAP_LEAST, project

ONCE_COMPILED = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name == "umap" else ()) for name in PROJECTORS]
)  # UMAP is compiled at its first use, 13 s


def people(count: int, each: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors like face embeddings: people far apart, their faces near each other."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(count, 128))
    centres *= 1.4 / np.linalg.norm(centres, axis=1, keepdims=True)
    truth = np.repeat(np.arange(count), each)
    return (centres[truth] + rng.normal(scale=0.02, size=(len(truth), 128))).astype(np.float32), truth


@pytest.mark.parametrize("name", PROJECTORS)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, UMAP_LEAST - 1])
def test_few_faces(name: str, count: int) -> None:
    vectors = people(3, 6)[0][:count]
    plane = project(name, vectors)
    assert plane.shape == (count, 2)
    assert plane.dtype == np.float32
    assert np.isfinite(plane).all()


@ONCE_COMPILED
def test_faces_of_a_person_lie_together_and_runs_repeat(name: str) -> None:
    vectors, truth = people(3, 14)
    graph = neighbours.build(vectors)
    plane = PROJECTORS[name](vectors, graph, seed=3)
    assert np.isfinite(plane).all()
    centres = np.stack([plane[truth == person].mean(axis=0) for person in range(3)])
    nearest = np.linalg.norm(plane[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == truth).all()
    np.testing.assert_array_equal(plane, PROJECTORS[name](vectors, graph, seed=3))


@ONCE_COMPILED
def test_duplicates_are_finite(name: str) -> None:
    vectors, _ = people(1, 1)
    plane = project(name, np.repeat(vectors, UMAP_LEAST + 4, axis=0))
    assert plane.shape == (UMAP_LEAST + 4, 2)
    assert np.isfinite(plane).all()


def test_pca_is_the_singular_vectors() -> None:
    vectors = np.random.default_rng(1).normal(size=(50, 6)).astype(np.float32) * [9, 5, 1, 1, 1, 1]
    plane = project("pca", vectors.astype(np.float32))
    centred = vectors - vectors.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(plane), np.abs(left[:, :2] * values[:2]), rtol=1e-3, atol=1e-4)
    assert project("pca", np.ones((4, 1), np.float32)).tolist() == [[0, 0]] * 4


def test_an_unknown_projector_names_the_known_ones() -> None:
    with pytest.raises(UnknownChoice, match="umap, pca"):
        project("tsne", np.zeros((2, 128), np.float32))
