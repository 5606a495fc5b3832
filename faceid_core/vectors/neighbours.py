"""The nearest-neighbour graph of faces: built once, then shared by grouping, map, suggestions and outliers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from faceid_core.cosine_scale import LENGTH
from faceid_core.values import Ints, Vectors
from faceid_core.vectors import faiss_kernels

DEFAULT_K = 64
"""Neighbours per face. With fewer, people with hundreds of photos would be split: their neighbours are all
similar."""

EXACT_LIMIT = 120_000
"""Number of faces up to which all are compared with each other, which takes two cores half a minute."""

PROBED = 48
"""Cells searched for a face's neighbours beyond EXACT_LIMIT; see tests/bench/grouping_scale.py."""

_CHUNK = 4096
_ROUGH = 2e-3
"""Maximum error of faiss's distances, see `build`."""

_ROUNDS, _SAMPLED = 8, 64
"""Iterations and sampled faces per cell for k-means, which need not be precise here."""


Rows = npt.NDArray[np.int32]
"""Rows of neighbours, as int32 to save memory: a million faces have 64 million of them."""

Edges = tuple[Rows, Rows, npt.NDArray[np.float32]]
"""Pairs of rows and their distances (E,) each."""


@dataclass(frozen=True, slots=True, eq=False)
class NeighbourGraph:
    """The k nearest other faces of each of N faces, nearest first.

    indices: (N, k) int32 rows of the neighbours, padded with -1.
    distances: (N, k) float32 Euclidean, padded with inf.
    """

    indices: Rows
    distances: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def k(self) -> int:
        """Neighbours per vector."""
        return int(self.indices.shape[1])

    def scaled(self, factor: float) -> NeighbourGraph:
        """Return the same graph with all distances multiplied by `factor`."""
        return self if factor == 1 else NeighbourGraph(self.indices, self.distances * np.float32(factor))

    def edges(self, longest: float) -> Edges:
        """Return each pair at most `longest` apart once: rows i < j (E,) and distances (E,), ordered by i, then
        j."""
        # A million faces have 35 million edges, so this uses little memory besides the result.
        blocks = [slice(at, min(at + _CHUNK, len(self))) for at in range(0, len(self), _CHUNK)]
        back = _joined([self._only_back(block, longest) for block in blocks])
        order = np.argsort(back[0], kind="stable")
        back = back[0][order], back[1][order], back[2][order]
        count = len(order) + sum(np.count_nonzero(self._forward(block, longest)) for block in blocks)
        edges, filled = (np.empty(count, np.int32), np.empty(count, np.int32), np.empty(count, np.float32)), 0
        for block in blocks:
            here = slice(*np.searchsorted(back[0], (block.start, block.stop)))
            rows, places = np.nonzero(self._forward(block, longest))
            listed = (
                (rows + block.start).astype(np.int32),
                self.indices[block][rows, places],
                self.distances[block][rows, places],
            )
            some = _joined([listed, (back[0][here], back[1][here], back[2][here])])
            order = np.argsort(some[0].astype(np.int64) * len(self) + some[1])
            for whole, part in zip(edges, some, strict=True):
                whole[filled : filled + len(order)] = part[order]
            filled += len(order)
        return edges

    def _forward(self, block: slice, longest: float) -> npt.NDArray[np.bool_]:
        """Return a mask (n, k) of the neighbours in a block that are later rows and near enough."""
        later = self.indices[block] > np.arange(block.start, block.stop)[:, None]
        return later & (self.distances[block] <= longest)

    def _only_back(self, block: slice, longest: float) -> Edges:
        """Return the edges to earlier rows that do not list the row themselves."""
        indices = self.indices[block]
        earlier = indices < np.arange(block.start, block.stop)[:, None]
        rows, places = np.nonzero(earlier & (indices >= 0) & (self.distances[block] <= longest))
        other, apart, rows = indices[rows, places], self.distances[block][rows, places], rows + block.start
        once = ~((self.indices[other] == rows[:, None]) & (self.distances[other] <= longest)).any(axis=1)
        return other[once], rows[once].astype(np.int32), apart[once]

    def among(self, part: npt.NDArray[np.bool_]) -> NeighbourGraph:
        """Return the graph with the same rows, but without edges to or from rows outside the part (N,). Like
        `subset`, but in less memory. The distances are shared, so they are not inf where the index is -1."""
        if part.all():
            return self
        indices = np.empty_like(self.indices)
        for at in range(0, len(self), _CHUNK):
            near, own = self.indices[at : at + _CHUNK], part[at : at + _CHUNK, None]
            indices[at : at + _CHUNK] = np.where(own & part[near], near, -1)
        return NeighbourGraph(indices, self.distances)

    def subset(self, rows: Ints) -> NeighbourGraph:
        """Return the graph of these rows only, renumbered in their order. Other neighbours become -1 and inf."""
        if len(rows) == len(self) and (rows == np.arange(len(self))).all():
            return self
        number, part = _renumbered(len(self), rows), _empty(len(rows), self.k)
        for at in range(0, len(rows), _CHUNK):
            here, some = slice(at, at + _CHUNK), rows[at : at + _CHUNK]
            part.indices[here] = number[self.indices[some]]
            np.copyto(part.distances[here], self.distances[some], where=part.indices[here] >= 0)
        return part


def _joined(parts: Sequence[Edges]) -> Edges:
    none = np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32)
    low, high, apart = (np.concatenate(columns) for columns in zip(none, *parts, strict=True))
    return low, high, apart


def on_sphere(vectors: Vectors, length: float = LENGTH) -> Vectors:
    """Scale the vectors (N, D) to equal length. Identity is in the direction; the length carries no information,
    yet short vectors are near to everybody's. On LFW, this finds 83 instead of 76 of 100 pairs of the same person
    at one false pair in 10,000. Zero vectors are unchanged.
    """
    scaled = np.empty(vectors.shape, np.float32)
    for at in range(0, len(vectors), _CHUNK):  # a million take half a gigabyte
        some = vectors[at : at + _CHUNK]
        lengths = np.linalg.norm(some, axis=1, keepdims=True)
        scaled[at : at + _CHUNK] = some * (length / np.maximum(lengths, 1e-9))
    return scaled


def build(vectors: Vectors, k: int = DEFAULT_K, *, exact_limit: int = EXACT_LIMIT) -> NeighbourGraph:
    """Build the nearest-neighbour graph of (N, D) float32 vectors. A face is not its own neighbour; duplicates are.

    Exact up to exact_limit faces. Beyond that, the search covers the PROBED nearest of 2 sqrt(N) cells, which finds
    95% of the neighbours for a million faces. Memory grows with N k, time with N^2 D, then with N^1.5 D.
    The distances are computed from differences: faiss computes |a|^2 + |b|^2 - 2ab, which is off by about 1e-3 for
    near-duplicates. Raises ValueError for other shapes, and values that are not finite.
    """
    vectors = np.ascontiguousarray(vectors, np.float32)
    if vectors.ndim != 2 or k < 1:
        raise ValueError(f"vectors must be (N, D) and k at least 1, not {vectors.shape} and {k}")
    if not np.isfinite(vectors).all():
        raise ValueError("vectors must be finite")
    graph = _empty(len(vectors), k)
    if len(vectors) > 1:
        index, order = _flat(vectors) if len(vectors) <= exact_limit else _cells(vectors)
        _fill(graph, vectors, index, order)
    return graph


def extended(graph: NeighbourGraph, rows: Ints, vectors: Vectors) -> NeighbourGraph:
    """Update a graph to the vectors (N, D). The result is as from `build`, in less time if few vectors were added
    or removed. rows: (N,) the row in `graph` of each vector, -1 for a new one."""
    vectors = np.ascontiguousarray(vectors, np.float32)
    old = np.flatnonzero(rows >= 0)
    listed = graph.indices[rows[old]]
    kept = _renumbered(len(graph), rows[old], old)[listed]
    whole = ~((listed >= 0) & (kept < 0)).any(axis=1)  # no neighbour was removed
    new = np.flatnonzero(rows < 0)
    anew = np.sort(np.concatenate([new, old[~whole]]))
    # Comparing these with all others must be less work than `build`, which is approximate beyond EXACT_LIMIT.
    if len(anew) * max(3, 4 * len(vectors) ** 2 / EXACT_LIMIT**2) > len(vectors):
        return build(vectors, graph.k)
    result = _empty(len(vectors), graph.k)
    result.indices[old[whole]], result.distances[old[whole]] = kept[whole], graph.distances[rows[old[whole]]]
    if len(anew):
        _fill(result, vectors, _flat(vectors)[0], anew)
    if len(new):
        _offer(result, vectors, old[whole], new)
    return result


def _empty(count: int, k: int) -> NeighbourGraph:
    return NeighbourGraph(np.full((count, k), -1, np.int32), np.full((count, k), np.inf, np.float32))


def _renumbered(count: int, rows: Ints, numbers: Ints | None = None) -> Rows:
    """Return a lookup table (count + 1,) from old row to number (default: its place in rows); -1 for other rows,
    and in the last entry, so that index -1 maps to -1."""
    number = np.full(count + 1, -1, np.int32)
    number[rows] = np.arange(len(rows)) if numbers is None else numbers
    return number


def _fill(graph: NeighbourGraph, vectors: Vectors, index: Any, rows: Ints) -> None:
    """Fill these rows of the graph from the index of all vectors."""
    width = min(graph.k, len(vectors) - 1)
    for start in range(0, len(rows), _CHUNK):
        some = rows[start : start + _CHUNK]
        others = _without_self(index.search(vectors[some], width + 1)[1], some)
        graph.indices[some, :width], graph.distances[some, :width] = _sorted(vectors, others, vectors[some])


def _offer(graph: NeighbourGraph, vectors: Vectors, rows: Ints, new: Ints) -> None:
    """Insert new vectors into the lists of rows to which they are nearer than the last neighbour there."""
    index, _ = _flat(vectors[new])
    for start in range(0, len(rows), _CHUNK):
        some = rows[start : start + _CHUNK]
        squared, found = index.search(vectors[some], min(graph.k, len(new)))
        near = np.sqrt(np.maximum(squared, 0)) <= graph.distances[some, -1:] + _ROUGH
        some, width = some[near[:, 0]], int(near.sum(axis=1).max(initial=0))
        others = new[found[near[:, 0], :width]]
        indices = np.concatenate([graph.indices[some], others], axis=1)
        distances = np.concatenate([graph.distances[some], _distances(vectors, others, vectors[some])], axis=1)
        graph.indices[some], graph.distances[some] = (a[:, : graph.k] for a in _in_order(indices, distances))


def _flat(vectors: Vectors) -> tuple[Any, Ints]:
    """Return an exhaustive faiss index, and the order in which to query it."""
    faiss = faiss_kernels.faiss()

    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors, np.float32))
    return index, np.arange(len(vectors))


def _cells(vectors: Vectors) -> tuple[Any, Ints]:
    """Return a faiss index that searches the nearest cells of a k-means partition, and the faces sorted by cell:
    queried in that order, the cells stay in the processor's cache. Half precision halves the memory traffic."""
    faiss = faiss_kernels.faiss()

    count, width = vectors.shape
    cells = 2 * int(np.sqrt(count))
    quantizer = faiss.IndexFlatL2(width)
    index = faiss.IndexIVFScalarQuantizer(quantizer, width, cells, faiss.ScalarQuantizer.QT_fp16)
    index.cp.niter = _ROUNDS
    sample = np.random.default_rng(0).choice(count, min(count, _SAMPLED * cells), replace=False)
    index.train(vectors[sample])
    index.add(vectors)
    index.nprobe = PROBED
    cell = quantizer.search(vectors, 1)[1][:, 0]
    return index, np.argsort(cell, kind="stable")


def _without_self(found: Ints, rows: Ints) -> Rows:
    """Remove the row itself from found (n, k + 1), wherever it is among its duplicates. Returns (n, k)."""
    is_self = found == rows[:, None]
    is_self[~is_self.any(axis=1), -1] = True  # crowded out by duplicates: drop the farthest instead
    others: Rows = found[~is_self].reshape(len(found), -1).astype(np.int32)
    return others


def _sorted(vectors: Vectors, others: Rows, own: Vectors) -> tuple[Rows, npt.NDArray[np.float32]]:
    """Sort the neighbours (n, k) of the vectors `own` (n, D) by exact distance, then by row."""
    return _in_order(others, _distances(vectors, others, own))


def _distances(vectors: Vectors, others: Rows, own: Vectors) -> npt.NDArray[np.float32]:
    """Return distances (n, k) from the vectors `own` (n, D) to others (n, k), inf where those are -1."""
    apart = np.empty(others.shape, np.float32)
    for column in range(others.shape[1]):  # a column at a time keeps the differences in the cache
        difference = vectors[others[:, column]] - own
        apart[:, column] = np.sqrt(np.einsum("nd,nd->n", difference, difference))
    apart[others < 0] = np.inf  # the cells contained fewer
    return apart


def _in_order(others: Rows, apart: npt.NDArray[np.float32]) -> tuple[Rows, npt.NDArray[np.float32]]:
    order = np.lexsort((others, apart), axis=1)
    return np.take_along_axis(others, order, axis=1), np.take_along_axis(apart, order, axis=1)
