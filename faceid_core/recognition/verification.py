"""Verification: do two faces show the same person? By cosine, over all pairs. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceid_core.recognition.scoring import cosines
from faceid_core.values import Ints, Vectors

FAR = 0.001
"""The false accept rate at which true accepts are counted."""


@dataclass(frozen=True, slots=True)
class Verification:
    """same, different: numbers of pairs; equal_error: the rate at which both errors are alike; true_accepts:
    share of pairs of one person that are accepted where 1 in 1,000 of the others is. Shares 0 to 1."""

    same: int
    different: int
    equal_error: float
    true_accepts: float


def verify_pairs(vectors: Vectors, classes: Ints) -> Verification | None:
    """Over all pairs of faces (N, D) with classes (N,); None without a pair of each kind."""
    one, other = np.triu_indices(len(vectors), 1)
    scores, same = cosines(vectors, vectors)[one, other], classes[one] == classes[other]
    if same.all() or not same.any():
        return None
    genuine, impostors = np.sort(scores[same]), np.sort(scores[~same])
    cuts = np.unique(scores)  # from each on, pairs are accepted
    missed = np.searchsorted(genuine, cuts) / len(genuine)
    accepted = 1 - np.searchsorted(impostors, cuts) / len(impostors)
    at = int(np.abs(missed - accepted).argmin())
    strict = np.quantile(impostors, 1 - FAR)
    error = float((missed[at] + accepted[at]) / 2)
    return Verification(len(genuine), len(impostors), error, float((genuine > strict).mean()))
