"""What large groups leave behind: faces and small groups that are a person's worst pictures.

Mean distances lose them: the bad shots of somebody with hundreds of photos are as far from the others as
lookalikes are. But they are off in directions in which all people's pictures differ. So the first groups tell how
much faces of one person differ, and how much people do, and each pair of groups is judged by how much likelier
one person is than two: the two-covariance model of speaker recognition (Brümmer and de Villiers, "The speaker
partitioning problem", 2010), whose vectors are Gaussian around a person's middle, and the middles around
everybody's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceid_core.clustering.constraints import Constraints, Identities, renumbered
from faceid_core.clustering.linkage import ESTABLISHED, Means
from faceid_core.values import Ints, Vectors
from faceid_core.vectors.neighbours import NeighbourGraph

Floats = npt.NDArray[np.float64]

LARGE = 30
"""Faces from which on a group absorbs others. With 10 or 5, precision falls by 0.003 on drawn libraries."""

EVIDENCE = 5.0
"""Logarithm of how much likelier one person must be than two. Chosen among 0, 5 and 10, and INDEPENDENT among 2, 3
and 5, on halves of LFW and drawn libraries, see docs/grouping-figures.md."""

WITHIN = 1.25
"""Groups of ESTABLISHED faces and more are absorbed only if they are on average at most so many times as far from
the large group's faces as those are from each other: they may well be somebody else, such as a sibling."""

INDEPENDENT = 2
"""Faces of a group that count as evidence: more of them tell little more, as photos of one day are alike."""

MOST_WEIGHT = 20
"""Faces with which one person counts at most when the spread of faces is estimated."""

SHRINKAGE = 0.3
"""Share of the spread that is taken as equal in all directions."""

PER_DIMENSION = 2
"""As many groups as this times the vectors' dimensions, and as many faces beyond the first of each, are needed to
know how people and faces differ; with fewer, nothing is absorbed."""

ROUNDS = 2

_PAIRS, _ROWS = 8_192, 16_384
"""Pairs of groups, and faces, that are compared at a time."""


def absorb(vectors: Vectors, graph: NeighbourGraph, labels: Ints, constraints: Constraints | None) -> Ints:
    """Let groups of LARGE faces and more take in neighbouring groups and faces that are surely their person.

    labels: (N,) from 0, a face alone has one of its own; -1 for faces that the graph connects with none, and that
    take no part. Only groups between which the graph has an edge are
    compared. Returns (N,) labels from 0; two people of one photo, or with two names, never come together.
    """
    for _ in range(ROUNDS):
        labels = renumbered(labels)
        if np.bincount(labels[labels >= 0], minlength=1).max() < LARGE:
            break
        model = _Model.of(vectors, labels)
        into = _joined(model, graph, labels, constraints) if model is not None else np.arange(0)
        if model is None or (into == np.arange(len(into))).all():
            break
        labels = np.append(into, -1)[labels]
    return labels


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """Groups (G,) in coordinates in which faces differ by 1 around their person, in every direction.

    means: of each group; middle (D,): of all means; axes (D, D): what takes a mean, less the middle, there.
    between: (D,) variances of people's middles; size: (G,) their faces; spread: (G,) see linkage.middles.
    """

    means: Means
    middle: Floats
    axes: Floats
    between: Floats
    size: Ints
    spread: Floats

    @classmethod
    def of(cls, vectors: Vectors, labels: Ints) -> _Model | None:
        """None where there are too few faces in groups, or too few groups."""
        size = np.bincount(labels[labels >= 0])
        if min((size - 1).sum(), len(size)) < PER_DIMENSION * vectors.shape[1]:
            return None
        means, spread = Means.of(vectors, labels, size)
        within = _within(vectors, labels, means, size)
        middle, covariance = _covariance(means, len(size))
        between = covariance - within * np.mean(1 / size)
        # W = L L', and then the axes of the middles: both become diagonal.
        inverse = np.linalg.inv(np.linalg.cholesky(within))
        variances, axes = np.linalg.eigh(inverse @ between @ inverse.T)
        return cls(means, middle, inverse.T @ axes, np.maximum(variances, 1e-6), size, spread)

    def place(self, groups: Ints) -> Floats:
        """(M, D) the means of groups (M,) in these coordinates."""
        return (self.means[groups] - self.middle) @ self.axes

    def evidence(self, one: Ints, other: Ints) -> Floats:
        """(E,) the logarithm of how much likelier two groups are one person than two."""
        result = np.empty(len(one))
        for at in range(0, len(one), _PAIRS):
            rows = slice(at, at + _PAIRS)
            result[rows] = self._evidence(one[rows], other[rows])
        return result

    def near(self, one: int, other: int) -> bool:
        """Whether two groups are no farther apart than established ones of one person may be."""
        if min(self.size[one], self.size[other]) < ESTABLISHED:
            return True
        apart = self.spread[one] + self.spread[other] + ((self.means[one] - self.means[other]) ** 2).sum()
        larger = one if self.size[one] >= self.size[other] else other
        inside = 2 * self.spread[larger] * self.size[larger] / (self.size[larger] - 1)
        return bool(apart <= WITHIN**2 * inside)

    def _evidence(self, one: Ints, other: Ints) -> Floats:
        """Middles of n faces vary by `between` + 1/n; those of one person vary together by `between`."""
        first, second = self.place(one), self.place(other)
        own, others = (
            self.between + 1 / np.minimum(self.size[groups], INDEPENDENT)[:, None] for groups in (one, other)
        )
        determinant = own * others - self.between**2
        together = (others * first**2 - 2 * self.between * first * second + own * second**2) / determinant
        apart = first**2 / own + second**2 / others
        evidence: Floats = (np.log(own * others / determinant) + apart - together).sum(axis=1) / 2
        return evidence


def _covariance(means: Means, count: int) -> tuple[Floats, Floats]:
    """The mean (D,) and the covariance (D, D) of so many groups' means."""
    blocks = [np.arange(at, min(at + _ROWS, count)) for at in range(0, count, _ROWS)]
    middle = sum(means[block].sum(axis=0) for block in blocks) / count
    total = np.zeros((len(middle), len(middle)))
    for block in blocks:
        away = means[block] - middle
        total += away.T @ away
    return middle, total / (count - 1)


def _within(vectors: Vectors, labels: Ints, means: Means, size: Ints) -> Floats:
    """(D, D) covariance of faces around their person; one person with hundreds of faces does not decide it."""
    weight = np.minimum(size, MOST_WEIGHT) / size
    dimension = vectors.shape[1]
    total = np.zeros((dimension, dimension))
    counted = np.flatnonzero(labels >= 0)
    for at in range(0, len(counted), _ROWS):
        rows = counted[at : at + _ROWS]
        away = vectors[rows] - means[labels[rows]]
        total += (away * weight[labels[rows], None]).T @ away
    total /= (weight * (size - 1)).sum()
    within: Floats = (1 - SHRINKAGE) * total
    within[np.diag_indices(dimension)] += SHRINKAGE * np.trace(total) / dimension + 1e-9
    return within


def _joined(model: _Model, graph: NeighbourGraph, labels: Ints, constraints: Constraints | None) -> Ints:
    """(G,) the group that each ends in. The surest come first, and each joins once."""
    into, ids = np.arange(len(model.size)), Identities(labels, constraints)
    for large, small in _candidates(model, graph, labels):
        target = large
        while into[target] != target:
            target = int(into[target])
        if into[small] != small or target == small or not model.near(large, small):
            continue
        if ids.compatible(target, small):
            ids.join(target, small)
            into[small] = target
    while (into[into] != into).any():
        into = into[into]
    return into


def _candidates(model: _Model, graph: NeighbourGraph, labels: Ints) -> Iterator[tuple[int, int]]:
    """A large group and a smaller one that surely are one person, the surest first."""
    count = len(model.size)
    large = model.size >= LARGE
    pairs = np.empty(0, np.int64)
    for place in range(graph.k):  # a column at a time: of a million faces there are 64 million neighbours
        other = graph.indices[:, place]
        here = np.flatnonzero(other >= 0)
        one, two = labels[here], labels[other[here]]
        apart = (one != two) & (large[one] | large[two])
        pairs = np.union1d(pairs, np.minimum(one, two)[apart] * count + np.maximum(one, two)[apart])
    one, two = pairs // count, pairs % count
    evidence = model.evidence(one, two)
    sure = np.flatnonzero(evidence > EVIDENCE)
    for pair in sure[np.argsort(-evidence[sure], kind="stable")].tolist():
        first, second = int(one[pair]), int(two[pair])
        smaller = model.size[first] < model.size[second]
        yield (second, first) if smaller else (first, second)
