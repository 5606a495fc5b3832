"""Average linkage on a sparse graph, under the constraints that photos and named faces give.

The distance of two groups is the root of the mean squared distance over all pairs of their faces. Squares make it
exact from sums alone, so that no distance matrix is needed: the mean of |x - y|^2 is |mean(x) - mean(y)|^2 + var(x)
+ var(y).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from faceid_core.clustering.constraints import Constraints, Identities
from faceid_core.values import Ints, Vectors
from faceid_core.vectors.neighbours import Rows

SPLIT_LIMIT = 6000
ESTABLISHED = 3
STRETCH = 1.4
LARGE, WITHIN, AT_MOST = 30, 1.2, 1.2
"""From LARGE faces on a group's own distances are known: what is at most WITHIN times as far from it belongs to it,
also up to AT_MOST times the limit. Otherwise people with hundreds of photos fall into several groups. Chosen on
drawn libraries (tests/bench/synthetic.py); on LFW, where such people are few, it changes nothing."""

_ROWS, _BLOCK, _PAIRS = 16_384, 256, 1_000_000
"""How many are in memory at a time: faces with their differences, faces of a group beside all others, pairs."""

Floats = npt.NDArray[np.float64]
Pairs = tuple[npt.NDArray[np.integer[Any]], npt.NDArray[np.integer[Any]]]
"""Two (E,) arrays of rows, in whatever width they come."""


def members(labels: Ints, smallest: int = 2) -> list[Ints]:
    """The rows of each label (N,) that at least `smallest` rows have, by label; negative labels are left out."""
    order = np.argsort(labels, kind="stable")
    order = order[np.searchsorted(labels[order], 0) :]
    ends = np.flatnonzero(np.diff(labels[order], append=-1)) + 1
    starts = np.concatenate([[0], ends[:-1]])
    large = ends - starts >= smallest  # of the others there may be millions
    return [order[start:end] for start, end in zip(starts[large].tolist(), ends[large].tolist(), strict=True)]


def middles(vectors: Vectors, labels: Ints, dtype: npt.DTypeLike) -> tuple[npt.NDArray[Any], Floats]:
    """Of each label from 0 on (G,): the mean (G, D), of that type, of its vectors, and their mean squared distance
    from it (G,); zeros for a label that no row has. Rows with a negative label don't count."""
    from scipy.sparse import csr_array

    counted = np.flatnonzero(labels >= 0)
    size = np.maximum(np.bincount(labels[counted]), 1)
    middle, off = np.zeros((len(size), vectors.shape[1]), dtype), np.zeros(len(size))
    chunks = [counted[at : at + _ROWS] for at in range(0, len(counted), _ROWS)]
    for rows in chunks:
        some, place = np.unique(labels[rows], return_inverse=True)
        member = csr_array((np.ones(len(place), dtype), (place, np.arange(len(place)))))
        middle[some] += member @ vectors[rows].astype(dtype)
    middle /= size[:, None].astype(dtype)
    for rows in chunks:
        squared = ((vectors[rows] - middle[labels[rows]]) ** 2).sum(axis=1)
        off += np.bincount(labels[rows], squared, minlength=len(size))
    return middle, off / size


def merge(
    vectors: Vectors,
    labels: Ints,
    pairs: Pairs,
    limit: float,
    constraints: Constraints | None = None,
    *,
    sure: float | None = None,
    offsets: Floats | None = None,
) -> Ints:
    """Join the nearest two groups until none is nearer than `limit`. Returns (N,) labels.

    labels: (N,) 0-based numbers of the groups to start from; rows with -1 take no part, and keep it.
    pairs: only groups that such a pair of rows connects, before or after joining, are candidates.
    sure: where given, two groups of ESTABLISHED faces and more that are farther apart than this join only within
    STRETCH times the distances inside the looser of them: siblings are two tight groups not far from each other.
    And a group of LARGE faces and more takes in what is no farther from it than its own faces are.
    offsets: (N,) added to a distance for each of its ends, see score_normalisation; a group has the mean of its
    faces'.
    """
    square, widest = (limit, limit) if sure is None else (sure, AT_MOST * limit)
    links = links_between(labels, pairs)
    into = _Forest(vectors, labels, links, constraints, limit**2, square**2, widest**2, offsets).grown()
    return np.append(into, -1)[labels]


def one_for_each(labels: Ints, pairs: Pairs) -> Pairs:
    """One pair of rows for each two groups of labels (N,) that any of the pairs (P,) connects, as `merge` needs."""
    first = np.zeros(int(labels.max(initial=-1)) + 1, np.int32)
    counted = np.flatnonzero(labels >= 0)[::-1]
    first[labels[counted]] = counted  # the last one written stays
    low, high = links_between(labels, pairs)
    return first[low], first[high]


def links_between(labels: Ints, pairs: Pairs) -> tuple[Rows, Rows]:
    """The groups (L,) and (L,) that pairs (P,) of rows connect by labels (N,): each two once, the smaller first."""
    count = int(labels.max(initial=-1)) + 1
    codes = [np.empty(0, np.int64)]
    for at in range(0, len(pairs[0]), _PAIRS):
        one, other = (labels[rows[at : at + _PAIRS]] for rows in pairs)
        apart = one != other
        codes.append(np.unique(np.minimum(one, other)[apart] * count + np.maximum(one, other)[apart]))
    ends = np.unique(np.concatenate(codes))
    return (ends // max(count, 1)).astype(np.int32), (ends % max(count, 1)).astype(np.int32)


@dataclass
class _Forest:
    """The groups while they grow. Group numbers are rows of the arrays; a joined group keeps one of its numbers."""

    vectors: Vectors
    labels: Ints
    links: tuple[Rows, Rows]
    constraints: Constraints | None
    limit: float
    """Squared, as all distances in here."""
    sure: float
    widest: float
    """At most for what belongs to a large group."""
    offsets: Floats | None
    shift: Floats = field(init=False)
    """The offset of each group."""
    size: Floats = field(init=False)
    mean: Means = field(init=False)
    spread: Floats = field(init=False)
    version: Ints = field(init=False)
    near: _Neighbours = field(init=False)
    identities: Identities = field(init=False)
    offers: _Offers = field(init=False)

    def __post_init__(self) -> None:
        count = int(self.labels.max(initial=-1)) + 1
        counted = self.labels >= 0
        size = np.bincount(self.labels[counted], minlength=count)
        self.size = size.astype(np.float64)
        self.mean, self.spread = Means.of(self.vectors, self.labels, size)
        given = np.zeros(len(self.labels)) if self.offsets is None else self.offsets
        shift = np.bincount(self.labels[counted], given[counted], minlength=count)
        self.shift = shift / np.maximum(self.size, 1)
        self.version = np.zeros(count, np.int64)
        self.identities = Identities(self.labels, self.constraints)

    def grown(self) -> Ints:
        """(G,) the group that each group ended in, after joining all pairs that may be joined."""
        parent = np.arange(len(self.size))
        self._start()
        while (offer := self.offers.nearest()) is not None:
            _, one, other, version = offer
            if version != self.version[one] + self.version[other] or not self.identities.compatible(one, other):
                continue
            near, there = self.near.of(one), self.near.of(other)
            keep, gone = (one, other) if len(near) >= len(there) else (other, one)
            parent[gone] = keep
            self._join(keep, gone)
            both = (near | there) - {one, other}
            self.near.join(keep, gone, both)
            others = np.array(sorted(both), np.int64)
            self.offers.add(self._fine(np.full(len(others), keep), others))
        while (parent[parent] != parent).any():
            parent = parent[parent]
        return parent

    def _start(self) -> None:
        low, high = self.links
        self.near = _Neighbours(low, high, len(self.size))
        blocks = [slice(at, at + _PAIRS) for at in range(0, len(low) + 1, _PAIRS)]
        fine = [self._fine(low[block].astype(np.int64), high[block].astype(np.int64))[:3] for block in blocks]
        self.offers = _Offers(*(np.concatenate(columns) for columns in zip(*fine, strict=True)))

    def _fine(self, one: Ints, other: Ints) -> tuple[Floats, Ints, Ints, Ints]:
        """The pairs that may be joined: squared distances, the smaller and the larger group, their versions."""
        apart = self._apart(one, other)
        squared = self._shifted(apart, one, other)
        fine = (squared < self._allowed(one, other)) | (squared < self.widest) & self._belongs(apart, one, other)
        low, high = np.minimum(one, other)[fine], np.maximum(one, other)[fine]
        return squared[fine], low, high, self.version[low] + self.version[high]

    def _allowed(self, one: Ints, other: Ints) -> Floats:
        """The squared distance below which two groups may join."""
        inside = np.maximum(self._inside(one), self._inside(other))
        relative = np.minimum(self.limit, np.maximum(self.sure, STRETCH**2 * inside))
        established = np.minimum(self.size[one], self.size[other]) >= ESTABLISHED
        return np.where(established, relative, self.limit)

    def _inside(self, group: Ints) -> Floats:
        """Mean squared distance over the pairs of faces within a group."""
        inside: Floats = 2 * self.spread[group] * self.size[group] / np.maximum(self.size[group] - 1, 1)
        return inside

    def _belongs(self, apart: Floats, one: Ints, other: Ints) -> npt.NDArray[np.bool_]:
        """Whether one of two groups is large, and the other hardly farther from it than its own faces are."""
        known = (np.where(self.size[group] >= LARGE, self._inside(group), 0) for group in (one, other))
        within: npt.NDArray[np.bool_] = apart < WITHIN**2 * np.maximum(*known)
        return within

    def _apart(self, one: Ints, other: Ints) -> Floats:
        """Mean squared distance over all pairs of faces of two groups."""
        squared: Floats = self.spread[one] + self.spread[other]
        for at in range(0, len(one), _ROWS):
            rows = slice(at, at + _ROWS)
            squared[rows] += ((self.mean[one[rows]] - self.mean[other[rows]]) ** 2).sum(axis=-1)
        return squared

    def _shifted(self, squared: Floats, one: Ints, other: Ints) -> Floats:
        """Squared distances with the offsets added to their roots."""
        if self.offsets is None:
            return squared
        shifted: Floats = np.maximum(np.sqrt(squared) + self.shift[one] + self.shift[other], 0) ** 2
        return shifted

    def _join(self, keep: int, gone: int) -> None:
        total = self.size[keep] + self.size[gone]
        share = self.size[gone] / total
        step = self.mean[gone] - self.mean[keep]
        self.spread[keep] += share * (self.spread[gone] - self.spread[keep] + (1 - share) * float(step @ step))
        self.mean.join(keep, gone, self.mean[keep] + share * step)
        self.shift[keep] += share * (self.shift[gone] - self.shift[keep])
        self.size[keep] = total
        self.version[keep] += 1
        self.version[gone] = -1 << 40  # no offer to a group that is gone can be current
        self.identities.join(keep, gone)


class Means:
    """The mean of each group: of several faces a row of a table, of one its vector, as most groups are one face."""

    def __init__(self, vectors: Vectors, first: Rows, place: Rows, table: Floats, used: int) -> None:
        self._vectors, self._first, self._place, self._table, self._used = vectors, first, place, table, used

    @classmethod
    def of(cls, vectors: Vectors, labels: Ints, size: Ints) -> tuple[Means, Floats]:
        """Of groups by their labels (N,), with sizes (G,); the mean squared distance (G,) from it, too."""
        several = np.flatnonzero(size > 1)
        place = np.full(len(size) + 1, -1, np.int32)  # the last one for the label -1
        place[several] = np.arange(len(several))
        first, counted = np.zeros(len(size), np.int32), np.flatnonzero(labels >= 0)
        first[labels[counted]] = counted
        # Two that join need a row at most, and what is never written takes no memory.
        table = np.empty((len(several) + (len(size) - len(several)) // 2, vectors.shape[1]))
        spread = np.zeros(len(size))
        table[: len(several)], spread[several] = middles(vectors, place[labels].astype(np.int64), np.float64)
        return cls(vectors, first, place, table, len(several)), spread

    def __getitem__(self, group: Any) -> Floats:
        """(D,) of one group, (M, D) of several (M,)."""
        place = self._place[group]
        means: Floats = self._vectors[self._first[group]].astype(np.float64)
        if np.ndim(place):
            several = np.flatnonzero(place >= 0)
            means[several] = self._table[place[several]]
        elif place >= 0:
            means = self._table[place]
        return means

    def join(self, keep: int, gone: int, mean: Floats) -> None:
        """Both are the first one now."""
        place = self._place[keep] if self._place[keep] >= 0 else self._place[gone]
        if place < 0:
            place, self._used = self._used, self._used + 1
        self._place[keep] = place
        self._table[place] = mean


class _Neighbours:
    """Which groups are connected to which. A million groups' sets would take gigabytes: only groups that were
    joined have one, the others parts of two arrays. There a group that is gone stands for the one it went into."""

    def __init__(self, low: Rows, high: Rows, count: int) -> None:
        """low, high: (E,) connected groups, ordered by low."""
        order = np.argsort(high, kind="stable")
        groups = np.arange(count + 1)
        self._later, self._later_at = high, np.searchsorted(low, groups)
        self._earlier, self._earlier_at = low[order], np.searchsorted(high[order], groups)
        self._sets: dict[int, set[int]] = {}
        self._into: dict[int, int] = {}

    def of(self, group: int) -> set[int]:
        found = self._sets.get(group)
        if found is None:
            later = self._later[self._later_at[group] : self._later_at[group + 1]].tolist()
            found = {*later, *self._earlier[self._earlier_at[group] : self._earlier_at[group + 1]].tolist()}
        return {self._now(other) for other in found}

    def join(self, keep: int, gone: int, neighbours: set[int]) -> None:
        """Make them one group with these neighbours."""
        self._into[gone] = keep
        self._sets.pop(gone, None)
        self._sets[keep] = neighbours

    def _now(self, group: int) -> int:
        while group in self._into:
            group = self._into[group]
        return group


class _Offers:
    """Pairs of groups, the nearest first: those of the start, maybe millions, in sorted arrays, later ones in a
    heap."""

    def __init__(self, squared: Floats, low: Ints, high: Ints) -> None:
        """(E,) each, ordered by low, then high; all of the first version."""
        order = np.argsort(squared, kind="stable")
        self._first = squared[order], low[order].astype(np.int32), high[order].astype(np.int32)
        self._at = 0
        self._heap: list[tuple[float, int, int, int]] = []

    def add(self, offers: tuple[Floats, Ints, Ints, Ints]) -> None:
        for offer in zip(*(column.tolist() for column in offers), strict=True):
            heapq.heappush(self._heap, offer)

    def nearest(self) -> tuple[float, int, int, int] | None:
        """Take the nearest pair away; None when there is none."""
        squared, low, high = self._first
        at = self._at
        if at < len(squared):
            first = float(squared[at]), int(low[at]), int(high[at]), 0
            if not self._heap or first < self._heap[0]:
                self._at += 1
                return first
        return heapq.heappop(self._heap) if self._heap else None


def split_wide(
    vectors: Vectors, labels: Ints, limit: float, largest: int = SPLIT_LIMIT, offsets: Floats | None = None
) -> Ints:
    """Divide each group where average linkage (of squared distances) reaches `limit`. Returns (N,) labels.

    Needs 4 n^2 bytes for a group of n faces; groups of more than `largest` stay as they are. offsets: as in merge.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    result = labels.copy()
    fresh = int(labels.max(initial=-1)) + 1
    for faces in members(labels):
        if len(faces) <= largest:
            squared = _squared(vectors[faces], None if offsets is None else offsets[faces])
            if squared.max() < limit**2:  # then so is every mean
                continue
            parts = fcluster(linkage(squared, "average"), limit**2, "distance") - 1
            result[faces[parts > 0]] = fresh + parts[parts > 0] - 1
            fresh += int(parts.max())
    return result


def _squared(vectors: Vectors, offsets: Floats | None) -> Floats:
    """Squared distances (n (n - 1) / 2,) of all pairs, in the order of scipy's pdist; products of matrices take a
    fraction of its time."""
    exact, count = vectors.astype(np.float64), len(vectors)
    lengths = (exact**2).sum(axis=1)
    result, filled = np.empty(count * (count - 1) // 2), 0
    for start in range(0, count, _BLOCK):
        rows = slice(start, start + _BLOCK)
        block = lengths[rows, None] + lengths[start:] - 2 * (exact[rows] @ exact[start:].T)
        np.maximum(block, 0, out=block)
        if offsets is not None:
            block = np.maximum(np.sqrt(block) + offsets[rows, None] + offsets[start:], 0) ** 2
        for row in range(len(block)):
            right = block[row, row + 1 :]
            result[filled : filled + len(right)] = right
            filled += len(right)
    return result


def separate(vectors: Vectors, labels: Ints, constraints: Constraints, *, sure: float | None = None) -> Ints:
    """Divide each group that surely holds two people, by linkage that never joins them. (N,) labels."""
    result = labels.copy()
    fresh = int(labels.max(initial=-1)) + 1
    for faces in members(np.where(np.isin(labels, constraints.conflicting(labels)), labels, -1)):
        own = np.arange(len(faces))
        parts = merge(
            vectors[faces], own, _nearest_pairs(vectors[faces]), np.inf, constraints.subset(faces), sure=sure
        )
        parts = np.unique(parts, return_inverse=True)[1]
        result[faces] = fresh + parts
        fresh += int(parts.max()) + 1
    return result


def _nearest_pairs(vectors: Vectors, k: int = 32) -> Pairs:
    from faceid_core.vectors import neighbours

    low, high, _ = neighbours.build(vectors, k).edges(np.inf)
    return low, high


def components(count: int, pairs: Pairs) -> Ints:
    """(count,) the connected component of each row under the pairs."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    one, other = pairs
    links = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(count, count))
    return np.asarray(connected_components(links, directed=False)[1], np.int64)
