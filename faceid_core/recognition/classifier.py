"""A recogniser by vectors: its people, its cohort, and how it does on faces that it must not know."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from faceid_core.cosine_scale import DLIB, CosineScale
from faceid_core.recognition import calibration, openset, scoring
from faceid_core.recognition.calibration import Calibrated
from faceid_core.recognition.openset import FEW, Scored
from faceid_core.recognition.scoring import FaceSet, Floats, Scorer
from faceid_core.values import Ints, Vectors

BINS = 15
"""Equal widths of probability whose calibration error is averaged; Guo et al., "On Calibration of Modern Neural
Networks", ICML 2017."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Faces by vector. vectors: (N, D); classes: (N,); groups: (N,) photos that must not help each other; people: K

    strangers: faces of nobody among the people, the best ones first; some may be unnamed ones of the people after
    all. negatives: faces of which a human said that they are not the person of their class.
    scale: of the embedder's cosines.
    """

    vectors: Vectors
    classes: Ints
    groups: Ints
    people: int
    strangers: FaceSet = field(default_factory=FaceSet.none)
    negatives: FaceSet = field(default_factory=FaceSet.none)
    scale: CosineScale = DLIB

    @property
    def counts(self) -> Floats:
        """(K,) faces of each person."""
        return np.bincount(self.classes, minlength=self.people).astype(np.float64)

    @property
    def rows(self) -> Vectors:
        """(K, D) the imprinted rows."""
        return scoring.imprint(self.vectors, self.classes, self.people)


def scorer_for(rows: Vectors, examples: Examples) -> Scorer:
    """Of rows (K, D), with a cohort of the strangers that are nobody known, and of the people themselves."""
    strangers = examples.strangers
    if len(strangers):
        strangers = strangers[_nobody_known(examples)]
    known = FaceSet(examples.vectors, np.zeros(len(examples.classes), np.int64), examples.classes)
    cohort = scoring.cohort_of(strangers, known, examples.scale)
    return Scorer(rows, cohort, examples.negatives, examples.scale)


def _nobody_known(examples: Examples) -> np.ndarray:
    """(M,) bool: strangers that are not as near to somebody as half of the person's own faces are."""
    plain = Scorer(examples.rows)
    scored = openset.leave_one_out(examples.vectors, examples.classes, examples.groups, plain)
    own = examples.scale.to_dlib(scored.own)
    faces = float(np.mean(examples.counts))
    default = calibration.default_threshold_cosine(examples.people, calibration.rarity(examples.counts))
    cut = max(calibration.genuine_quantile(0.5, faces), default + calibration.CLEARLY)
    if len(own) >= FEW:
        cut = max(float(np.median(own)), default + calibration.CLEARLY)
    return np.asarray(plain(examples.strangers.vectors).max(axis=1) < examples.scale.from_dlib(cut))


def stranger_scores(scorer: Scorer) -> Floats:
    """(M, K) scores of the strangers in the cohort, each without itself in it."""
    at = np.flatnonzero(scorer.cohort.classes < 0)
    return scorer(scorer.cohort.vectors[at], at[:, None])


def imprinted(examples: Examples) -> tuple[Scorer, Scored]:
    """The recogniser whose rows are means, and each face scored as if its photo were not known."""
    scorer = scorer_for(examples.rows, examples)
    strangers = stranger_scores(scorer)
    return scorer, openset.leave_one_out(examples.vectors, examples.classes, examples.groups, scorer, strangers)


def calibrated(scored: Scored, examples: Examples) -> Calibrated:
    """Its probabilities and thresholds."""
    return calibration.calibrate(scored, examples.counts, examples.scale)


def answers(scored: Scored, found: Calibrated) -> tuple[Floats, np.ndarray]:
    """(the probability of the best name, whether that name is right), (N,) each, of held-out faces and then of
    strangers."""
    own = openset.probabilities(scored.genuine, found.calibration)
    others = scored.impostors[len(scored.impostors) - scored.strangers :]
    strange = openset.probabilities(others, found.calibration)
    right = own.argmax(axis=1) == scored.classes if len(own) else np.zeros(0, bool)
    best = np.concatenate([own.max(axis=1, initial=0.0), strange.max(axis=1, initial=0.0)])
    return best, np.concatenate([right, np.zeros(len(strange), bool)])


def calibration_error(probabilities: Floats, right: np.ndarray, strangers: int = 0) -> float:
    """How far probabilities are from the share that is right, 0 to 1 (expected calibration error).

    Source of the measure: Naeini, Cooper, Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian
    Binning", AAAI 2015. probabilities, right: (N,).
    strangers: so many, the last ones, are of strangers. They count as calibration.STRANGERS_A_FACE for each of the
    others, however many there are: probabilities are right for such a mixture.
    """
    if not len(probabilities):
        return 0.0
    known, weights = len(probabilities) - strangers, np.ones(len(probabilities))
    if known and strangers:
        weights[known:] = calibration.STRANGERS_A_FACE * known / strangers
    bins = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, (probabilities - right) * weights, minlength=BINS)
    return float(np.abs(gaps).sum() / weights.sum())


def by_person(scored: Scored, found: Calibrated, examples: Examples) -> list[dict[str, int]]:
    """For each person: faces, photos, tested faces, and how many of them were named rightly (right) and named as
    somebody else (wrong) at the threshold; taken: faces of others that got the person's name."""
    shares = openset.probabilities(scored.genuine, found.calibration)
    best = shares.argmax(axis=1) if len(shares) else np.zeros(0, np.int64)
    named = shares.max(axis=1, initial=0.0) >= found.threshold
    right = best == scored.classes
    result = []
    for person in range(examples.people):
        mine, here = scored.classes == person, examples.classes == person
        result.append(
            {
                "faces": int(here.sum()),
                "photos": len(np.unique(examples.groups[here])),
                "tested": int(mine.sum()),
                "right": int((mine & named & right).sum()),
                "wrong": int((mine & named & ~right).sum()),
                "taken": int((~mine & named & (best == person)).sum()),
            }
        )
    return result
