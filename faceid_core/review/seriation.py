"""An order for single faces in which those that look alike, and may be one person, are side by side."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceid_core.values import Ints
from faceid_core.vectors.neighbours import NeighbourGraph

TOGETHER = 8
"""Most faces put together: more would be a chain from one person to the next."""

SCALE_BY = 8
"""Distances are divided by how far the neighbours of this rank are from both faces (local scaling; Zelnik-Manor and
Perona, "Self-tuning spectral clustering", 2004), because blurred faces are all near each other."""

ALIKE = 0.92
"""Two faces are alike up to this scaled distance. Of LFW's single faces, 26 of the first hundred then belong to
somebody with more than one photo; 9 would by chance, 20 by plain distances."""


def order(graph: NeighbourGraph, rows: Ints, photos: Ints) -> Ints:
    """The rows (M,) of a graph of N faces, reordered: first those that have others like them, most alike first,
    then the rest as they came.

    photos: (N,) of each face; two faces in one photo are two people. The nearest pairs are joined first, as in
    single linkage.
    """
    low, high, apart = _scaled(graph).subset(rows).edges(ALIKE)
    elsewhere = np.flatnonzero(photos[rows[low]] != photos[rows[high]])
    elsewhere = elsewhere[np.argsort(apart[elsewhere], kind="stable")]
    clumps: dict[int, list[int]] = {}  # a clump has the place of its nearest pair
    for one, other in zip(low[elsewhere].tolist(), high[elsewhere].tolist(), strict=True):
        _put_together(clumps, one, other)
    alike = np.array(list(dict.fromkeys(row for clump in clumps.values() for row in clump)), np.int64)
    placed: Ints = rows[np.concatenate([alike, np.setdiff1d(np.arange(len(rows)), alike)])]
    return placed


def _scaled(graph: NeighbourGraph) -> NeighbourGraph:
    """The graph with scaled distances, see SCALE_BY; with fewer neighbours, scaled by the farthest one."""
    rank = min(SCALE_BY, len(graph) - 1, graph.k) - 1
    if rank < 0:
        return graph
    scale = np.sqrt(np.maximum(graph.distances[:, rank], 1e-6))
    shares: npt.NDArray[np.float32] = graph.distances / (scale[:, None] * scale[graph.indices])
    return NeighbourGraph(graph.indices, shares)


def _put_together(clumps: dict[int, list[int]], one: int, other: int) -> None:
    """Join the clumps of two rows; each row then maps to the joined clump."""
    first, second = clumps.get(one, [one]), clumps.get(other, [other])
    if first is second or len(first) + len(second) > TOGETHER:
        return
    first += second
    for row in first:
        clumps[row] = first
