"""Leads, kept up to date: a person who gains or loses a face changes the leads of few others. `identity.leads`
computes the same from scratch, in a second for 40,000 faces and 2,000 people."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceid_core.review import identity
from faceid_core.review.identity import CROWD, Middles
from faceid_core.values import Ints, Vectors

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

ROUNDING = 1e-4
"""Squared distances that differ by less may be equal: they are sums of float32 in varying order."""

NOBODY = -1


class LeadIndex:
    """The leads of those of N faces (N, D) that were asked for last, and the people they were computed from."""

    def __init__(self, vectors: Vectors) -> None:
        count = len(vectors)
        self._vectors = vectors
        self._whom = np.full(count, NOBODY)
        self._leads = np.full(count, np.nan)
        self._crowd = np.full((count, CROWD), NOBODY)
        self._reach = np.full(count, np.inf)
        self._middles = Middles(np.empty(0, np.int64), vectors[:0])

    def update(self, rows: Ints, whom: Ints, middles: Middles) -> Floats:
        """The same as `identity.leads` of the faces in rows (M,) for people (M,)."""
        stale = np.flatnonzero(self._stale(rows, whom, middles))
        again = rows[stale]
        found = identity.crowds(self._vectors[again], whom[stale], middles)
        self._leads[again], self._reach[again] = found.leads, found.reach
        self._crowd[again] = NOBODY
        self._crowd[again, : found.people.shape[1]] = found.people
        whose = np.full(len(self._whom), NOBODY)  # leads not asked for now are not kept up to date
        whose[rows] = whom
        self._whom, self._middles = whose, middles
        return self._leads[rows]

    def _stale(self, rows: Ints, whom: Ints, middles: Middles) -> Bools:
        """Which rows (M,) may have another lead than before."""
        stale: Bools = self._whom[rows] != whom
        changed = _changed(self._middles, middles)
        if min(len(self._middles.people), len(middles.people)) <= CROWD + 1:
            stale[:] = True  # there may be fewer than CROWD others
        elif len(changed):
            stale |= np.isin(whom, changed) | np.isin(self._crowd[rows], changed).any(axis=1)
            now = middles.vectors[np.isin(middles.people, changed)]
            fresh = np.flatnonzero(~stale)
            some = self._vectors[rows[fresh]]
            squared = (some**2).sum(axis=1)[:, None] - 2 * some @ now.T + (now**2).sum(axis=1)
            stale[fresh] = squared.min(axis=1, initial=np.inf) < self._reach[rows[fresh]] + ROUNDING
        return stale


def _changed(before: Middles, after: Middles) -> Ints:
    """People whose middle changed, and those who are only in one of the two."""
    both, one, other = np.intersect1d(before.people, after.people, assume_unique=True, return_indices=True)
    moved = both[(before.vectors[one] != after.vectors[other]).any(axis=1)]
    return np.concatenate([moved, np.setxor1d(before.people, after.people, assume_unique=True)])
