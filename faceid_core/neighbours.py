"""The graph of each face's nearest faces: found once, then shared by grouping, map, suggestions and outliers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceid_core.values import Ints, Vectors

DEFAULT_K = 64
"""Neighbours per face. Fewer would tear people with hundreds of photos apart: their near faces are all alike."""

_CHUNK = 4096


@dataclass(frozen=True, slots=True, eq=False)
class NeighbourGraph:
    """The k nearest other faces of each of N faces, nearest first.

    indices: (N, k) int64 rows of the neighbours, -1 where there are fewer than k.
    distances: (N, k) float32 Euclidean, inf where there is no neighbour.
    """

    indices: Ints
    distances: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def k(self) -> int:
        return int(self.indices.shape[1])

    def edges(self, longest: float) -> tuple[Ints, Ints, npt.NDArray[np.float32]]:
        """Each pair at most `longest` apart once: rows i < j (E,) and distances (E,), ordered by i, then j."""
        near = (self.indices >= 0) & (self.distances <= longest)
        source = np.repeat(np.arange(len(self)), near.sum(axis=1))
        other, distance = self.indices[near], self.distances[near]
        low, high = np.minimum(source, other), np.maximum(source, other)
        _, first = np.unique(low * len(self) + high, return_index=True)
        return low[first], high[first], distance[first]

    def subset(self, rows: Ints) -> NeighbourGraph:
        """The graph among these rows only, renumbered in their order; other neighbours become -1 and inf."""
        if len(rows) == len(self) and (rows == np.arange(len(self))).all():
            return self
        number = np.full(len(self) + 1, -1, np.int64)  # the last entry is what -1 picks
        number[rows] = np.arange(len(rows))
        indices = number[self.indices[rows]]
        return NeighbourGraph(indices, np.where(indices >= 0, self.distances[rows], np.float32(np.inf)))


def build(vectors: Vectors, k: int = DEFAULT_K) -> NeighbourGraph:
    """Exact nearest neighbours of (N, D) float32 vectors; a face is not its own neighbour, its duplicates are.

    Memory grows with N k, time with N^2 D. The distances are computed from differences: faiss finds them as
    |a|^2 + |b|^2 - 2ab, which is off by about 1e-3 for near-duplicates.
    """
    vectors = np.ascontiguousarray(vectors, np.float32)
    if vectors.ndim != 2 or k < 1:
        raise ValueError(f"vectors must be (N, D) and k at least 1, not {vectors.shape} and {k}")
    if not np.isfinite(vectors).all():
        raise ValueError("vectors must be finite")
    count = len(vectors)
    indices = np.full((count, k), -1, np.int64)
    distances = np.full((count, k), np.inf, np.float32)
    if count > 1:
        others = _others(vectors, min(k, count - 1))
        for start in range(0, count, _CHUNK):
            rows = slice(start, start + _CHUNK)
            found, apart = _sorted(vectors, others[rows], start)
            indices[rows, : others.shape[1]] = found
            distances[rows, : others.shape[1]] = apart
    return NeighbourGraph(indices, distances)


def _others(vectors: Vectors, k: int) -> Ints:
    """(N, k) rows of the nearest vectors but the row itself, wherever among its duplicates it was listed."""
    import faiss

    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(vectors)
    _, found = index.search(vectors, k + 1)
    is_self = found == np.arange(len(vectors))[:, None]
    is_self[~is_self.any(axis=1), -1] = True  # crowded out by duplicates: drop the farthest instead
    others: Ints = found[~is_self].reshape(len(vectors), k).astype(np.int64)
    return others


def _sorted(vectors: Vectors, others: Ints, start: int) -> tuple[Ints, npt.NDArray[np.float32]]:
    """The rows' neighbours with exact distances, nearest first and by row among equals."""
    own = vectors[start : start + len(others)]
    apart = np.empty(others.shape, np.float32)
    for column in range(others.shape[1]):  # a column at a time keeps the differences in the cache
        difference = vectors[others[:, column]] - own
        apart[:, column] = np.sqrt(np.einsum("nd,nd->n", difference, difference))
    order = np.lexsort((others, apart), axis=1)
    return np.take_along_axis(others, order, axis=1), np.take_along_axis(apart, order, axis=1)
