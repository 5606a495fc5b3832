"""faceid_core.vectors.neighbours: neighbours, without the face itself, with its duplicates."""

from __future__ import annotations

import numpy as np
import pytest

from faceid_core.vectors import neighbours


def brute_force(vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    apart = np.sqrt(((vectors[:, None].astype(np.float64) - vectors[None]) ** 2).sum(axis=2))
    np.fill_diagonal(apart, np.inf)
    order = np.argsort(apart, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(apart, order, axis=1)


def test_agrees_with_brute_force() -> None:
    vectors = np.random.default_rng(1).normal(size=(300, 16)).astype(np.float32)
    graph = neighbours.build(vectors, 10)
    order, apart = brute_force(vectors, 10)
    np.testing.assert_array_equal(graph.indices, order)
    np.testing.assert_allclose(graph.distances, apart, rtol=1e-5)
    assert graph.indices.dtype == np.int32 and graph.distances.dtype == np.float32
    assert (len(graph), graph.k) == (300, 10)


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_few_faces_are_padded(count: int) -> None:
    vectors = np.random.default_rng(2).normal(size=(count, 8)).astype(np.float32)
    graph = neighbours.build(vectors, 4)
    assert graph.indices.shape == graph.distances.shape == (count, 4)
    known = min(4, max(count - 1, 0))
    assert (graph.indices[:, :known] >= 0).all()
    assert (graph.indices[:, known:] == -1).all()
    assert np.isinf(graph.distances[:, known:]).all()


def test_duplicates_are_neighbours_at_distance_zero() -> None:
    vector = np.random.default_rng(3).normal(size=(1, 128)).astype(np.float32)
    graph = neighbours.build(np.repeat(vector, 40, axis=0), 5)
    assert (graph.distances == 0).all()
    assert (graph.indices != np.arange(40)[:, None]).all()
    assert all(len(set(row)) == 5 for row in graph.indices.tolist())


def test_near_duplicates_have_exact_distances() -> None:
    vectors = np.random.default_rng(4).normal(size=(50, 128)).astype(np.float32)
    twin = vectors + np.float32(1e-4)
    graph = neighbours.build(np.concatenate([vectors, twin]), 1)
    np.testing.assert_allclose(graph.distances, 1e-4 * np.sqrt(128), rtol=0.02)


def test_edges_are_listed_once_and_not_beyond_the_longest() -> None:
    vectors = np.random.default_rng(5).normal(size=(80, 4)).astype(np.float32)
    low, high, apart = neighbours.build(vectors, 79).edges(1.5)
    full = np.sqrt(((vectors[:, None] - vectors[None]) ** 2).sum(axis=2))
    expected = {(i, j) for i in range(80) for j in range(i + 1, 80) if full[i, j] <= 1.5}
    assert set(zip(low.tolist(), high.tolist(), strict=True)) == expected
    assert len(low) == len(expected)
    np.testing.assert_allclose(apart, full[low, high], rtol=1e-5)
    assert all(len(part) == 0 for part in neighbours.build(vectors[:1]).edges(1.0))


def test_wrong_shapes_and_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        neighbours.build(np.full((3, 4), np.nan, np.float32))
    with pytest.raises(ValueError, match=r"\(N, D\)"):
        neighbours.build(np.zeros(7, np.float32))


def test_beyond_the_limit_few_neighbours_are_missed_and_distances_stay_exact() -> None:
    rng = np.random.default_rng(7)
    middles = rng.normal(size=(400, 16))
    drawn = np.repeat(middles, 10, axis=0) + rng.normal(scale=0.2, size=(4000, 16))
    vectors = np.concatenate([drawn, drawn[:50]]).astype(np.float32)
    graph, exact = neighbours.build(vectors, 9, exact_limit=1000), neighbours.build(vectors, 9)
    hits = [len(set(a) & set(b)) for a, b in zip(graph.indices.tolist(), exact.indices.tolist(), strict=True)]
    assert sum(hits) > 0.95 * 9 * len(vectors)
    assert (graph.indices != np.arange(len(vectors))[:, None]).all()
    known = graph.indices >= 0
    apart = np.linalg.norm(vectors[graph.indices] - vectors[:, None], axis=2)
    np.testing.assert_allclose(graph.distances[known], apart[known], rtol=1e-5)
    assert np.isinf(graph.distances[~known]).all()
    assert (np.diff(graph.distances, axis=1)[known[:, 1:]] >= 0).all()


def test_equally_long_vectors_keep_their_direction() -> None:
    vectors = np.random.default_rng(9).normal(size=(6, 8)).astype(np.float32)
    vectors[3] = 0
    scaled = neighbours.on_sphere(vectors, 1.42)
    np.testing.assert_allclose(np.linalg.norm(np.delete(scaled, 3, 0), axis=1), 1.42, rtol=1e-5)
    np.testing.assert_allclose(scaled * np.linalg.norm(vectors, axis=1, keepdims=True), vectors * 1.42, rtol=1e-4)
    assert (scaled[3] == 0).all()


@pytest.mark.parametrize("longest", [0.4, 0.8, np.inf])
def test_edges_are_all_pairs_that_either_end_lists_once_and_in_order(
    longest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "_CHUNK", 64)
    vectors = np.random.default_rng(0).uniform(size=(300, 2)).astype(np.float32)
    vectors[7] = vectors[200]
    for graph in (neighbours.build(vectors, 6), neighbours.build(vectors, 6).subset(np.arange(0, 300, 3))):
        listed = {
            (min(row, other), max(row, other)): float(apart)
            for row in range(len(graph))
            for other, apart in zip(graph.indices[row].tolist(), graph.distances[row], strict=True)
            if other >= 0 and apart <= longest
        }
        low, high, apart = graph.edges(longest)
        assert list(zip(low.tolist(), high.tolist(), strict=True)) == sorted(listed)
        assert apart.tolist() == [listed[pair] for pair in sorted(listed)]
