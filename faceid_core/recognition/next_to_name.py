"""Which unnamed faces would help a recogniser most if somebody named them. NumPy only.

Each unnamed face stands for photos to come of whoever it shows. It is covered as far as the recogniser would name
such a photo; naming a face covers the faces that are like it, too. Chosen are the faces that together cover most
(facility location, by the lazy greedy algorithm; source: Wei, Iyer, Bilmes, "Submodularity in Data Subset Selection
and Active Learning", ICML 2015). So people with many photos come first, each with a typical face; faces of known
people count where these are not recognised yet; a face like no other comes last.
Figures: `python -m tests.bench.next_to_name`.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from faceid_core.recognition.openset import Calibration
from faceid_core.recognition.scoring import BATCH, Floats, Scorer, normalised
from faceid_core.values import Ints, Vectors

Likeness = npt.NDArray[np.float32]

MOST = 4000
"""Faces that are compared with each other at most: 64 MB, and a second's work."""

FALSE_MATCHES, FALSE_SHARE = 3.0, 0.0025
"""So many faces of other people may count as like a face, and such a share of them: when faces are alike depends on
how many there are. On LFW 1 and less ask for too many people with few photos."""

LEEWAY = 7.0
"""Logits by which that may differ from what the recogniser asks for: in an album of one person most pairs are of
the same one."""

FEW = 50
"""With fewer faces their scores say too little."""

SPREAD = NormalDist().cdf(-1.0)
PAIRS = 200_000
"""Twice as many pairs of faces as are looked at."""


@dataclass(frozen=True, slots=True)
class Worth:
    """An unnamed face. row: of the given ones; gain: about how many of them, itself included, would be recognised
    once it has a name, beside those which the faces before it bring."""

    row: int
    gain: float


@dataclass(frozen=True, slots=True)
class Recognising:
    """What a recogniser computes with. threshold: the probability from which it gives a name."""

    scorer: Scorer
    calibration: Calibration
    threshold: float

    @property
    def least(self) -> float:
        """The score at the threshold, where only one person is near."""
        odds = float(np.log(self.threshold / (1 - self.threshold)))
        return self.calibration.threshold_cosine + odds / self.calibration.slope

    def known(self, best: Floats) -> Likeness:
        """(N,) how surely each face gets its likeliest name, which has these probabilities: one half at the
        threshold."""
        inner = np.clip(best, 1e-9, 1 - 1e-9)
        odds = inner / (1 - inner) / self.threshold * (1 - self.threshold)
        return np.asarray(odds / (1 + odds), np.float32)

    def likeness(self, vectors: Vectors, others: Vectors, least: float) -> Likeness:
        """(N, M): how surely each face would get the name of the other one, if that were all that is known. least:
        the score at which that is one half."""
        return self._shares(self._pair_scores(vectors, others), least)

    def least_of_pairs(self, vectors: Vectors) -> float:
        """The score that only FALSE_MATCHES faces of other people have with a face, by the lower half of all
        scores: most pairs are of two people."""
        if len(vectors) < FEW:
            return self.least
        few = vectors[_even(len(vectors), int(PAIRS**0.5))]
        scores = self._pair_scores(few, few)[np.triu_indices(len(few), 1)]
        low, middle = np.quantile(scores, [SPREAD, 0.5])
        reached = 1 - min(FALSE_MATCHES / len(vectors), FALSE_SHARE)
        spread = float(max(middle - low, 1e-6))
        found = NormalDist(float(middle), spread).inv_cdf(reached)
        leeway = LEEWAY / self.calibration.slope
        return float(np.clip(found, self.least - leeway, self.least + leeway))

    def _pair_scores(self, vectors: Vectors, others: Vectors) -> Likeness:
        unit, beside = normalised(vectors), normalised(others)
        strict, apart = self.scorer.strictness(unit), self.scorer.strictness(beside)
        scores = np.empty((len(unit), len(beside)), np.float32)
        for start in range(0, len(unit), BATCH):
            part = slice(start, start + BATCH)
            scores[part] = unit[part] @ beside.T - strict[part, None] - apart
        return scores

    def _shares(self, scores: Floats | Likeness, least: float) -> Likeness:
        logits = np.clip(self.calibration.slope * (scores - least), -50.0, 50.0)
        return np.asarray(1 / (1 + np.exp(-logits)), np.float32)


def next_to_name(
    vectors: Vectors, best: Floats, recogniser: Recognising, count: int, *, named: Vectors | None = None
) -> list[Worth]:
    """The `count` most helpful of unnamed faces (N, D), the most helpful first; fewer where others gain nothing.

    best: (N,) the probability of each face's likeliest name, 0 where it can't be right. named: (M, D) faces that
    got a name since the recogniser learned: what is like them will be known. Of more than MOST faces an even
    selection is compared.
    """
    rows = _even(len(vectors), MOST)
    if not len(rows):
        return []
    chosen = vectors[rows]
    least = recogniser.least_of_pairs(chosen)
    covered = recogniser.known(best[rows])
    if named is not None and len(named):
        covered = np.maximum(covered, recogniser.likeness(chosen, named, least).max(axis=1))
    near = recogniser.likeness(chosen, chosen, least)
    np.fill_diagonal(near, 1.0)
    scale = len(vectors) / len(rows)
    return [Worth(int(rows[at]), scale * gain) for at, gain in _greedy(near, covered, count)]


def _even(count: int, most: int) -> Ints:
    """Positions, evenly over all, of at most so many."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(np.int64)


def _greedy(near: Likeness, covered: Likeness, count: int) -> list[tuple[int, float]]:
    """(column, gain) of the columns that cover most; a gain that was computed before can only have shrunk."""
    waiting = [(-_gain(near, covered, at), at) for at in range(len(near))]
    heapq.heapify(waiting)
    found: list[tuple[int, float]] = []
    while waiting and len(found) < count:
        _, at = heapq.heappop(waiting)
        gain = _gain(near, covered, at)
        if waiting and gain < -waiting[0][0]:
            heapq.heappush(waiting, (-gain, at))
        elif gain > 0:
            found.append((at, gain))
            covered = np.maximum(covered, near[at])
        else:
            break
    return found


def _gain(near: Likeness, covered: Likeness, at: int) -> float:
    return float(np.maximum(near[at] - covered, 0.0).sum())
