"""An order in which faces that look alike lie side by side: of faces in no group, those that may be one person."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceid_core.values import Ints
from faceid_core.vectors.neighbours import NeighbourGraph

TOGETHER = 8
"""Faces at most that are put together: more would be a chain from one person to the next."""

SCALE_BY = 8
"""A distance counts as a share of how far the neighbours of this rank are from both its faces (local scaling;
Zelnik-Manor and Perona, "Self-tuning spectral clustering", 2004): blurred faces are all near one another."""

ALIKE = 0.92
"""The largest such share at which two faces are called alike. Of LFW's faces in no group, 26 of the first hundred
then belong to somebody with more than one photo; 9 would by chance, 20 by plain distances."""


def order(graph: NeighbourGraph, rows: Ints, photos: Ints) -> Ints:
    """The rows (M,) of a graph of N faces, each once: first those with others like them among the rows, the most
    alike first, then the rest as they came.

    photos: (N,) of each face; two faces of one photo are two people. Pairs are taken by their distance, and what
    they connect is put together, as in single linkage.
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
    """The graph with distances as shares, see SCALE_BY; where there are fewer neighbours, of the farthest one."""
    rank = min(SCALE_BY, len(graph) - 1, graph.k) - 1
    if rank < 0:
        return graph
    scale = np.sqrt(np.maximum(graph.distances[:, rank], 1e-6))
    shares: npt.NDArray[np.float32] = graph.distances / (scale[:, None] * scale[graph.indices])
    return NeighbourGraph(graph.indices, shares)


def _put_together(clumps: dict[int, list[int]], one: int, other: int) -> None:
    """Let two rows and the clumps they are in be one clump, which each of its rows leads to."""
    first, second = clumps.get(one, [one]), clumps.get(other, [other])
    if first is second or len(first) + len(second) > TOGETHER:
        return
    first += second
    for row in first:
        clumps[row] = first
