"""Open-set recognition: who is it, or is it nobody we know? NumPy only; training and recognition share it.

The probabilities are a softmax over slope * (score - threshold_cosine) with a logit of 0 for "somebody else", after
Bendale and Boult's idea of giving unknown a share of its own ("Towards Open Set Deep Networks", CVPR 2016).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from faceid_core.recognition.scoring import Floats, Scorer, cosines, imprint, normalised
from faceid_core.values import Ints, Vectors

__all__ = [
    "Calibration", "Rates", "Scored", "Scorer", "against", "assign", "cosines", "imprint", "leave_one_out",
    "normalised", "placed_like", "probabilities", "rates", "tpir_at",
]  # fmt: skip

OPERATING_POINT = 0.5
"""The least probability at which a name is given, whatever the calibration says."""

FPIR_TARGET = 0.01
"""Strangers that may get a name, as a share."""

FEW = 8
"""Below this many scores nothing can be said about their spread."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a score becomes a probability: 1 / (1 + exp(-slope * (score - threshold_cosine))) where only one person
    is near."""

    slope: float
    threshold_cosine: float


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Held-out faces against the people: genuine (N, K) with their classes (N,), impostors (M, K).

    Impostors are the faces of each person against the others, with -inf in their own person's column, and behind
    them the `strangers` rows of faces of nobody named. held: (N,) positions of the genuine faces among all that
    were scored. left_out: (N,) faces of the same person that were left out and will be known after all; none where
    nobody's are. impostor_people: (M,) a number for whom each impostor shows, alike for one person's faces.
    """

    genuine: Floats
    classes: Ints
    impostors: Floats
    strangers: int = 0
    held: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    left_out: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    impostor_people: Ints = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def own(self) -> Floats:
        """(N,) the score of each genuine face for its own person."""
        own: Floats = self.genuine[np.arange(len(self.classes)), self.classes]
        return own

    @property
    def best_strangers(self) -> Floats:
        """(strangers,) the best score of each stranger."""
        best: Floats = self.impostors[len(self.impostors) - self.strangers :].max(axis=1, initial=-np.inf)
        return best

    @property
    def best_impostors(self) -> Floats:
        """(M,) the best score of each impostor; without those that were compared with nobody."""
        best = self.impostors.max(axis=1, initial=-np.inf)
        finite: Floats = best[np.isfinite(best)]
        return finite

    @property
    def balanced_impostors(self) -> Floats:
        """As many scores as `best_impostors`, spread as if each person had as many faces: hundreds of somebody's
        say of other people no more than one does."""
        best: Floats = self.impostors.max(axis=1, initial=-np.inf)
        finite = np.flatnonzero(np.isfinite(best))
        if not len(self.impostor_people) or not len(finite):
            return self.best_impostors
        order = finite[np.argsort(best[finite], kind="stable")]
        weight = 1 / np.bincount(self.impostor_people)[self.impostor_people[order]]
        wanted = (np.arange(len(order)) + 0.5) / len(order)
        at = np.searchsorted(np.cumsum(weight) / weight.sum(), wanted)
        scores: Floats = best[order[np.minimum(at, len(order) - 1)]]
        return scores


@dataclass(frozen=True, slots=True)
class Rates:
    """accuracy: share of genuine faces whose best person is the right one; tpir: and above the threshold;
    fpir: share of impostors above it."""

    accuracy: float
    tpir: float
    fpir: float


def probabilities(scores: Floats, calibration: Calibration) -> Floats:
    """(N, K) -> (N, K): each person's share, where "somebody else" has a share, too; a row sums to less than 1."""
    logits = calibration.slope * (scores - calibration.threshold_cosine)
    peak = np.maximum(logits.max(axis=1, keepdims=True, initial=0.0), 0.0)
    shares = np.exp(logits - peak)
    result: Floats = shares / (shares.sum(axis=1, keepdims=True) + np.exp(-peak))
    return result


def leave_one_out(
    vectors: Vectors, classes: Ints, groups: Ints, scorer: Scorer, strangers: Floats | None = None
) -> Scored:
    """Score every face as if its group (the photos that may never help each other) were not known.

    scorer: with the people's rows as `imprint` makes them from all faces. strangers: (M, K) their scores.
    Genuine: faces with another group of the same person, their own row made without the face's group. Impostors:
    every face against everybody but its own person, and the strangers against all.
    """
    unit, count = normalised(vectors), scorer.people
    scores = scorer(vectors, scorer.own_position(classes))
    rows = normalised(scorer.rows)
    sums = np.zeros((count, vectors.shape[1]))
    np.add.at(sums, classes, unit)
    _, pair = np.unique(np.stack([classes, groups]), axis=1, return_inverse=True)  # a person on a group's photos
    pair = pair.reshape(-1)  # NumPy 2.0 gives it another shape
    together = np.zeros((int(pair.max(initial=-1)) + 1, vectors.shape[1]))
    np.add.at(together, pair, unit)
    at = np.flatnonzero(np.bincount(pair)[pair] < np.bincount(classes, minlength=count)[classes])
    if len(at):
        mine = classes[at]
        left, own = normalised(sums[mine] - together[pair[at]]), scorer.own_position(mine)
        change = (unit[at] * (left - rows[mine])).sum(axis=1)
        stricter = scorer.strictness(left, own) - scorer.strictness(rows[mine], own)
        scores[at, mine] += change - stricter
    found = against(scores, classes, at, np.empty((0, count)) if strangers is None else strangers)
    return replace(found, left_out=np.bincount(pair)[pair[at]])


def against(scores: Floats, classes: Ints, held: Ints, strangers: Floats) -> Scored:
    """Genuine and impostor scores from faces (N, K) of known classes and from strangers (M, K)."""
    others = scores.copy()
    others[np.arange(len(classes)), classes] = -np.inf
    genuine = scores[held]
    single = np.arange(len(strangers)) + classes.max(initial=-1) + 1
    return Scored(
        genuine, classes[held], np.concatenate([others, strangers]), len(strangers), held,
        impostor_people=np.concatenate([classes, single]),
    )  # fmt: skip


def rates(scored: Scored, calibration: Calibration, threshold: float = OPERATING_POINT) -> Rates:
    """What the calibrated classifier does on the scores; 0 where there is nothing to measure."""
    right = scored.genuine.argmax(axis=1) == scored.classes if len(scored.classes) else np.zeros(0, bool)
    named = probabilities(scored.genuine, calibration).max(axis=1, initial=0.0) >= threshold
    compared = scored.impostors[np.isfinite(scored.impostors).any(axis=1)]
    misnamed = probabilities(compared, calibration).max(axis=1, initial=0.0) >= threshold
    return Rates(_share(right), _share(right & named), _share(misnamed))


def _share(flags: npt.NDArray[np.bool_]) -> float:
    return float(flags.mean()) if len(flags) else 0.0


def tpir_at(scored: Scored, fpir: float = FPIR_TARGET) -> float:
    """Share of genuine faces named rightly at the threshold that just keeps `fpir` on these impostors."""
    if not len(scored.classes):
        return 0.0
    impostors = scored.best_impostors
    threshold_cosine = np.quantile(impostors, 1 - fpir) if len(impostors) else -np.inf
    right = scored.genuine.argmax(axis=1) == scored.classes
    return _share(right & (scored.genuine.max(axis=1) > threshold_cosine))


def placed_like(scored: Scored, reference: Scored) -> tuple[Scored, float, float]:
    """The scores scaled so that genuine and impostor means are the reference's: (scaled, factor, offset).

    A trained head spreads its cosines differently; on the reference's scale the defaults hold for it, too.
    """
    gap = scored.own.mean() - scored.best_impostors.mean()
    wanted = reference.own.mean() - reference.best_impostors.mean()
    factor = float(wanted / gap) if gap > 1e-6 and wanted > 1e-6 else 1.0
    offset = float(reference.own.mean() - factor * scored.own.mean())
    genuine, impostors = (scores * factor + offset for scores in (scored.genuine, scored.impostors))
    moved = replace(scored, genuine=genuine, impostors=impostors)
    return moved, factor, offset


def best_first(shares: Floats, count: int) -> Ints:
    """Places of the `count` greatest of (K,) shares, the greatest first, equal ones in their order.

    >>> best_first(np.array([0.1, 0.5, 0.3, 0.5]), 3)
    array([1, 3, 2])
    """
    if len(shares) > count:
        least = np.partition(shares, -count)[-count]
        places = np.flatnonzero(shares >= least)
    else:
        places = np.arange(len(shares))
    found: Ints = places[np.argsort(-shares[places], kind="stable")][:count]
    return found


def assign(shares: Floats, threshold: float, repeat: float) -> list[int | None]:
    """Who is who in one photo: (faces, people) probabilities -> a class or None for each face.

    Surest first. A person is in a photo once, unless a second face reaches `repeat`: a mirror, a picture on the
    wall, a collage. Otherwise the second face goes to its next best person, or to nobody.
    """
    answers: list[int | None] = [None] * len(shares)
    taken: set[int] = set()
    for face in np.argsort(-shares.max(axis=1, initial=0.0), kind="stable"):
        likely = np.flatnonzero(shares[face] >= threshold)  # of 10,000 people few are
        for person in likely[np.argsort(-shares[face, likely], kind="stable")]:
            share = shares[face, person]
            if person not in taken or share >= repeat:
                answers[face] = int(person)
                taken.add(int(person))
                break
    return answers
