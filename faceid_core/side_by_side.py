"""An order in which faces that look alike lie side by side: of faces in no group, those that may be one person."""

from __future__ import annotations

import numpy as np

from faceid_core.neighbours import NeighbourGraph
from faceid_core.values import Ints

TOGETHER = 8
"""Faces at most that are put together: more would be a chain from one person to the next."""


def order(graph: NeighbourGraph, photos: Ints, longest: float) -> Ints:
    """The rows (N,) of a graph, each once: first those with others like them, the most alike first, then the rest
    as they came.

    photos: (N,) of each face; two faces of one photo are two people. longest: the largest distance at which two
    faces are called alike. Pairs are taken by their distance, and what they connect is put together, as in single
    linkage.
    """
    low, high, apart = graph.edges(longest)
    elsewhere = np.flatnonzero(photos[low] != photos[high])
    elsewhere = elsewhere[np.argsort(apart[elsewhere], kind="stable")]
    clumps: dict[int, list[int]] = {}  # a clump has the place of its nearest pair
    for one, other in zip(low[elsewhere].tolist(), high[elsewhere].tolist(), strict=True):
        _put_together(clumps, one, other)
    alike = list(dict.fromkeys(row for clump in clumps.values() for row in clump))
    alone = np.setdiff1d(np.arange(len(graph)), np.array(alike, np.int64))
    return np.concatenate([np.array(alike, np.int64), alone])


def _put_together(clumps: dict[int, list[int]], one: int, other: int) -> None:
    """Let two rows and the clumps they are in be one clump, which each of its rows leads to."""
    first, second = clumps.get(one, [one]), clumps.get(other, [other])
    if first is second or len(first) + len(second) > TOGETHER:
        return
    first += second
    for row in first:
        clumps[row] = first
