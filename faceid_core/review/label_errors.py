"""Which faces may have a wrong name, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceid_core.values import Ints, Vectors
from faceid_core.vectors.neighbours import NeighbourGraph

NEAREST = 3
"""Faces that a person's distance is the mean of, for the name and for whoever else it may be."""

REFERENCES = 40
"""Most faces of a person to compare others with."""

NEARER, FAR = 0.9, 0.85
"""A name is doubtful if somebody else is at most NEARER times as far and the person is beyond FAR thresholds."""

STRANGE = 1.2
"""Beyond this many thresholds a name is doubtful whoever else is near. With 3 in 100 names on Labeled Faces in the
Wild made wrong, both rules find nearly all, and 9 of 10 doubts are right (tests/bench/suggestions.py)."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """The face in row `face` may not show `person`, whose nearest faces, the rows `because`, are at `distance`.

    likelier: who is nearer, if anybody, and likelier_distance. Distances are means over the nearest faces.
    """

    face: int
    person: int
    distance: float
    because: tuple[int, ...]
    likelier: int | None = None
    likelier_distance: float = float("inf")


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """N faces. vectors: (N, D) of equal length; people: (N,), -1 if unnamed."""

    vectors: Vectors
    people: Ints


Strong = tuple[float, Doubt]


def doubtful(faces: Named, graph: NeighbourGraph, *, threshold: float) -> list[Doubt]:
    """The faces with a doubtful name, most doubtful first.

    threshold: the distance up to which faces are grouped. People with NEAREST faces or fewer are skipped: there is
    too little to compare with.
    """
    people = np.unique(faces.people[faces.people >= 0]).tolist()
    return in_order(item for _, found in about(people, faces, graph, threshold) for item in found)


def in_order(found: Iterable[Strong]) -> list[Doubt]:
    """The doubts, strongest first."""
    return [doubt for _, doubt in sorted(found, key=lambda item: (-item[0], item[1].face))]


def about(
    people: Iterable[int], faces: Named, graph: NeighbourGraph, threshold: float
) -> Iterator[tuple[int, list[Strong]]]:
    """Each of these people with the doubts about their faces, and how strong these are (1 or more)."""
    order = np.argsort(faces.people, kind="stable")
    by_person = faces.people[order]
    for person in people:
        first, last = np.searchsorted(by_person, (person, person + 1))
        yield person, list(_about(person, order[first:last], faces, graph, threshold))


def _about(person: int, mine: Ints, faces: Named, graph: NeighbourGraph, threshold: float) -> Iterator[Strong]:
    speaking = mine[:REFERENCES]
    if len(speaking) <= NEAREST:
        return
    nearest, distances = _nearest_own(faces.vectors, mine, speaking)
    for place in np.flatnonzero(distances > FAR * threshold).tolist():
        face, distance = int(mine[place]), float(distances[place])
        likelier, other = _nearest_other(face, faces, graph)
        strength = max(distance / (STRANGE * threshold), NEARER * distance / other)
        if strength >= 1:
            nearer = likelier if other < distance else None
            yield strength, Doubt(face, person, distance, tuple(nearest[place].tolist()), nearer, other)


def _nearest_own(vectors: Vectors, mine: Ints, speaking: Ints) -> tuple[Ints, npt.NDArray[np.float64]]:
    """For each row of `mine`, the NEAREST other rows of `speaking` and their mean distance."""
    apart = np.stack([np.linalg.norm(vectors[mine] - vectors[row], axis=1) for row in speaking], axis=1)
    apart = np.where(mine[:, None] == speaking, np.inf, apart)
    order = np.argsort(apart, axis=1)[:, :NEAREST]
    means: npt.NDArray[np.float64] = np.take_along_axis(apart, order, axis=1).mean(axis=1)
    return speaking[order], means


def _nearest_other(face: int, faces: Named, graph: NeighbourGraph) -> tuple[int | None, float]:
    """The nearest other person among the face's neighbours, and the mean distance to their nearest faces there."""
    rows, far = graph.indices[face], graph.distances[face]
    rows, far = rows[rows >= 0], far[rows >= 0]
    who = faces.people[rows]
    others = dict.fromkeys(who[(who >= 0) & (who != faces.people[face])].tolist())
    near = ((float(far[who == other][:NEAREST].mean()), int(other)) for other in others)
    distance, person = min(near, default=(float("inf"), None))
    return person, distance
