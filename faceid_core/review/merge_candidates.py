"""Which groups, or people, may be one person, and the faces that suggest it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceid_core.values import Ints, Vectors
from faceid_core.vectors.neighbours import NeighbourGraph

Floats = npt.NDArray[np.float64]

SEVERAL = 5
"""From this many faces on, a group's own distances say how far apart its person's faces are."""

NEAR, ALIKE = 1.15, 1.15
"""Two groups, one of at least SEVERAL faces, may be one person within NEAR thresholds if they are at most ALIKE
times as far apart as the faces in it. When people of Labeled Faces in the Wild were split into two names, 269 of
272 such pairs were right (five rounds of tests/bench/suggestions.py)."""

FEW = 1.0
"""Two smaller groups may be one person within this many thresholds; half of such pairs are right there."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two groups that may be one person. distance: root mean square over all pairs of their faces.

    typical: the row of a typical face of each. because: the rows of the two nearest faces.
    """

    one: int
    other: int
    distance: float
    typical: tuple[int, int]
    because: tuple[int, int]


Edges = tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.float32]]
"""What NeighbourGraph.edges gives: two rows (E,), and their distance (E,)."""

Scored = tuple[float, Pair]


def likely_pairs(
    vectors: Vectors, groups: Ints, photos: Ints, graph: NeighbourGraph, *, threshold: float, cannot_link: Ints
) -> list[Pair]:
    """Which groups may be one person, likeliest first.

    vectors: (N, D) of equal length; groups: (N,), -1 for none; photos: (N,) of each face; two groups in one photo
    are two people. cannot_link: (M, 2) rows that a human told apart, and with them their groups. threshold: the
    distance up to which faces are grouped.
    """
    edges = graph.edges(NEAR * threshold)
    scored = scored_pairs(vectors, groups, photos, edges, threshold=threshold)
    return in_order(scored, ruled_out(groups, cannot_link))


def ruled_out(groups: Ints, cannot_link: Ints) -> frozenset[tuple[int, int]]:
    """The groups (smaller number first) with rows (M, 2) that a human told apart; groups: (N,)."""
    return frozenset(map(tuple, np.sort(groups[cannot_link], axis=1).tolist()))


def in_order(scored: Iterable[Scored], without: frozenset[tuple[int, int]]) -> list[Pair]:
    """The pairs of groups that nobody told apart, the likeliest first."""
    kept = (item for item in scored if (item[1].one, item[1].other) not in without)
    return [pair for _, pair in sorted(kept, key=lambda item: (item[0], item[1].one, item[1].other))]


def scored_pairs(
    vectors: Vectors,
    groups: Ints,
    photos: Ints,
    edges: Edges,
    *,
    threshold: float,
    touching: npt.NDArray[np.bool_] | None = None,
) -> list[Scored]:
    """Pairs of groups that may be one person, each with a score (0 to 1, smaller is likelier), unordered.

    edges: see NeighbourGraph.edges, at most NEAR thresholds long. touching: (N,) limits the pairs to
    those with an edge at these rows. The rest is as in `likely_pairs`.
    """
    numbers, rows = np.unique(groups, return_inverse=True)
    own = _Groups(vectors, rows, len(numbers))
    found: list[Scored] = []
    for one, other, low, high in _met(edges, groups, rows, touching).T.tolist():
        distance = own.distance(one, other)
        score = own.unlikeness(one, other, distance, threshold)
        if score > 1 or not set(photos[own.faces(one)].tolist()).isdisjoint(photos[own.faces(other)].tolist()):
            continue
        ends = (low, high) if rows[low] == one else (high, low)
        typical = own.typical(one), own.typical(other)
        found.append((score, Pair(int(numbers[one]), int(numbers[other]), distance, typical, ends)))
    return found


def _met(edges: Edges, groups: Ints, rows: Ints, touching: npt.NDArray[np.bool_] | None) -> Ints:
    """(4, P): two groups, as numbered in `rows`, and the rows of their nearest two faces."""
    low, high, apart = edges
    if touching is not None:
        near = np.flatnonzero(touching[low] | touching[high])
        low, high, apart = low[near], high[near], apart[near]
    between = np.flatnonzero((groups[low] >= 0) & (groups[high] >= 0) & (rows[low] != rows[high]))
    between = between[np.argsort(apart[between], kind="stable")]
    low, high = low[between], high[between]
    pairs, first = np.unique(np.sort(np.stack([rows[low], rows[high]]), axis=0), axis=1, return_index=True)
    return np.concatenate([pairs, [low[first], high[first]]]).astype(np.int64)


class _Groups:
    """Groups 0 to count - 1; rows (N,) is the group of each vector (N, D)."""

    def __init__(self, vectors: Vectors, rows: Ints, count: int) -> None:
        self._vectors = vectors
        self._order = np.argsort(rows, kind="stable")
        self._starts = np.searchsorted(rows[self._order], np.arange(count + 1))
        self._known: dict[int, tuple[Floats, float]] = {}

    def faces(self, group: int) -> Ints:
        """The rows of its faces."""
        return self._order[self._starts[group] : self._starts[group + 1]]

    def distance(self, one: int, other: int) -> float:
        """Root mean square of the distances between the faces of two groups, from their means and spreads."""
        (mean, spread), (to, wide) = self._middle(one), self._middle(other)
        return float(np.sqrt(((mean - to) ** 2).sum() + spread + wide))

    def unlikeness(self, one: int, other: int, distance: float, threshold: float) -> float:
        """At most 1 if two groups may be one person."""
        inside = max(self._inside(group) for group in (one, other))
        if not inside:
            return distance / (FEW * threshold)
        return max(distance / (NEAR * threshold), distance / (ALIKE * inside))

    def typical(self, group: int) -> int:
        """The row of the face nearest to the middle."""
        faces = self.faces(group)
        return int(faces[np.linalg.norm(self._vectors[faces] - self._middle(group)[0], axis=1).argmin()])

    def _middle(self, group: int) -> tuple[Floats, float]:
        """The mean vector, and the mean squared distance to it."""
        if group not in self._known:
            mine = self._vectors[self.faces(group)].astype(np.float64)
            mean = mine.mean(axis=0)
            self._known[group] = mean, float(((mine - mean) ** 2).sum(axis=1).mean())
        return self._known[group]

    def _inside(self, group: int) -> float:
        """Root mean square of the distances within a group, 0 if it is too small to tell."""
        size = len(self.faces(group))
        return float(np.sqrt(2 * self._middle(group)[1] * size / (size - 1))) if size >= SEVERAL else 0.0
