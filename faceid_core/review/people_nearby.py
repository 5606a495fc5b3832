"""The people nearest to each face that waits for a name, kept up to date: only people who gained or lost a face are
compared with these again. `identity.nearest_people` computes the same from scratch, in minutes instead of
milliseconds for 100,000 faces."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from faceid_core.review import identity
from faceid_core.values import GalleryFaces, Ints, Vectors

Bools = npt.NDArray[np.bool_]
Distances = npt.NDArray[np.float32]

LISTED = 6
"""People listed for each face: two are asked for, but its photo or a human may rule some out."""

PER_PERSON = 40
"""Most faces that represent a person, the best ones, as library.gallery.PER_PERSON."""

AT_ONCE = 4096
"""Faces compared with everybody per step."""

FEW = 0.5
"""If the faces of more than this share of the people changed, comparing everything again is less work."""


class PeopleNearby:
    """For each of N faces the LISTED nearest people, nearest first.

    people: (N, LISTED) int64, -1 where there are fewer; distances: (N, LISTED) float32, inf there; beyond: (N,)
    float32, the least distance of anybody not listed. known: (N,) whether a row's list is up to date.
    """

    def __init__(self, vectors: Vectors, quality: Distances) -> None:
        count = len(vectors)
        self._vectors = vectors
        self._rank = np.argsort(np.lexsort((np.arange(count), -quality)))
        self._gallery: dict[int, Ints] = {}
        self._middles: identity.Middles | None = None
        self.people = np.full((count, LISTED), -1, np.int64)
        self.distances = np.full((count, LISTED), np.inf, np.float32)
        self.beyond = np.full(count, np.inf, np.float32)
        self.known = np.zeros(count, bool)

    def speaking(self, person: int) -> Ints:
        """The rows of the faces that represent a person, best first."""
        return self._gallery[person]

    def middles(self) -> identity.Middles:
        """The mean of each person's representing faces."""
        if self._middles is None:
            self._middles = self._new_middles()
        return self._middles

    def _new_middles(self) -> identity.Middles:
        people = sorted(self._gallery)
        rows = np.concatenate([np.empty(0, np.int64), *(self._gallery[person] for person in people)])
        sizes = [len(self._gallery[person]) for person in people]
        return identity.Middles.of(np.repeat(np.array(people, np.int64), sizes), self._vectors[rows])

    def carry_on(self, before: PeopleNearby, here: Ints, there: Ints) -> None:
        """Copy the lists of faces (M,) from the rows `there` of another instance to the rows `here` of this one."""
        row = np.full(len(before.known), -1, np.int64)
        row[there] = here
        moved = {person: row[rows] for person, rows in before._gallery.items()}
        # People whose faces are not all here are in lists with outdated distances; without faces, they count as
        # changed.
        self._gallery = {person: rows if (rows >= 0).all() else rows[:0] for person, rows in moved.items()}
        self._middles = None
        self.people[here], self.distances[here] = before.people[there], before.distances[there]
        self.beyond[here], self.known[here] = before.beyond[there], before.known[there]

    def update(self, people: Ints, asked: Bools) -> tuple[set[int], Iterator[int]]:
        """Set the person of each face (N,), -1 for nobody. asked: (N,) the faces whose lists are wanted.

        Returns the people whose faces changed, and an iterator that compares faces without a list with everybody,
        best first: each step yields how many are left, and the `known` lists may be used meanwhile.
        """
        gallery = self._galleries(people)
        changed = {person for person in self._gallery.keys() | gallery.keys() if self._differs(person, gallery)}
        self._gallery = gallery
        if changed:
            self._middles = None
        self.known &= asked
        if len(changed) > FEW * max(len(gallery), 1):
            self.known[:] = False
        rows = np.flatnonzero(self.known)
        if changed and len(rows):
            self._drop(rows, changed)
            self._compare(rows, sorted(changed & gallery.keys()))
        return changed, self._complete(np.flatnonzero(asked & ~self.known))

    def _galleries(self, people: Ints) -> dict[int, Ints]:
        named = np.flatnonzero(people >= 0)
        named = named[np.lexsort((self._rank[named], people[named]))]
        found, starts = np.unique(people[named], return_index=True)
        parts = np.split(named, starts[1:])
        return {int(person): rows[:PER_PERSON] for person, rows in zip(found, parts, strict=False)}

    def _differs(self, person: int, gallery: dict[int, Ints]) -> bool:
        before, after = self._gallery.get(person), gallery.get(person)
        return before is None or after is None or not np.array_equal(before, after)

    def _complete(self, rows: Ints) -> Iterator[int]:
        rows = rows[np.argsort(self._rank[rows])]
        everybody = sorted(self._gallery)
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            self.people[some], self.distances[some], self.beyond[some] = -1, np.inf, np.inf
            self._compare(some, everybody)
            self.known[some] = True
            yield len(rows) - start - len(some)

    def exactly(self, rows: Ints, without: list[Ints]) -> tuple[Ints, Distances]:
        """The nearest two people (n, 2) of rows (n,) and their distances, leaving out those in `without` for each
        row."""
        gallery = self._distances_to(sorted(self._gallery))
        whom, nearest = np.full((len(rows), 2), -1, np.int64), np.full((len(rows), 2), np.inf, np.float32)
        for start in range(0, len(rows), AT_ONCE):
            apart = gallery.distances(self._vectors[rows[start : start + AT_ONCE]]).astype(np.float32)
            for place, distances in enumerate(apart, start):
                distances[np.isin(gallery.people, without[place])] = np.inf
                order = np.argsort(distances, kind="stable")[:2]
                whom[place, : len(order)], nearest[place, : len(order)] = gallery.people[order], distances[order]
        return whom, nearest

    def _drop(self, rows: Ints, gone: set[int]) -> None:
        """Remove people from the lists, which keep their order."""
        found = np.isin(self.people[rows], sorted(gone))
        touched = np.flatnonzero(found.any(axis=1))
        some, found = rows[touched], found[touched]
        people, distances = self.people[some], self.distances[some]
        people[found], distances[found] = -1, np.inf
        order = np.argsort(distances, axis=1, kind="stable")
        self.people[some] = np.take_along_axis(people, order, axis=1)
        self.distances[some] = np.take_along_axis(distances, order, axis=1)

    def _compare(self, rows: Ints, people: list[int]) -> None:
        """Insert these people, who are in none of the rows' lists, where they belong."""
        if not people:
            return
        gallery = self._distances_to(people)
        step = max(identity.BLOCK // sum(len(self._gallery[person]) for person in people), 1)
        for start in range(0, len(rows), step):
            some = rows[start : start + step]
            self._insert(some, gallery.people, gallery.distances(self._vectors[some]).astype(np.float32))

    def _insert(self, rows: Ints, people: Ints, apart: Distances) -> None:
        """apart: (n, P) the distances of the people (P,) from the rows (n,)."""
        apart = np.where(apart < self.beyond[rows, None], apart, np.inf).astype(np.float32)
        if len(people) > LISTED + 1:  # most can't enter any list
            nearest = np.argpartition(apart, LISTED, axis=1)[:, : LISTED + 1]
            whom, apart = people[nearest], np.take_along_axis(apart, nearest, axis=1)
        else:
            whom = np.broadcast_to(people, apart.shape)
        whom = np.concatenate([self.people[rows], np.where(np.isfinite(apart), whom, -1)], axis=1)
        apart = np.concatenate([self.distances[rows], apart], axis=1)
        order = np.lexsort((whom, apart), axis=1)[:, : LISTED + 1]
        whom, apart = np.take_along_axis(whom, order, axis=1), np.take_along_axis(apart, order, axis=1)
        self.people[rows], self.distances[rows] = whom[:, :LISTED], apart[:, :LISTED]
        self.beyond[rows] = np.minimum(self.beyond[rows], apart[:, LISTED])

    def _distances_to(self, people: list[int]) -> identity.Gallery:
        rows = np.concatenate([self._gallery[person] for person in people])
        whose = np.repeat(people, [len(self._gallery[person]) for person in people])
        return identity.Gallery(GalleryFaces(rows, whose, self._vectors[rows]))
