"""Measures an embedder's distance scale from pairs of faces that certainly show different people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceid_core.values import Ints, Vectors

FALSE_SHARE = 0.0015
"""Share of different-person pairs within the same-person distance, as for dlib's 0.55 on LFW."""

FEWEST_PAIRS = 1_000
"""With fewer pairs, the share would be less than one and a half pairs."""

HALF_WAY = 30
"""With this many faces in such pairs, the measurement has the same weight as the embedder's nominal distance."""

FARTHEST, NEAREST = 1.25, 0.6
"""Bounds of the measured distance relative to the usual one, so that wrong names can't spoil it."""

SURELY_SAME = 0.7
"""Relative to the usual distance: nearer faces in a photo are the same person in a mirror or collage, as in
clusterers."""

FACES = 2_000
"""Maximum number of faces that are compared with each other."""


@dataclass(frozen=True, slots=True)
class PairScale:
    """same_person: distance between unit vectors below which two usually show the same person. pairs, faces:
    numbers of different-person pairs and their faces used for the measurement; 0 if there are too few. found: share
    of known same-person pairs from different photos within that distance; None if there are none."""

    same_person: float
    pairs: int
    faces: int
    found: float | None


def measure(vectors: Vectors, photos: Ints, people: Ints, *, usual: float) -> PairScale:
    """Measure the scale. vectors: (N, D) of any length; photos, people: (N,), -1 for nobody. usual: the embedder's
    nominal distance.

    Faces in the same photo, and faces with different names, count as different people.
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
