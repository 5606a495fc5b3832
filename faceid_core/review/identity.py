"""Is this somebody we know? Unnamed faces beside the confirmed faces of named people, with reasons."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from faceid_core.values import GalleryFaces, Ints, Vectors
from faceid_core.vectors import faiss_kernels

NEAREST = 3
"""Confirmed faces that speak for a person: one alone may be mislabelled or a bad shot."""

SEARCHED = 32
"""Nearest confirmed faces that are looked at for each unnamed one: enough to meet several people."""

LIMIT_SHARE = 0.89
"""Largest distance to suggest at, as a share of the distance below which two faces are usually of one person."""

MARGIN = 0.85
"""How much nearer the best person must be than the next one. Both as measured by tests/bench/suggestions.py."""

LESS_SURE = 1.24
"""Up to so many times its limit a face is still suggested, but as less sure: of a library of few people with many
photos 9 of 10 such are right, of press photos of many people few are, and few there are."""

LOOSER, TIGHTEST = 1.5, 2 / 3
"""A group may be so many times as far from a person as its faces from each other, but always this share of the
limit: a burst of shots is no reason to know nobody."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Face `face` may be person `person`.

    distance: Euclidean, the mean to the nearest confirmed faces of the person, whose ids are `because`.
    runner_up: the next person that was met, if any, at runner_up_distance.
    sure: within the limit; False for one that is up to LESS_SURE times as far.
    """

    face: int
    person: int
    distance: float
    because: tuple[int, ...]
    runner_up: int | None = None
    runner_up_distance: float = float("inf")
    sure: bool = True


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
    """Who the unnamed faces (M,) with vectors (M, D) may be, the surest first; faces like nobody are left out.

    limit: the largest distance of a sure one; less_sure: how many times that of the others. groups: (M,) the group
    of each face, -1 for none; faces of a tight group must be nearer. forbidden: (face, person) that a human ruled
    out, or that a photo rules out. refused: faces that are not the person beside them; a face nearer to such a one
    than to the person's own is not suggested either.
    """
    if not len(faces) or not len(known.ids):
        return []
    found = [
        suggestion
        for face, near, distances in _nearest(faces, vectors, known)
        if (suggestion := _best(face, near, distances, known, forbidden)) is not None
    ]
    limits = dict(zip(faces.tolist(), _limits(vectors, groups, limit), strict=True))
    near = [
        replace(one, sure=one.distance <= limits[one.face])
        for one in found
        if one.distance <= min(_reach(limits[one.face], limit, less_sure), margin * one.runner_up_distance)
    ]
    near = _not_like_refused(near, faces, vectors, refused)
    return sorted(near, key=lambda one: (not one.sure, one.distance, one.face))


def _reach(own: float, limit: float, less_sure: float) -> float:
    """The largest distance for a face with the limit `own`: a tight group is somebody else for sure."""
    return less_sure * limit if own == limit else own


def _not_like_refused(
    found: list[Suggestion], faces: Ints, vectors: Vectors, refused: GalleryFaces | None
) -> list[Suggestion]:
    if refused is None or not len(refused.ids):
        return found
    row = {face: number for number, face in enumerate(faces.tolist())}
    kept: list[Suggestion] = []
    for one in found:
        others = refused.vectors[refused.people == one.person]
        faiss_kernels = np.linalg.norm(others - vectors[row[one.face]], axis=1).min(initial=np.inf)
        if faiss_kernels >= one.distance:
            kept.append(one)
    return kept


def _limits(vectors: Vectors, groups: Ints | None, limit: float) -> list[float]:
    """The largest distance for each face. A group that is much tighter than its distance to the person is
    somebody else, however near: siblings, or portraits in one light."""
    limits = np.full(len(vectors), limit)
    for group in np.unique(groups[groups >= 0]) if groups is not None else ():
        members = np.flatnonzero(groups == group)
        if len(members) > 1:
            centre = vectors[members].mean(axis=0)
            # The mean squared distance of two points is twice that to their centre, times n / (n - 1).
            squared = ((vectors[members] - centre) ** 2).sum(axis=1).mean() * 2 * len(members) / (len(members) - 1)
            limits[members] = np.clip(LOOSER * np.sqrt(squared), TIGHTEST * limit, limit)
    return limits.tolist()


def _nearest(faces: Ints, vectors: Vectors, known: GalleryFaces) -> list[tuple[int, Ints, np.ndarray]]:
    """Each face with the rows of its nearest confirmed faces, nearest first, and their distances."""
    faiss = faiss_kernels.faiss()

    index = faiss.IndexFlatL2(known.vectors.shape[1])
    index.add(np.ascontiguousarray(known.vectors, np.float32))
    squared, rows = index.search(np.ascontiguousarray(vectors, np.float32), min(SEARCHED, len(known.ids)))
    distances = np.sqrt(np.maximum(squared, 0))
    return [(int(face), near, far) for face, near, far in zip(faces, rows, distances, strict=True)]


def _best(
    face: int, near: Ints, distances: np.ndarray, known: GalleryFaces, forbidden: frozenset[tuple[int, int]]
) -> Suggestion | None:
    """The nearest allowed person, and the next one."""
    met: dict[int, list[int]] = defaultdict(list)
    for place, row in enumerate(near):
        person = int(known.people[row])
        if (face, person) not in forbidden and len(met[person]) < NEAREST:
            met[person].append(place)
    scored = sorted((float(distances[places].mean()), person) for person, places in met.items() if places)
    if not scored:
        return None
    distance, person = scored[0]
    because = tuple(int(known.ids[near[place]]) for place in met[person])
    following = scored[1] if len(scored) > 1 else (float("inf"), None)
    return Suggestion(face, person, distance, because, following[1], following[0])


def once_a_photo(suggestions: list[Suggestion], photos: dict[int, int]) -> list[Suggestion]:
    """Nobody is on one photo twice: of two faces of a photo (face -> photo) the likelier one is suggested."""
    taken: set[tuple[int, int]] = set()
    kept: list[Suggestion] = []
    for one in suggestions:
        place = (photos[one.face], one.person)
        if place not in taken:
            taken.add(place)
            kept.append(one)
    return kept


def by_person(suggestions: list[Suggestion]) -> dict[int, list[Suggestion]]:
    """Person -> what to ask about: the sure suggestions, and where there is none of somebody the others, the surest
    first. The people of whom there are sure ones come first, those with most first."""
    grouped: dict[int, list[Suggestion]] = defaultdict(list)
    for suggestion in sorted(suggestions, key=lambda one: not one.sure):
        asked = grouped[suggestion.person]
        if suggestion.sure or not asked or not asked[0].sure:
            asked.append(suggestion)
    return dict(sorted(grouped.items(), key=lambda item: (not item[1][0].sure, -len(item[1]), item[0])))
