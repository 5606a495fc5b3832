"""How far apart two people's faces are in an embedder's space, by pairs that surely show two people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceid_core.values import Ints, Vectors

FALSE_SHARE = 0.0015
"""Share of pairs of two people that lie within the distance of one person: so many do at dlib's 0.55, on LFW."""

FEWEST_PAIRS = 1_000
"""Below that the share is one pair and a half."""

HALF_WAY = 30
"""With so many faces in such pairs, they count as much as what is said of the embedder."""

FARTHEST, NEAREST = 1.25, 0.6
"""Shares of the usual distance between which the measured one lies, so that wrong names can't spoil it."""

SURELY_SAME = 0.7
"""Within this share of the usual distance two faces of one photo are a mirror or a collage, as in clusterers."""

FACES = 2_000
"""Faces that are compared with each other at most."""


@dataclass(frozen=True, slots=True)
class PairScale:
    """same_person: distance of vectors of length 1 below which two usually show one person. pairs, faces: of two
    people, from which it was measured; 0 where they are too few. found: share of the known pairs of one person,
    on two photos, that lie within it; None where there are none."""

    same_person: float
    pairs: int
    faces: int
    found: float | None


def measure(vectors: Vectors, photos: Ints, people: Ints, *, usual: float) -> PairScale:
    """vectors: (N, D) of any length; photos, people: (N,), -1 for nobody. usual: what is said of the embedder.

    Two people are faces of one photo, and faces with two names.
    """
    rows = np.unique(np.linspace(0, len(vectors) - 1, min(len(vectors), FACES)).astype(np.int64))
    unit = vectors[rows] / np.maximum(np.linalg.norm(vectors[rows], axis=1, keepdims=True), 1e-9)
    apart = np.sqrt(np.maximum(2 - 2 * (unit @ unit.T), 0))
    photo, person = photos[rows], people[rows]
    named = (person >= 0)[:, None] & (person >= 0)
    one_person = named & (person[:, None] == person)
    one_photo = photo[:, None] == photo
    two_people = (named & ~one_person) | (one_photo & ~one_person & (apart > SURELY_SAME * usual))
    np.fill_diagonal(two_people, False)
    pairs, faces = int(two_people.sum()) // 2, int(two_people.any(axis=1).sum())
    same_person = usual
    if pairs >= FEWEST_PAIRS:
        measured = float(np.quantile(apart[two_people], FALSE_SHARE))
        trust = faces**2 / (faces**2 + HALF_WAY**2)
        same_person = usual * float(np.clip(measured / usual, NEAREST, FARTHEST)) ** trust
    else:
        pairs = faces = 0
    known = apart[one_person & ~one_photo]
    found = float((known < same_person).mean()) if len(known) else None
    return PairScale(same_person, pairs, faces, found)
