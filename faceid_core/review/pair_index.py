"""Who may be one person and whose name may be wrong, kept up to date: an act only causes the groups and people that
it touched, and their neighbours, to be compared. `merge_candidates` and `label_errors` compute the same from
scratch."""

from __future__ import annotations

import numpy as np

from faceid_core.review import label_errors, merge_candidates
from faceid_core.review.label_errors import Doubt, Named, Strong
from faceid_core.review.merge_candidates import NEAR, Pair
from faceid_core.values import Ints, Vectors
from faceid_core.vectors.neighbours import NeighbourGraph


class PairIndex:
    """Groups of N faces that may be one person. photos: (N,) of each face; threshold: as in merge_candidates."""

    def __init__(self, vectors: Vectors, photos: Ints, graph: NeighbourGraph, *, threshold: float) -> None:
        self._vectors, self._photos, self._threshold = vectors, photos, threshold
        self._edges = graph.edges(NEAR * threshold)
        self._groups = np.full(len(vectors), -1)
        self._found: dict[tuple[int, int], tuple[float, Pair]] = {}

    def update(self, groups: Ints) -> None:
        """Set the group of each face (N,), -1 for none."""
        changed = self._groups != groups
        dirty = set(self._groups[changed].tolist()) | set(groups[changed].tolist())
        self._groups = groups.copy()
        if not dirty:
            return
        touching = np.isin(groups, sorted(dirty - {-1}))
        self._found = {pair: item for pair, item in self._found.items() if dirty.isdisjoint(pair)}
        for score, pair in merge_candidates.scored_pairs(
            self._vectors, groups, self._photos, self._edges, threshold=self._threshold, touching=touching
        ):
            self._found[pair.one, pair.other] = score, pair

    def pairs(self, cannot_link: Ints) -> list[Pair]:
        """The pairs, likeliest first. cannot_link: (M, 2) rows that a human told apart."""
        apart = merge_candidates.ruled_out(self._groups, cannot_link)
        return merge_candidates.in_order(self._found.values(), apart)


class DoubtIndex:
    """Names of N faces that may be wrong."""

    def __init__(self, vectors: Vectors, graph: NeighbourGraph, *, threshold: float) -> None:
        self._vectors, self._graph, self._threshold = vectors, graph, threshold
        self._people = np.full(len(vectors), -1)
        self._found: dict[int, list[Strong]] = {}

    def update(self, people: Ints) -> None:
        """Set the person of each face (N,), -1 for nobody."""
        changed = self._people != people
        if not changed.any():
            return
        beside = changed[self._graph.indices] & (self._graph.indices >= 0)
        touched = np.concatenate([self._people[changed], people[changed], people[beside.any(axis=1)]])
        self._people = people.copy()
        dirty = np.unique(touched[touched >= 0]).tolist()
        for person, found in label_errors.about(dirty, Named(self._vectors, people), self._graph, self._threshold):
            self._found[person] = found

    def doubts(self) -> list[Doubt]:
        """The doubts, strongest first."""
        return label_errors.in_order(item for found in self._found.values() for item in found)
