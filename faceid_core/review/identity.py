"""Is this somebody we know? Compares unnamed faces with the confirmed faces of named people, and gives reasons."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from faceid_core.values import GalleryFaces, Ints, Vectors

Floats = npt.NDArray[np.float64]

NEAREST = 3
"""Confirmed faces that a person's distance is the mean of: a single one may be mislabelled or a bad shot."""

BLOCK = 2**23
"""Distances in memory at a time (32 MB); with fewer, calls take much of the time."""

LIMIT_SHARE = 0.89
"""Largest distance of a suggestion, as a share of the distance below which two faces usually show one person."""

MARGIN = 0.85
"""The nearest person's distance must be at most this share of the next one's. Both measured by
tests/bench/suggestions.py."""

LESS_SURE = 1.24
"""A face is still suggested, as less sure, up to this many times its limit. In a library of few people with many
photos 9 of 10 of these are right; among press photos of many people there are few, and few are right."""

CROWD, CROWD_COUNTS = 10, 0.7
"""How many other people measure the density around a face, and how much that counts. Measured by
tests/bench/effort.py: on LFW and in six drawn sets, right suggestions come before wrong ones in 83 to 90 of
100 pairs; by distance, in 12 to 68."""

LOOSER, TIGHTEST = 1.5, 2 / 3
"""A group may be LOOSER times as far from a person as its faces are from each other, and always TIGHTEST of the
limit, because a tight group may be just a burst."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The face `face` may show `person`.

    distance: mean Euclidean distance to the person's nearest confirmed faces, whose ids are `because`.
    runner_up: the second-nearest person, if any, and runner_up_distance: the same mean for them.
    sure: whether it is within the limit, rather than up to LESS_SURE times as far. lead: see leads().
    """

    face: int
    person: int
    distance: float
    because: tuple[int, ...]
    runner_up: int | None = None
    runner_up_distance: float = float("inf")
    sure: bool = True
    lead: float = field(default=math.nan, compare=False)


def suggest(
    faces: Ints,
    vectors: Vectors,
    known: GalleryFaces,
    *,
    limit: float,
    groups: Ints | None = None,
    forbidden: frozenset[tuple[int, int]] = frozenset(),
    refused: GalleryFaces | None = None,
    margin: float = MARGIN,
    less_sure: float = LESS_SURE,
) -> list[Suggestion]:
    """Who the unnamed faces (M,) with vectors (M, D) may be, surest first; omits faces that resemble nobody.

    limit: largest distance of a sure suggestion; the others may be less_sure times as far. groups: (M,) the group
    of each face, -1 for none; faces in a tight group must be nearer. forbidden: pairs (face, person) ruled out by a
    human or by the photo. refused: faces rejected for a person; a face nearer to one of these than to the person's
    own faces is not suggested either.
    """
    if not len(faces) or not len(known.ids):
        return []
    people, distances = nearest_people(faces, vectors, known, forbidden)
    limits, rows_of = limits_of(vectors, groups, limit), _rows_by_person(known)
    reach = np.minimum(reach_of(limits, limit, less_sure), margin * distances[:, 1])
    near = [
        Suggestion(
            face=int(faces[row]),
            person=int(people[row, 0]),
            distance=float(distances[row, 0]),
            because=_because(vectors[row], known, rows_of[int(people[row, 0])]),
            runner_up=int(people[row, 1]) if np.isfinite(distances[row, 1]) else None,
            runner_up_distance=float(distances[row, 1]),
            sure=bool(distances[row, 0] <= limits[row]),
        )
        for row in np.flatnonzero(distances[:, 0] <= reach).tolist()
    ]
    near = _with_leads(_not_like_refused(near, faces, vectors, refused), faces, vectors, known)
    return sorted(near, key=lambda one: (not one.sure, one.distance, one.face))


def leads(vectors: Vectors, whom: Ints, middles: Middles) -> Floats:
    """How much nearer faces (M, D) are to the mean of the people `whom` (M,) than to those of the CROWD nearest
    others, whose mean counts by CROWD_COUNTS.

    Returns differences of squared distances (M,): the smaller, the likelier; NaN if there are no others. The
    nearest faces alone don't tell enough, because somebody with many different photos is near to strangers, too.
    """
    return crowds(vectors, whom, middles).leads


@dataclass(frozen=True, slots=True, eq=False)
class Crowds:
    """leads: (M,) see leads(); people: (M, K) the K <= CROWD nearest others, unordered; reach: (M,) the squared
    distance to the farthest of them."""

    leads: Floats
    people: Ints
    reach: Floats


def crowds(vectors: Vectors, whom: Ints, middles: Middles) -> Crowds:
    """The leads of faces (M, D) for people (M,), and the other people they were computed from."""
    others = max(min(CROWD, len(middles.people) - 1), 0)
    found = Crowds(
        np.full(len(vectors), np.nan), np.full((len(vectors), others), -1), np.full(len(vectors), np.inf)
    )
    if others < 1:
        return found
    lengths = (middles.vectors**2).sum(axis=1)
    step = max(BLOCK // len(middles.people), 1)
    for start in range(0, len(vectors), step):
        block, some = slice(start, start + step), vectors[start : start + step]
        squared = (some**2).sum(axis=1)[:, None] - 2 * some @ middles.vectors.T + lengths
        place, rows = np.searchsorted(middles.people, whom[block]), np.arange(len(some))
        own = squared[rows, place].astype(np.float64)
        squared[rows, place] = np.inf
        crowd = np.argpartition(squared, others - 1, axis=1)[:, :others]
        following = np.take_along_axis(squared, crowd, axis=1)
        found.leads[block] = own - CROWD_COUNTS * following.mean(axis=1)
        found.people[block], found.reach[block] = middles.people[crowd], following.max(axis=1)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Middles:
    """people: (P,) ids, ascending; vectors: (P, D) the mean of each one's confirmed faces."""

    people: Ints
    vectors: Vectors

    @classmethod
    def of(cls, people: Ints, vectors: Vectors) -> Middles:
        """From the vectors (N, D) of faces and their people (N,)."""
        order = np.argsort(people, kind="stable")
        found, starts, sizes = np.unique(people[order], return_index=True, return_counts=True)
        sums = np.add.reduceat(vectors[order], starts, axis=0) if len(found) else vectors[:0]
        return cls(found, (sums / sizes[:, None]).astype(np.float32))


def _with_leads(found: list[Suggestion], faces: Ints, vectors: Vectors, known: GalleryFaces) -> list[Suggestion]:
    row = {face: number for number, face in enumerate(faces.tolist())}
    rows, whom = [row[one.face] for one in found], np.array([one.person for one in found], np.int64)
    ahead = leads(vectors[rows], whom, Middles.of(known.people, known.vectors))
    return [replace(one, lead=lead) for one, lead in zip(found, ahead.tolist(), strict=True)]


def nearest_people(
    faces: Ints, vectors: Vectors, known: GalleryFaces, forbidden: frozenset[tuple[int, int]] = frozenset()
) -> tuple[Ints, Floats]:
    """The two people nearest to each face: their ids (M, 2) and distances (M, 2), infinite where there is nobody.

    A person's distance is the mean distance to their NEAREST confirmed faces, or to all if they have fewer. It is
    computed for every person, however many faces others have. At equal distances the smaller id comes first.
    """
    gallery = Gallery(known)
    row_of = {face: row for row, face in enumerate(faces.tolist())}
    column_of = {person: column for column, person in enumerate(gallery.people.tolist())}
    pairs = [(row_of[f], column_of[p]) for f, p in forbidden if f in row_of and p in column_of]
    ruled_out = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    columns, distances = np.zeros((len(faces), 2), np.int64), np.full((len(faces), 2), np.inf)
    step = max(BLOCK // len(known.ids), 1)
    for start in range(0, len(faces), step):
        apart = gallery.distances(vectors[start : start + step])
        first, last = np.searchsorted(ruled_out[:, 0], (start, start + step))
        apart[ruled_out[first:last, 0] - start, ruled_out[first:last, 1]] = np.inf
        rows = np.arange(len(apart))
        for place in range(2):
            best = apart.argmin(axis=1)
            columns[start + rows, place], distances[start + rows, place] = best, apart[rows, best]
            apart[rows, best] = np.inf
    return gallery.people[columns], distances


class Gallery:
    """The confirmed faces, laid out so that a few passes over arrays find everybody's nearest faces.

    People are sorted by their number of faces, most first, and vectors by their place among their person's: so the
    vectors at place k belong to the first people, namely all who have more than k faces.
    """

    def __init__(self, known: GalleryFaces) -> None:
        self.people, person, sizes = np.unique(known.people, return_inverse=True, return_counts=True)
        self._by_size = np.argsort(-sizes, kind="stable")
        rank = np.argsort(self._by_size)[person]
        order = np.argsort(rank, kind="stable")
        place = np.arange(len(order)) - np.searchsorted(rank[order], rank[order])
        order = order[np.argsort(place, kind="stable")]
        self._vectors = np.ascontiguousarray(known.vectors[order], np.float32)
        self._squared = (self._vectors**2).sum(axis=1)
        self._counts = np.bincount(place)
        self._sizes = np.minimum(sizes[self._by_size], NEAREST)

    def distances(self, vectors: Vectors) -> Floats:
        """The distance (B, P) of each vector (B, D) to each of the P people."""
        squared = vectors @ self._vectors.T
        squared *= -2
        squared += self._squared
        squared += (vectors**2).sum(axis=1)[:, None]
        apart = np.sqrt(np.maximum(squared, 0, out=squared), out=squared)
        nearest = self._nearest(apart)
        means = sum(np.where(place < self._sizes, one, 0) for place, one in enumerate(nearest)) / self._sizes
        result: Floats = np.empty(means.shape)
        result[:, self._by_size] = means
        return result

    def _nearest(self, apart: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
        """From distances (B, N), NEAREST arrays (B, P): to each person's nearest face, second-nearest face, and so
        on. Each face is inserted among the nearest so far."""
        nearest = [np.full((len(apart), len(self.people)), np.inf, np.float32) for _ in range(NEAREST)]
        start = 0
        for people in self._counts.tolist():
            far = apart[:, start : start + people]
            for one in nearest:
                kept = one[:, :people]
                farther = np.maximum(kept, far)
                np.minimum(kept, far, out=kept)
                far = farther
            start += people
        return nearest


def _rows_by_person(known: GalleryFaces) -> dict[int, Ints]:
    order = np.argsort(known.people, kind="stable")
    people, starts = np.unique(known.people[order], return_index=True)
    return dict(zip(people.tolist(), np.split(order, starts[1:]), strict=True))


def _because(vector: Vectors, known: GalleryFaces, rows: Ints) -> tuple[int, ...]:
    """The ids of the NEAREST among these confirmed faces, nearest first."""
    apart = np.linalg.norm(known.vectors[rows] - vector, axis=1)
    return tuple(known.ids[rows[np.argsort(apart, kind="stable")[:NEAREST]]].tolist())


def reach_of(limits: Floats, limit: float, less_sure: float) -> Floats:
    """Up to which distance (M,) to suggest faces with these limits; those of tight groups never beyond them."""
    return np.where(limits == limit, less_sure * limit, limits)


def _not_like_refused(
    found: list[Suggestion], faces: Ints, vectors: Vectors, refused: GalleryFaces | None
) -> list[Suggestion]:
    if refused is None or not len(refused.ids):
        return found
    row = {face: number for number, face in enumerate(faces.tolist())}
    kept: list[Suggestion] = []
    for one in found:
        others = refused.vectors[refused.people == one.person]
        nearest = np.linalg.norm(others - vectors[row[one.face]], axis=1).min(initial=np.inf)
        if nearest >= one.distance:
            kept.append(one)
    return kept


def limits_of(vectors: Vectors, groups: Ints | None, limit: float) -> Floats:
    """The largest distance (M,) of a sure suggestion for each face. A group that is much tighter than its distance
    to the person is somebody else, however near: siblings, or portraits in the same light."""
    limits = np.full(len(vectors), limit)
    for group in np.unique(groups[groups >= 0]) if groups is not None else ():
        members = np.flatnonzero(groups == group)
        if len(members) > 1:
            centre = vectors[members].mean(axis=0)
            # The mean squared distance of two points is twice that to their centre, times n / (n - 1).
            squared = ((vectors[members] - centre) ** 2).sum(axis=1).mean() * 2 * len(members) / (len(members) - 1)
            limits[members] = np.clip(LOOSER * np.sqrt(squared), TIGHTEST * limit, limit)
    return limits


def once_a_photo(suggestions: list[Suggestion], photos: dict[int, int]) -> list[Suggestion]:
    """Suggests each person at most once per photo, for the likelier face. photos: face -> photo."""
    taken: set[tuple[int, int]] = set()
    kept: list[Suggestion] = []
    for one in suggestions:
        place = (photos[one.face], one.person)
        if place not in taken:
            taken.add(place)
            kept.append(one)
    return kept


def by_person(suggestions: list[Suggestion]) -> dict[int, list[Suggestion]]:
    """Person -> what to ask about: their sure suggestions or, if they have none, the others, surest first. People
    with sure suggestions come first, those with most before the rest."""
    by_id: dict[int, list[Suggestion]] = defaultdict(list)
    for suggestion in sorted(suggestions, key=lambda one: not one.sure):
        asked = by_id[suggestion.person]
        if suggestion.sure or not asked or not asked[0].sure:
            asked.append(suggestion)
    return dict(sorted(by_id.items(), key=lambda item: (not item[1][0].sure, -len(item[1]), item[0])))
