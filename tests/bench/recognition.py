"""How good recognition is by size of library, on people of Labeled Faces in the Wild; prints a table, is no test.

    python -m tests.bench.recognition CACHE.npz [--draws 5] [--people 3 20 100 1000]

CACHE.npz is what tests/bench/grouping.py keeps. In each draw, people are divided into known ones (5 faces each, or
1), others that lie unnamed in the library, and strangers. `cosine` is the plain cosine without a cohort, calibrated
the same way; `imprint` is what `faceid train` makes.

closed: known people's other faces that are nearest to the right person. TPIR at 1 and 0.1%: and above the score
that 1 and 0.1% of the strangers exceed. At the threshold that the training chose: TPIR, FPIR, and the expected
calibration error with two strangers for one known face. Behind each mean: the middle 95% of 200 bootstrap samples
of draws and of the people in them. chance: the calibration error of right probabilities on so few faces.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass

import numpy as np

from faceid_core.recognition import classifier, openset
from faceid_core.recognition.calibration import Calibrated
from faceid_core.recognition.classifier import Examples
from faceid_core.recognition.scoring import FaceSet, Scorer
from faceid_core.values import Ints, Vectors

SAMPLES = 200
CASES = (
    (3, 5, 550), (20, 5, 550), (48, 5, 550), (3, 1, 550), (20, 1, 550), (100, 2, 550), (120, 1, 550), (800, 1, 200),
    (1000, 1, 50), (3, 5, 0), (20, 5, 0), (60, 5, 0), (120, 1, 0),
)  # fmt: skip
"""(known people, faces of each, unnamed faces of others)."""

COLUMNS = ("closed", "TPIR 1%", "TPIR .1%", "TPIR", "FPIR", "ECE, chance")


@dataclass(frozen=True, eq=False)
class Draw:
    """Positions of faces: of known people to train with (classes) and to test with, unnamed ones, strangers."""

    train: Ints
    classes: Ints
    test: Ints
    wanted: Ints
    unnamed: Ints
    strangers: Ints


@dataclass(frozen=True, eq=False)
class Outcome:
    """Of the test faces and of the strangers: the best score and probability; whether the name is right; people.
    seconds: that the training took."""

    scores: np.ndarray
    probabilities: np.ndarray
    right: np.ndarray
    people: np.ndarray
    strange_scores: np.ndarray
    strange_probabilities: np.ndarray
    strange_people: np.ndarray
    threshold: float
    seconds: float = 0.0


def drawn(names: np.ndarray, people: int, faces: int, unnamed: int, seed: int) -> Draw:
    rng, counts = np.random.default_rng(seed), Counter(names.tolist())
    able = sorted(name for name, count in counts.items() if count > faces or (faces == 1 and people > 300))
    known = rng.permutation(able)[:people]
    others = rng.permutation(sorted(set(counts) - set(known.tolist())))
    train, test, wanted = list[int](), list[int](), list[int]()
    for number, name in enumerate(known):
        photos = rng.permutation(np.flatnonzero(names == name))
        train.extend(photos[:faces])
        test.extend(photos[faces : faces + 10])
        wanted.extend([number] * len(photos[faces : faces + 10]))
    one_each = [rng.choice(np.flatnonzero(names == name)) for name in others[:unnamed]]
    strangers = np.flatnonzero(np.isin(names, others[unnamed:]))
    classes = np.repeat(np.arange(len(known)), faces)
    return Draw(*(np.array(part, np.int64) for part in (train, classes, test, wanted, one_each, strangers)))


def cosine(examples: Examples) -> tuple[Scorer, Calibrated]:
    """The baseline: the same calibration of plain cosines."""
    scorer = Scorer(examples.rows)
    strangers = scorer(examples.strangers.vectors) if len(examples.strangers) else None
    scored = openset.leave_one_out(examples.vectors, examples.classes, examples.groups, scorer, strangers)
    return scorer, classifier.calibrated(scored, examples)


def imprint(examples: Examples) -> tuple[Scorer, Calibrated]:
    scorer, scored = classifier.imprinted(examples)
    return scorer, classifier.calibrated(scored, examples)


RECIPES = {"cosine": cosine, "imprint": imprint}


def outcome(vectors: Vectors, names: np.ndarray, draw: Draw, recipe: str) -> Outcome:
    unnamed = FaceSet.strangers(vectors[draw.unnamed]) if len(draw.unnamed) else FaceSet.none()
    people = int(draw.classes.max()) + 1
    groups = np.arange(len(draw.train))
    scorer, found = RECIPES[recipe](Examples(vectors[draw.train], draw.classes, groups, people, unnamed))
    own, strange = scorer(vectors[draw.test]), scorer(vectors[draw.strangers])
    shares, others = (openset.probabilities(scores, found.calibration) for scores in (own, strange))
    return Outcome(
        own.max(1), shares.max(1), own.argmax(1) == draw.wanted, draw.wanted,
        strange.max(1), others.max(1), np.unique(names[draw.strangers], return_inverse=True)[1], found.threshold,
    )  # fmt: skip


def figures(out: Outcome, own: Ints, strange: Ints) -> list[float]:
    """COLUMNS, of these of the test faces and strangers."""
    right, scores, strangers = out.right[own], out.scores[own], out.strange_scores[strange]
    named, misnamed = out.probabilities[own], out.strange_probabilities[strange]
    at = [float((right & (scores > np.quantile(strangers, 1 - share))).mean()) for share in (0.01, 0.001)]
    chosen = float((right & (named >= out.threshold)).mean()), float((misnamed >= out.threshold).mean())
    return [float(right.mean()), *at, *chosen, calibration_error(named, misnamed, right)]


def calibration_error(named: np.ndarray, misnamed: np.ndarray, right: np.ndarray) -> float:
    nobody = np.zeros(len(misnamed), bool)
    return classifier.calibration_error(
        np.concatenate([named, misnamed]), np.concatenate([right, nobody]), len(misnamed)
    )


def by_chance(out: Outcome, rng: np.random.Generator) -> float:
    """The calibration error if each answer were right as often as its probability says."""
    best = np.concatenate([out.probabilities, out.strange_probabilities])
    strangers = len(out.strange_people)
    return float(
        np.mean([classifier.calibration_error(best, rng.random(len(best)) < best, strangers) for _ in range(20)])
    )


def resampled(people: np.ndarray, rng: np.random.Generator) -> Ints:
    """All faces of as many people, drawn with replacement, in random order."""
    numbers = np.unique(people)
    times = Counter(rng.choice(numbers, len(numbers)).tolist())
    return rng.permutation(np.repeat(np.arange(len(people)), [times[int(person)] for person in people]))


def line(outcomes: list[Outcome]) -> str:
    rng = np.random.default_rng(0)
    means = np.mean([figures(o, np.arange(len(o.people)), np.arange(len(o.strange_people))) for o in outcomes], 0)
    samples = [
        np.mean(
            [
                figures(o, resampled(o.people, rng), resampled(o.strange_people, rng))
                for o in (outcomes[at] for at in rng.integers(len(outcomes), size=len(outcomes)))
            ],
            0,
        )
        for _ in range(SAMPLES)
    ]
    low, high = np.quantile(samples, [0.025, 0.975], axis=0)
    cells = [f"{m:6.1%} ({a:.1%}-{b:.1%})" for m, a, b in zip(means[:-1], low, high, strict=False)]
    chance = np.mean([by_chance(o, rng) for o in outcomes])
    cells.append(f"{means[-1]:.3f} ({low[-1]:.3f}-{high[-1]:.3f}), {chance:.3f}")
    return "  ".join(f"{cell:22}" for cell in cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--people", type=int, nargs="*", help="only libraries of so many known people")
    given = parser.parse_args()
    stored = np.load(given.cache)
    vectors, names = stored["vectors"][stored["middle"]], stored["name"][stored["middle"]]
    print("known faces unnamed recipe  ", "  ".join(f"{name:22}" for name in COLUMNS))
    for people, faces, unnamed in CASES:
        if given.people and people not in given.people:
            continue
        draws = [drawn(names, people, faces, unnamed, seed) for seed in range(given.draws)]
        for recipe in RECIPES:
            row = line([outcome(vectors, names, draw, recipe) for draw in draws])
            print(f"{people:5} {faces:5} {unnamed:7} {recipe:8} {row}", flush=True)


if __name__ == "__main__":
    main()
