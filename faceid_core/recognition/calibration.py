"""From scores to probabilities, and to the threshold that lets few strangers in.

All that is fitted to a library starts from what LFW shows (FEW_FACES faces of it), so that few faces change little.
The figures are of dlib's cosines; those of another embedder are brought to their scale first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from faceid_core.cosine_scale import DLIB, CosineScale
from faceid_core.recognition.openset import FEW, FPIR_TARGET, OPERATING_POINT, Calibration, Scored, rates
from faceid_core.recognition.scoring import Floats

DEFAULT_SLOPE = 225.0
"""Logistic slope between genuine scores and the best ones of strangers (LFW: 160 to 280)."""

FEW_FACES = 30.0
"""What LFW shows counts as much as this many scores of the library's own."""

MANY_PEOPLE = 200
"""From so many people on, their own faces show the tail of what strangers score, where hardly any is known."""

ENOUGH_STRANGERS = 50
"""From so many strangers on they alone say what strangers score: the known people's faces are fewer people."""

TAIL = 0.15
"""Share of the highest impostor scores whose exponential tail is extended to rarer ones. From 500 strangers, the
threshold for 1% of them lets in 0.6 to 1.5% of others that way, and 0.4 to 2% by counting alone (LFW)."""

DEFAULT_SCALE = 0.004
"""Scale of the exponential tail of impostor scores (LFW: .003 to .005)."""

FEWER_FACES = 0.0213
"""By this, divided by the number of a person's faces, genuine scores lie below those with a mean of countless faces
(LFW). The same follows from the cosine of two of the person's faces, .955."""

DEVIATIONS = 2.1
"""Standard deviations from the mean of impostor scores to the highest 1% (LFW: 1.9 to 2.5)."""

CLEARLY = 0.008
"""How far above the threshold a stranger must lie to be taken for somebody known."""

SAMPLES, LIMIT = 20, 500
"""Scores that stand for LFW's, and for the library's own, in a fit."""

SHARES = (np.arange(SAMPLES) + 0.5) / SAMPLES
"""Of the scores that lie below each of SAMPLES."""

STRANGERS_A_FACE = 2.0
"""How many faces of strangers there are for one of somebody known, when a probability is right."""

MOST = 0.999
"""The highest threshold."""

POINTS = (0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.003, 0.002, 0.001)
"""Shares of strangers for which a threshold is stored."""


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A choice of the threshold, a probability. fpir: strangers that get a name, tpir: known faces that get theirs,
    both as shares; tpir None where it can't be measured."""

    fpir: float
    threshold: float
    tpir: float | None


@dataclass(frozen=True, slots=True)
class Calibrated:
    """threshold: the probability from which a name is given, see openset.FPIR_TARGET."""

    calibration: Calibration
    threshold: float
    points: tuple[OperatingPoint, ...]


def default_threshold_cosine(people: int, rarity: float = 0.1) -> float:
    """The cosine that 1% of strangers reach with their nearest of so many people.

    rarity: the people's mean of faces ** -1.5; 1 where all have a single face. A surface through LFW's thresholds
    for 1 to 10 faces of 2 to 1,000 people, right to .002.
    """
    base, growth = 0.9255 - 0.0170 * rarity, 0.0051 + 0.0021 * rarity
    return float(min(base + growth * np.log(max(people, 2)), 0.952))


def rarity(faces: Floats) -> float:
    """How few faces the people have, see `default_threshold_cosine`. faces: (K,) counts."""
    return float(np.mean(np.maximum(faces, 1.0) ** -1.5)) if len(faces) else 1.0


def genuine_quantile(share: float, faces: float) -> float:
    """The cosine with their person that this share of faces stays below, by a normal law through LFW's."""
    mean, deviation = 0.9765 - FEWER_FACES / max(faces, 1.0), 0.0088 + 0.0072 / max(faces, 1.0)
    return NormalDist(mean, deviation).inv_cdf(share)


def plausible(scored: Scored, faces: float, threshold: float) -> float:
    """The score from which a stranger is more likely an unnamed face of somebody known: what nine in ten genuine
    faces reach, and clearly more than the threshold."""
    own = scored.own
    near = float(np.quantile(own, 0.1)) if len(own) >= FEW else genuine_quantile(0.5, faces)
    return max(near, threshold + CLEARLY)


def calibrate(scored: Scored, faces: Floats, scale: CosineScale = DLIB) -> Calibrated:
    """The probabilities and thresholds of a recogniser. faces: (K,) how many each person has; scale: of the cosines
    that the scores are made from."""
    placed = replace(scored, genuine=scale.to_dlib(scored.genuine), impostors=scale.to_dlib(scored.impostors))
    found = _on_dlibs_scale(placed, faces)
    placing = found.calibration
    own = Calibration(placing.slope * scale.factor, scale.from_dlib(placing.threshold_cosine))
    return replace(found, calibration=own)


def _on_dlibs_scale(scored: Scored, faces: Floats) -> Calibrated:
    """See `calibrate`.

    Upwards the threshold follows few impostors at once, as far as 95% of the people's own faces stay above: people
    who look alike, or drawings, all lie close together. Downwards it goes by the number of independent ones: ten
    faces of one person tell little more about strangers than one.
    """
    default = default_threshold_cosine(len(faces), rarity(faces))
    cut = plausible(scored, float(np.mean(faces)), default)
    strangers = scored.best_strangers
    strangers = strangers[strangers < cut]
    if len(strangers) >= ENOUGH_STRANGERS:
        impostors = strangers
        measured, scale = _tail(strangers, cut)
        score = _weighted(measured, default, len(strangers))
    else:
        impostors, scale = scored.balanced_impostors, DEFAULT_SCALE
        score = _from_few(impostors, len(strangers) + len(faces), default, scored.own, _usual(faces))
    calibration = _fitted(scored, impostors, faces, score)
    points = tuple(_point(scored, calibration, share, score, scale) for share in POINTS)
    threshold = next(point.threshold for point in points if point.fpir == FPIR_TARGET)
    return Calibrated(calibration, threshold, points)


def _weighted(measured: float, default: float, independent: int) -> float:
    """Of both; what was measured on hundreds counts nearly alone, as LFW may be far from these photos."""
    own, usual = independent**2, FEW_FACES**2
    return (own * measured + usual * default) / (own + usual)


def _from_few(impostors: Floats, people: int, default: float, own: Floats, usual: Floats) -> float:
    """The score that keeps FPIR_TARGET where hardly any stranger is known. people: of whom the impostors are; own:
    (N,) genuine scores, usual: LFW's."""
    if people >= MANY_PEOPLE:
        measured, _ = _tail(impostors, 1.0)
    elif min(len(impostors), len(own)) >= FEW:
        measured = float(min(impostors.mean() + DEVIATIONS * impostors.std(), 1.0))
    else:
        return default
    if measured > default:
        lowest = float(np.quantile(own if len(own) >= FEW else usual, 0.05))
        return min(measured, max(default, lowest))
    return _weighted(measured, default, people)


def _tail(impostors: Floats, cut: float) -> tuple[float, float]:
    """(the score that FPIR_TARGET exceed, the scale of the tail), of scores of which none above `cut` was kept.

    The scale of a truncated exponential law, by its mean.
    """
    start = float(np.quantile(impostors, 1 - TAIL))
    above = impostors[impostors > start] - start
    mean, room = float(above.mean()) if len(above) else DEFAULT_SCALE, max(cut - start, 1e-4)
    scale = mean
    for _ in range(20):
        scale = min(mean + room / float(np.expm1(min(room / scale, 50.0))), 3 * mean)
    scale = max(scale, 1e-4)
    return min(start + scale * float(np.log(TAIL / FPIR_TARGET)), 1.0), scale


def _usual(faces: Floats) -> Floats:
    """(SAMPLES,) genuine scores of LFW."""
    return np.array([genuine_quantile(share, float(np.mean(faces))) for share in SHARES])


@dataclass(frozen=True, slots=True, eq=False)
class _Evidence:
    """Best scores and what they should be: right (N,) and wrong (M,) ones of the library; LFW's for known people,
    with whether each is right and how much it counts, and for strangers."""

    right: Floats
    wrong: Floats
    known: Floats
    known_right: npt.NDArray[np.bool_]
    weights: Floats
    others: Floats

    def loss(self, slope: float, middle: float) -> float:
        """Mean cross-entropy, LFW's as FEW_FACES more, for STRANGERS_A_FACE."""
        known = np.where(self.known_right, 1.0, -1.0) * slope * (self.known - middle)
        genuine = _loss(slope * (self.right - middle), known, self.weights)
        alike = np.full(SAMPLES, 1 / SAMPLES)
        strange = _loss(slope * (middle - self.wrong), slope * (middle - self.others), alike)
        return genuine + STRANGERS_A_FACE * strange


def _evidence(scored: Scored, impostors: Floats, faces: Floats, score: float) -> _Evidence:
    best = scored.genuine.max(axis=1, initial=-np.inf)
    right = scored.genuine.argmax(axis=1) == scored.classes if len(best) else np.zeros(0, bool)
    law = NormalDist(score - DEVIATIONS * _spread(len(faces)), _spread(len(faces)))
    others = np.array([law.inv_cdf(share) for share in SHARES])
    # The best other person may be nearer than one's own. That depends on how many there are, so it can't be LFW's.
    usual, nearest = _usual(faces), np.quantile(np.concatenate([impostors, others]), SHARES)
    found = usual[:, None] > nearest
    return _Evidence(
        right=(best + _gain(scored, faces))[right],
        wrong=np.concatenate([impostors, best[~right]]),
        known=np.concatenate([usual, nearest]),
        known_right=np.arange(2 * SAMPLES) < SAMPLES,
        weights=np.concatenate([found.mean(axis=1), 1 - found.mean(axis=0)]) / SAMPLES,
        others=others,
    )


def _gain(scored: Scored, faces: Floats) -> Floats | float:
    """(N,) by how much genuine scores will rise once the faces that were left out are in the person's mean."""
    if not len(scored.left_out):
        return 0.0
    count = faces[scored.classes]
    return np.asarray(FEWER_FACES / np.maximum(count - scored.left_out, 1.0) - FEWER_FACES / count)


def _fitted(scored: Scored, impostors: Floats, faces: Floats, score: float) -> Calibration:
    """A logistic law through what genuine faces and impostors score; at least OPERATING_POINT at `score`."""
    seen = _evidence(scored, impostors, faces, score)
    trust = 3.0 / (len(seen.right) + len(seen.wrong) + FEW_FACES)
    seen = replace(seen, right=_thinned(seen.right), wrong=_thinned(seen.wrong))
    slopes = DEFAULT_SLOPE * np.geomspace(0.4, 2.5, 23)
    middles = score - np.linspace(0.0, 0.02, 21)
    losses = np.array([[seen.loss(slope, middle) for middle in middles] for slope in slopes])
    losses += trust * (np.log(slopes / DEFAULT_SLOPE) ** 2)[:, None]
    at, where = np.unravel_index(int(losses.argmin()), losses.shape)
    return Calibration(float(slopes[at]), float(middles[where]))


def _thinned(scores: Floats) -> Floats:
    """LIMIT of them at most, spread as all are."""
    if len(scores) <= LIMIT:
        return scores
    fewer: Floats = np.quantile(scores, (np.arange(LIMIT) + 0.5) / LIMIT)
    return fewer


def _loss(measured: Floats, usual: Floats, weights: Floats) -> float:
    """Mean cross-entropy of logits that should be positive, with LFW's as FEW_FACES more; weights sum to 1."""
    total = np.logaddexp(0.0, -measured).sum() + FEW_FACES * (weights @ np.logaddexp(0.0, -usual))
    return float(total / (len(measured) + FEW_FACES))


def _spread(people: int) -> float:
    """The standard deviation of a stranger's best cosine with so many people (LFW)."""
    return float(0.0295 * max(people, 2) ** -0.169)


def _point(scored: Scored, calibration: Calibration, share: float, score: float, scale: float) -> OperatingPoint:
    at = score + scale * float(np.log(FPIR_TARGET / share))
    exponent = min(-calibration.slope * (at - calibration.threshold_cosine), 500.0)
    threshold = float(1 / (1 + np.exp(exponent)))
    if share == FPIR_TARGET:
        threshold = max(threshold, OPERATING_POINT)
    tpir = rates(scored, calibration, threshold).tpir if len(scored.classes) else None
    return OperatingPoint(share, min(threshold, MOST), tpir)
