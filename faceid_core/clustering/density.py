"""Groups of any density from the edges of the neighbour graph: the hierarchy of HDBSCAN without its N^2.

Single linkage joins faces by their shortest edges. Read from the top, each joint either loses a face or divides a
group in two; of a group and its parts, those are kept that live longer (excess of mass; Campello, Moulavi and
Sander, "Density-based clustering based on hierarchical density estimates", 2013). It costs a sort of the edges.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from faceid_core.clustering.linkage import components
from faceid_core.values import Ints
from faceid_core.vectors.neighbours import Edges, Rows

BAND = 4_000_000
"""Edges that are sorted at a time: most of those after the shortest connect faces that are connected already."""

_AT_ONCE = 65_536
"""Edges that are Python's numbers at a time."""

Floats = npt.NDArray[np.float32]


def groups(count: int, edges: Edges, longest: float, shortest: float, *, band: int = BAND) -> Ints:
    """(count,) labels from 0; a face outside every group has one of its own.

    edges: rows i, j and distances (E,), ordered by i, then j; those beyond `longest`, where every group ends at the
    latest, don't count.
    shortest: nearer faces count as this far apart, or a pair of near-duplicates would outlive its person.
    band: edges that are compared at a time; it changes nothing but memory and time.
    """
    tree = _Tree(count)
    for some in _shortest_edges(count, edges, longest, band):
        closeness = 1 / np.maximum(edges[2][some].astype(np.float64), shortest)
        for one, other, close in zip(
            edges[0][some].tolist(), edges[1][some].tolist(), closeness.tolist(), strict=True
        ):
            tree.join(one, other, close)
    return tree.labels(1 / longest)


def _shortest_edges(count: int, edges: Edges, longest: float, band: int) -> Iterator[Ints]:
    """The minimum spanning forest, as places of edges, the shortest first and the first ones among equals: what
    Kruskal's algorithm finds, a band of lengths at a time."""
    low, high, apart = edges
    part = np.arange(count, dtype=np.int32)
    for some in _bands(apart, longest, band):
        one, other = part[low[some]], part[high[some]]
        between = one != other
        fresh, one, other = some[between], one[between], other[between]
        # Of several edges between the same two parts the first will do.
        _, first = np.unique(
            np.minimum(one, other).astype(np.int64) * count + np.maximum(one, other), return_index=True
        )
        first.sort()
        chosen = first[_forest(count, one[first], other[first])]
        yield from np.split(fresh[chosen], range(_AT_ONCE, len(chosen), _AT_ONCE))
        part = components(count, (one[chosen], other[chosen])).astype(np.int32)[part]


def _bands(apart: Floats, longest: float, band: int) -> Iterator[Ints]:
    """The places of edges up to the longest, about `band` at a time, the shortest first."""
    near = np.count_nonzero(apart <= longest)
    sample = apart[:: max(len(apart) // 100_000, 1)]
    parts = -(-near // band)
    ends = np.quantile(sample[sample <= longest], np.arange(1, parts) / parts) if parts > 1 else np.empty(0)
    lower = -np.inf
    for upper in [*np.unique(ends).tolist(), longest]:
        some = np.flatnonzero((apart > lower) & (apart <= upper))
        yield some[np.argsort(apart[some], kind="stable")]
        lower = upper


def _forest(count: int, one: Rows, other: Rows) -> Ints:
    """The places of those edges, given in the order of their lengths, that make the minimum spanning forest."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    ranks = np.arange(1, len(one) + 1, dtype=np.float64)  # an edge of length 0 would be no edge
    links = coo_array((ranks, (one, other)), shape=(count, count)).tocsr()
    return np.sort(minimum_spanning_tree(links, overwrite=True).data).astype(np.int64) - 1


class _Tree:
    """Components that grow edge by edge, and the tree of groups that they pass through.

    A group's life is the sum over its faces of (closeness at which the face leaves it - closeness at which it is
    born), closeness being one over the distance. Every group has at least two faces. There may be millions of both,
    so all of it is in arrays.
    """

    def __init__(self, count: int) -> None:
        self._parent = array("i", range(count))
        self._group = array("i", [-1]) * count
        """Of each component's root: its present group, or -1 for a single face."""
        self._home = array("i", [-1]) * count
        """Of each face: the group that it leaves by itself, not with a part; -1 for none."""
        self._above = array("i")
        """Of each group: the one that it is a part of, -1 for none; it comes later."""
        self._size = array("i")
        self._left = array("d")
        """Of each group: the sum of the closenesses at which its faces leave."""
        self._kept = array("d")
        """Of each group: the best life that its parts have, once it is finished that it or its parts have."""
        self._whole = bytearray()
        """Of each group: whether it has no parts, once it is finished whether it lives longer than they do."""

    def root(self, face: int) -> int:
        parent = self._parent
        while parent[face] != face:
            parent[face] = face = parent[parent[face]]
        return face

    def join(self, one: int, other: int, closeness: float) -> None:
        """Connect two components that had no edge yet."""
        keep, gone = self.root(one), self.root(other)
        first, second = self._group[keep], self._group[gone]
        if first >= 0 and second >= 0:
            self._group[keep] = self._join_groups(first, second, closeness)
        elif first >= 0 or second >= 0:
            group, face = (first, gone) if first >= 0 else (second, keep)
            self._size[group] += 1
            self._left[group] += closeness
            self._home[face] = group
            self._group[keep] = group
        else:
            self._group[keep] = self._home[keep] = self._home[gone] = self._new(2, closeness)
        self._parent[gone] = keep

    def _join_groups(self, first: int, second: int, closeness: float) -> int:
        for group in (first, second):
            self._finish(group, closeness)
        new = self._new(self._size[first] + self._size[second], closeness)
        self._above[first] = self._above[second] = new
        self._kept[new], self._whole[new] = self._kept[first] + self._kept[second], False
        return new

    def _new(self, size: int, closeness: float) -> int:
        self._above.append(-1)
        self._size.append(size)
        self._left.append(size * closeness)
        self._kept.append(0.0)
        self._whole.append(True)
        return len(self._size) - 1

    def _finish(self, group: int, born: float) -> None:
        life, of_parts = self._left[group] - self._size[group] * born, self._kept[group]
        self._whole[group] = self._whole[group] or life >= of_parts
        self._kept[group] = max(life, of_parts)

    def labels(self, born: float) -> Ints:
        """(count,) labels, after all edges; `born` is the closeness at which the largest groups begin."""
        count, part_of = len(self._size), self._above
        owner = array("i", [-1]) * count
        for group in range(count - 1, -1, -1):
            above = part_of[group]
            if above < 0:
                self._finish(group, born)
            else:
                owner[group] = owner[above]
            if owner[group] < 0 and self._whole[group]:
                owner[group] = group
        home = np.frombuffer(self._home, np.int32) if self._home else np.empty(0, np.int32)
        mine = np.where(home >= 0, np.frombuffer(owner, np.int32)[home] if count else -1, -1)
        labels = np.arange(len(home))
        grouped = np.flatnonzero(mine >= 0)
        _, first, place = np.unique(mine[grouped], return_index=True, return_inverse=True)
        labels[grouped] = grouped[first][place]
        return np.unique(labels, return_inverse=True)[1].astype(np.int64)
