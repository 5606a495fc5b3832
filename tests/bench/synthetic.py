"""Faces as the embedder would give them, of as many people as wanted: drawn from what real faces are like.

A person's middle is a real person's, moved by `novelty` (0 to 1) of what tells people apart: 1 draws from a normal
distribution with the covariance of real people's middles, which has no lookalikes; 0 copies real people. Faces lie
around the middle with the covariance of real faces around theirs; how far is drawn from real people (some vary more
than others) and from real faces (some photos are worse). With novelty 0.5, sets of the size of the real one get
the same scores as the real one, see tests/bench/grouping_scale.py, which prints both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceid_core.values import Ints, Vectors

Floats = npt.NDArray[np.float64]

ENOUGH = 4
"""Faces of a person from which their own spread is estimated."""

NOVELTY = 0.5


@dataclass(frozen=True)
class Population:
    """mean (D,); between, within (D, D): covariances of people's middles, and of faces around them; size (P,),
    middle (P, D): faces and mean of real people; people (P',), faces (F,): how much more or less than `within` they
    vary."""

    mean: Floats
    between: Floats
    within: Floats
    size: Ints
    middle: Floats
    people: Floats
    faces: Floats

    @classmethod
    def fit(cls, vectors: Vectors, names: npt.NDArray[np.str_] | Ints) -> Population:
        person = np.unique(names, return_inverse=True)[1]
        size = np.bincount(person)
        middle = np.zeros((len(size), vectors.shape[1]))
        np.add.at(middle, person, vectors.astype(np.float64))
        middle /= size[:, None]
        several = size[person] > 1
        apart = (vectors - middle[person])[several] * np.sqrt(size / np.maximum(size - 1, 1))[person[several], None]
        within = np.cov(apart, rowvar=False)
        between = _positive(np.cov(middle, rowvar=False) - within * np.mean(1 / size))
        away = (apart**2).sum(axis=1) / np.trace(within)
        own = np.sqrt(np.bincount(person[several], away, minlength=len(size)) / size)
        known = size >= ENOUGH
        faces = (np.sqrt(away) / np.maximum(own[person[several]], 1e-9))[known[person[several]]]
        return cls(middle.mean(axis=0), between, within, size, middle, own[known], faces)

    def draw(self, sizes: Ints, seed: int, novelty: float = NOVELTY) -> tuple[Vectors, Ints]:
        """(N, D) float32 vectors of people with sizes (P,) faces each, in random order; the person (N,) of each."""
        rng = np.random.default_rng(seed)
        person = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
        new = rng.standard_normal((len(sizes), len(self.mean))) @ _root(self.between)
        middles = self.mean + np.sqrt(1 - novelty**2) * self._real(len(sizes), rng) + novelty * new
        looks, spread = rng.choice(self.people, len(sizes)), _root(self.within)
        vectors = np.empty((len(person), len(self.mean)), np.float32)
        for start in range(0, len(person), 100_000):
            rows = person[start : start + 100_000]
            away = rng.standard_normal((len(rows), len(self.mean))) @ spread
            away *= (looks[rows] * rng.choice(self.faces, len(rows)))[:, None]
            vectors[start : start + 100_000] = middles[rows] + away
        return vectors, person

    def _real(self, count: int, rng: np.random.Generator) -> Floats:
        """(count, D) middles of real people, less the mean, as they may be, seen on few faces only."""
        drawn = rng.integers(0, len(self.size), count)
        result = np.empty((count, len(self.mean)))
        for size in np.unique(self.size[drawn]):
            rows = np.flatnonzero(self.size[drawn] == size)
            gain = np.linalg.solve(self.between + self.within / size, self.between)
            left = _root(_positive(self.between - self.between @ gain))
            noise = rng.standard_normal((len(rows), len(self.mean))) @ left
            result[rows] = (self.middle[drawn[rows]] - self.mean) @ gain + noise
        return result


def _positive(covariance: Floats) -> Floats:
    """What sampling made negative counts as zero."""
    values, axes = np.linalg.eigh((covariance + covariance.T) / 2)
    positive: Floats = (axes * np.maximum(values, 0)) @ axes.T
    return positive


def _root(covariance: Floats) -> Floats:
    """The symmetric square root."""
    values, axes = np.linalg.eigh(covariance)
    root: Floats = (axes * np.sqrt(np.maximum(values, 0))) @ axes.T
    return root


def long_tailed(faces: int, seed: int) -> Ints:
    """Photos per person, `faces` in all: many people once, a few on one photo in fifty (Pareto, exponent 1)."""
    rng = np.random.default_rng(seed)
    sizes = np.minimum(1 / rng.uniform(size=faces), faces / 50).astype(np.int64)
    sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), faces)) + 1]
    sizes[-1] -= int(sizes.sum()) - faces
    return sizes


def of_a_family(people: int, strangers: int, seed: int) -> Ints:
    """Photos per person of a private library: 10 and more of everybody (Pareto, exponent 1, at most 600), and
    strangers with one each."""
    rng = np.random.default_rng(seed)
    known = np.minimum(10 / rng.uniform(size=people), 600).astype(np.int64)
    return np.concatenate([known, np.ones(strangers, np.int64)])


def like_lfw(sizes: Ints, people: int, singles: int, seed: int) -> Ints:
    """Photos per person of the part of LFW that is not at hand: `people`, `singles` with one photo. The other sizes
    are drawn from real `sizes`; George W. Bush (530) and Colin Powell (236) are the largest of LFW."""
    rng = np.random.default_rng(seed)
    more = rng.choice(sizes[sizes > 1], people - singles - 2)
    return np.concatenate([[530, 236], more, np.ones(singles, np.int64)])
