"""Open-set scoring: who is it, or is it nobody we know? NumPy only; training and recognition share it.

A person is a row: the mean of the person's normalised vectors. A face's score for a person is the cosine of its
vector and the row. On dlib's space that beats the Euclidean distance to the mean, the nearest face and centred
vectors (LFW, 38 people with 5 faces each: TPIR 97.9 % at 1 % FPIR, against 97.5, 94.4 and 92.0 %).

The probabilities are a softmax over slope * (score - threshold_cosine) with a logit of 0 for "somebody else", after
Bendale and Boult's idea of giving unknown a share of its own ("Towards Open Set Deep Networks", CVPR 2016).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceid_core.values import Ints, Vectors

Floats = npt.NDArray[np.float64]

OPERATING_POINT = 0.5
"""The probability from which a name is given: `calibrate` puts the threshold where FPIR_TARGET is kept."""

FPIR_TARGET = 0.01
"""Strangers that may get a name, as a share."""

DEFAULT_SLOPE = 225.0
"""Logistic slope between genuine and impostor cosines, fitted on LFW (205 to 237 for 2 to 38 people)."""

FEW = 8
"""Below this many scores nothing can be said about their spread."""

ENOUGH = 200
"""From this many scores on the quantile is taken as it is."""

DEFAULT_WEIGHT = 30.0
"""The default threshold counts as much as this many independent impostors."""

_IMPOSTOR_TAIL, _GENUINE_TAIL = 1.97, 1.83
"""Standard deviations from the mean to the highest 1 % of impostors, the lowest 5 % of genuine scores (LFW)."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a cosine becomes a probability: 1 / (1 + exp(-slope * (cosine - threshold_cosine))) where only one person
    is near."""

    slope: float
    threshold_cosine: float


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Held-out faces against the people: genuine (N, K) with their classes (N,), impostors (M, K).

    Impostors are the faces of each person against the others, with -inf in their own person's column, and behind
    them the `strangers` rows of faces of nobody named.
    """

    genuine: Floats
    classes: Ints
    impostors: Floats
    strangers: int = 0

    @property
    def own(self) -> Floats:
        """(N,) the score of each genuine face for its own person."""
        own: Floats = self.genuine[np.arange(len(self.classes)), self.classes]
        return own

    @property
    def best_impostors(self) -> Floats:
        """(M,) the best score of each impostor; without those that were compared with nobody."""
        best = self.impostors.max(axis=1, initial=-np.inf)
        finite: Floats = best[np.isfinite(best)]
        return finite


@dataclass(frozen=True, slots=True)
class Rates:
    """accuracy: share of genuine faces whose best person is the right one; tpir: and above the threshold;
    fpir: share of impostors above it."""

    accuracy: float
    tpir: float
    fpir: float


def normalised(vectors: Vectors) -> Floats:
    """The same directions at length 1, float64."""
    wide = vectors.astype(np.float64)
    unit: Floats = wide / np.maximum(np.linalg.norm(wide, axis=-1, keepdims=True), 1e-12)
    return unit


def imprint(vectors: Vectors, classes: Ints, count: int) -> Vectors:
    """One normalised row per person (count, D): the mean of the person's normalised vectors (N, D).

    Source: Qi, Brown, Lowe, "Low-Shot Learning with Imprinted Weights", CVPR 2018.
    """
    unit = normalised(vectors)
    sums = np.zeros((count, vectors.shape[1]))
    np.add.at(sums, classes, unit)
    return normalised(sums.astype(np.float32)).astype(np.float32)


def cosines(vectors: Vectors, rows: Vectors) -> Floats:
    """(N, K) cosine of each vector with each row."""
    product: Floats = normalised(vectors) @ normalised(rows).T
    return product


def probabilities(scores: Floats, calibration: Calibration) -> Floats:
    """(N, K) -> (N, K): each person's share, where "somebody else" has a share, too; a row sums to less than 1."""
    logits = calibration.slope * (scores - calibration.threshold_cosine)
    peak = np.maximum(logits.max(axis=1, keepdims=True, initial=0.0), 0.0)
    shares = np.exp(logits - peak)
    result: Floats = shares / (shares.sum(axis=1, keepdims=True) + np.exp(-peak))
    return result


def leave_one_out(vectors: Vectors, classes: Ints, groups: Ints, strangers: Vectors, count: int) -> Scored:
    """Score every face as if its group (the photos that may never help each other) were not known.

    Genuine: faces with another group of the same person, their own row made without the face's group. Impostors:
    every face against everybody but its own person, and the strangers against all.
    """
    rows = imprint(vectors, classes, count)
    unit = normalised(vectors)
    scores = unit @ normalised(rows).T
    sums = np.stack([unit[classes == person].sum(axis=0) for person in range(count)])
    held: list[int] = []
    for face, (person, group) in enumerate(zip(classes, groups, strict=True)):
        same = (classes == person) & (groups == group)
        if same.sum() < (classes == person).sum():
            rest = sums[person] - unit[same].sum(axis=0)
            scores[face, person] = unit[face] @ rest / np.linalg.norm(rest)
            held.append(face)
    return against(scores, classes, np.array(held, np.int64), cosines(strangers, rows))


def against(scores: Floats, classes: Ints, held: Ints, strangers: Floats) -> Scored:
    """Genuine and impostor scores from faces (N, K) of known classes and from strangers (M, K)."""
    others = scores.copy()
    others[np.arange(len(classes)), classes] = -np.inf
    genuine = scores[held]
    own = genuine[np.arange(len(held)), classes[held]]
    strangers = _plausible(strangers, own)
    return Scored(genuine, classes[held], np.concatenate([others, strangers]), len(strangers))


def _plausible(strangers: Floats, own: Floats) -> Floats:
    """Without the strangers that look like nine in ten genuine faces: they are unnamed photos of known people.

    Real strangers come that near once in a thousand (LFW), so leaving them out hardly flatters the FPIR.
    """
    if len(own) < FEW or not len(strangers):
        return strangers
    kept: Floats = strangers[strangers.max(axis=1) < np.quantile(own, 0.1)]
    return kept


def default_threshold_cosine(people: int) -> float:
    """The cosine that 1 % of strangers reach with their nearest of so many people: a line through LFW's 0.925 (2
    people), 0.930 (4), 0.9345 (8) and 0.944 (38); a Euclidean distance of 0.55 to 0.47 in dlib's space."""
    return float(min(0.9205 + 0.0065 * np.log(max(people, 2)), 0.955))


def calibrate(scored: Scored, people: int) -> Calibration:
    """The threshold that keeps FPIR_TARGET on the impostors; the default while there are few faces.

    Upwards it follows them at once, as far as 95 % of the people's own faces stay above: people who look alike, or
    drawings, all lie close together. Downwards it goes by the number of independent impostors: ten faces of one
    person tell little more about strangers than one (8 people of LFW would let 9 % of strangers in).
    """
    own, impostors, default = scored.own, scored.best_impostors, default_threshold_cosine(people)
    if min(len(own), len(impostors)) < FEW:
        return Calibration(DEFAULT_SLOPE, default)
    measured, n_impostors = _high(impostors), scored.strangers + people
    if measured > default:
        threshold_cosine = min(measured, max(default, _low(own)))
    else:
        threshold_cosine = n_impostors * measured + DEFAULT_WEIGHT * default
        threshold_cosine /= n_impostors + DEFAULT_WEIGHT
    return Calibration(_slope(own, impostors, people), float(threshold_cosine))


def _high(scores: Floats) -> float:
    """The score that FPIR_TARGET of the impostors exceed."""
    if len(scores) >= ENOUGH:
        return float(np.quantile(scores, 1 - FPIR_TARGET))
    return float(min(scores.mean() + _IMPOSTOR_TAIL * scores.std(), 1.0))


def _low(scores: Floats) -> float:
    """The score that 95 % of the genuine faces reach."""
    if len(scores) >= ENOUGH:
        return float(np.quantile(scores, 0.05))
    return float(scores.mean() - _GENUINE_TAIL * scores.std())


def _slope(own: Floats, impostors: Floats, people: int) -> float:
    """Steeper where genuine faces and impostors lie closer together than on LFW."""
    usual = 0.970 - (0.860 + 0.0155 * np.log(max(people, 2)))
    gap = max(float(own.mean() - impostors.mean()), 0.01)
    ratio = float(np.clip(usual / gap, 0.25, 4.0))
    trust = len(own) / (len(own) + DEFAULT_WEIGHT)
    return float(DEFAULT_SLOPE * ratio**trust)


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
    moved = Scored(
        scored.genuine * factor + offset,
        scored.classes,
        scored.impostors * factor + offset,
        scored.strangers,
    )
    return moved, factor, offset


def assign(shares: Floats, threshold: float, repeat: float) -> list[int | None]:
    """Who is who in one photo: (faces, people) probabilities -> a class or None for each face.

    Surest first. A person is in a photo once, unless a second face reaches `repeat`: a mirror, a picture on the
    wall, a collage. Otherwise the second face goes to its next best person, or to nobody.
    """
    answers: list[int | None] = [None] * len(shares)
    taken: set[int] = set()
    for face in np.argsort(-shares.max(axis=1, initial=0.0), kind="stable"):
        for person in np.argsort(-shares[face], kind="stable"):
            share = shares[face, person]
            if share < threshold:
                break
            if person not in taken or share >= repeat:
                answers[face] = int(person)
                taken.add(int(person))
                break
    return answers
