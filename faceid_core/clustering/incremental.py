"""New faces find their groups while everybody else stays where they are."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceid_core.clustering.clusterers import SURELY_SAME, cluster
from faceid_core.clustering.linkage import members
from faceid_core.values import LOW_QUALITY, Ints, Vectors
from faceid_core.vectors.neighbours import NeighbourGraph


@dataclass(frozen=True, slots=True, eq=False)
class ClusteredFaces:
    """N faces: vectors (N, D), photos (N,), quality (N,) 0 to 1, and numbers (N,) of their groups, 0 for none.

    people: (N,) the person that a human named, -1 for none. ruled_out: (row, person) that a human ruled out.
    """

    vectors: Vectors
    photos: Ints
    quality: npt.NDArray[np.float32]
    numbers: Ints
    people: Ints
    ruled_out: Set[tuple[int, int]] = frozenset()


def join(
    faces: ClusteredFaces, new: Ints, graph: NeighbourGraph, *, algorithm: str, limit: float, unit: float = 1.0
) -> Ints:
    """The numbers (N,) once the new faces (rows) have joined: a group keeps every face that it has.

    A new face joins the group whose faces are nearest on average (root mean square), within `limit`, unless it is
    on a photo of that group, or below LOW_QUALITY, or a human said otherwise. The others are grouped among
    themselves, together with single faces near them. graph: the neighbours of all N faces; unit: see
    clusterers.cluster.
    """
    numbers = faces.numbers.copy()
    new = new[(faces.quality[new] >= LOW_QUALITY) | (faces.people[new] >= 0)]
    near, apart = graph.indices[new], graph.distances[new]  # the nearest faces name the groups to join
    groups = _Groups(faces, limit)
    candidates = [
        (distance, row, group)
        for row, others, far in zip(new.tolist(), near, apart, strict=True)
        for group in set(numbers[others[far <= limit]].tolist()) - {0}
        if (distance := groups.distance(row, group)) <= limit
    ]
    for _, row, group in sorted(candidates):
        if numbers[row] == 0 and groups.takes(row, group):
            numbers[row] = group
            groups.add(row, group)
    waits = numbers[new] == 0
    beside = near[waits][apart[waits] <= limit]
    return _among_themselves(faces, numbers, new[waits], beside, algorithm, limit, unit)


class _Groups:
    """Means, spreads, photos and people of the groups as they were, asked for one by one."""

    def __init__(self, faces: ClusteredFaces, limit: float) -> None:
        self._faces, self._sure = faces, SURELY_SAME * limit
        self._rows = {int(faces.numbers[rows[0]]): rows for rows in members(_or_none(faces.numbers), 1)}
        self._joined: dict[int, list[int]] = {}
        self._moments: dict[int, tuple[npt.NDArray[np.float64], float]] = {}

    def distance(self, row: int, group: int) -> float:
        """Root mean square distance to the group's faces: |x - mean|^2 + variance."""
        if group not in self._moments:
            vectors = self._faces.vectors[self._rows[group]].astype(np.float64)
            mean = vectors.mean(axis=0)
            self._moments[group] = mean, float(((vectors - mean) ** 2).sum(axis=1).mean())
        mean, variance = self._moments[group]
        return float(np.sqrt(((self._faces.vectors[row] - mean) ** 2).sum() + variance))

    def takes(self, row: int, group: int) -> bool:
        rows = np.append(self._rows[group], self._joined.get(group, [])).astype(np.int64)
        same_photo = rows[self._faces.photos[rows] == self._faces.photos[row]]
        apart = np.linalg.norm(self._faces.vectors[same_photo] - self._faces.vectors[row], axis=1)
        if (apart > self._sure).any():
            return False
        people = set(self._faces.people[rows].tolist()) - {-1}
        own = int(self._faces.people[row])
        return (own < 0 or people <= {own}) and not any((row, person) in self._faces.ruled_out for person in people)

    def add(self, row: int, group: int) -> None:
        self._joined.setdefault(group, []).append(row)


def _among_themselves(
    faces: ClusteredFaces,
    numbers: Ints,
    waiting: Ints,
    beside: Ints,
    algorithm: str,
    limit: float,
    unit: float,
) -> Ints:
    """Groups of the faces that joined none, and of single faces near them; a group has at least one new face."""
    pool = np.unique(np.concatenate([waiting, beside[numbers[beside] == 0]]))
    if len(pool) < 2:
        return numbers
    labels = cluster(
        algorithm,
        faces.vectors[pool],
        threshold=limit,
        photos=faces.photos[pool],
        quality=faces.quality[pool],
        people=faces.people[pool],
        unit=unit,
    )
    free = int(numbers.max(initial=0)) + 1
    for group in members(labels):
        if np.isin(pool[group], waiting).any():
            numbers[pool[group]], free = free, free + 1
    return numbers


def _or_none(numbers: Ints) -> Ints:
    return np.where(numbers > 0, numbers, -1)
