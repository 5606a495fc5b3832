"""What naming 50 faces gains, asked as faceid asks and at random; people of Labeled Faces in the Wild. No test.

    python -m tests.bench.next_to_name CACHE.npz [--draws 5]

CACHE.npz is what tests/bench/grouping.py keeps. Of the people, 30% are strangers. The library has the photos of
the others, but for half of those of everybody with four or more: these test. Some of these people are known by a
few photos; all other faces are unnamed. Then 50 of them get their right names, and the recogniser is made anew.

TPIR: the tested photos whose person gets named, at the score that 1% of the strangers exceed; a photo of somebody
who has no name yet is not recognised. Random faces are the mean of 5 draws. Behind each gain: the middle 95% of
200 bootstrap samples of the tested people.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from faceid_core.recognition import classifier, openset
from faceid_core.recognition.classifier import Examples
from faceid_core.recognition.next_to_name import Recognising, next_to_name
from faceid_core.recognition.scoring import FaceSet
from faceid_core.values import Ints, Vectors

ASKED, RANDOM_DRAWS, SAMPLES = 50, 5, 200
TESTED_FROM, PHOTOS = 4, 20
CASES = ((5, 3), (20, 2), (60, 1), (60, 2), (60, 5))
"""(people who are known, photos of each)."""


@dataclass(frozen=True, eq=False)
class World:
    """Positions of faces."""

    named: Ints
    unnamed: Ints
    test: Ints
    strangers: Ints


def drawn(names: np.ndarray, known: int, each: int, seed: int) -> World:
    rng, counts = np.random.default_rng(seed), Counter(names.tolist())
    people = rng.permutation(sorted(counts)).tolist()
    outside, inside = people[: 3 * len(people) // 10], people[3 * len(people) // 10 :]
    first = [person for person in inside if counts[person] >= TESTED_FROM][:known]
    named, unnamed, test = list[int](), list[int](), list[int]()
    for person in inside:
        photos = rng.permutation(np.flatnonzero(names == person))[:PHOTOS].tolist()
        half = len(photos) // 2 if len(photos) >= TESTED_FROM else len(photos)
        begun = each if person in first else 0
        named, unnamed = named + photos[: min(begun, half)], unnamed + photos[min(begun, half) : half]
        test += photos[half:]
    others = np.flatnonzero(np.isin(names, outside))
    positions = [np.array(part, np.int64) for part in (named, unnamed, test)]
    return World(positions[0], positions[1], positions[2], others)


def examples(vectors: Vectors, names: np.ndarray, named: Ints, unnamed: Ints) -> tuple[list[str], Examples]:
    people, classes = np.unique(names[named], return_inverse=True)
    others = FaceSet.strangers(vectors[unnamed])
    known = Examples(vectors[named], classes.astype(np.int64), np.arange(len(named)), len(people), others)
    return people.tolist(), known


def recognised(vectors: Vectors, names: np.ndarray, world: World, more: Ints) -> np.ndarray:
    """(tested photos,) whether each gets the right name, once the faces `more` have names, too."""
    named, unnamed = np.concatenate([world.named, more]), np.setdiff1d(world.unnamed, more)
    people, known = examples(vectors, names, named, unnamed)
    scorer = classifier.scorer_for(known.rows, known)
    scores, strange = scorer(vectors[world.test]), scorer(vectors[world.strangers]).max(axis=1)
    right = np.array(people)[scores.argmax(axis=1)] == names[world.test]
    return np.asarray(right & (scores.max(axis=1) > np.quantile(strange, 0.99)))


def asked(vectors: Vectors, names: np.ndarray, world: World) -> Ints:
    _, known = examples(vectors, names, world.named, world.unnamed)
    scorer, scored = classifier.imprinted(known)
    fit = classifier.calibrated(scored, known)
    recogniser = Recognising(scorer, fit.calibration, fit.threshold)
    best = openset.probabilities(scorer(vectors[world.unnamed]), fit.calibration).max(axis=1)
    found = next_to_name(vectors[world.unnamed], best, recogniser, ASKED, named=vectors[world.named])
    return world.unnamed[[each.row for each in found]]


def gains(vectors: Vectors, names: np.ndarray, world: World, seed: int) -> np.ndarray:
    """(3, tested photos): before; what asking adds; what random faces add."""

    def after(more: Ints) -> np.ndarray:
        return recognised(vectors, names, world, more).astype(np.float64)

    rng = np.random.default_rng(1000 + seed)
    before = after(np.empty(0, np.int64))
    by_chance = np.mean([after(rng.permutation(world.unnamed)[:ASKED]) for _ in range(RANDOM_DRAWS)], axis=0)
    return np.stack([before, after(asked(vectors, names, world)) - before, by_chance - before])


def weights(people: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Of each photo in one bootstrap sample of the people."""
    numbers, places = np.unique(people, return_inverse=True)
    times = np.bincount(rng.integers(0, len(numbers), len(numbers)), minlength=len(numbers))
    return np.asarray(times[places])


def line(found: list[tuple[np.ndarray, np.ndarray]]) -> str:
    """found: of each draw the gains and the people of the tested photos."""
    rng = np.random.default_rng(0)

    def means(weigh: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        parts = [np.average(rows, axis=1, weights=weigh(people)) for rows, people in found]
        return np.asarray(np.mean(parts, axis=0))

    before, ours, chance = means(lambda people: np.ones(len(people)))
    samples = np.array([means(lambda people: weights(people, rng)) for _ in range(SAMPLES)])
    low, high = np.quantile(samples, [0.025, 0.975], axis=0)
    ratio = np.quantile(samples[:, 1] / samples[:, 2], [0.025, 0.975])
    gained = "  ".join(
        f"{mean:+6.1%} ({a:+.1%} to {b:+.1%})"
        for mean, a, b in ((ours, low[1], high[1]), (chance, low[2], high[2]))
    )
    return f"{before:6.1%}  {gained}  {ours / chance:4.1f} ({ratio[0]:.1f} to {ratio[1]:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache")
    parser.add_argument("--draws", type=int, default=5)
    given = parser.parse_args()
    stored = np.load(given.cache)
    vectors, names = stored["vectors"][stored["middle"]], stored["name"][stored["middle"]]
    print("known photos  before  50 asked                  50 at random              times as much")
    for known, each in CASES:
        worlds = [drawn(names, known, each, seed) for seed in range(given.draws)]
        found = [(gains(vectors, names, world, seed), names[world.test]) for seed, world in enumerate(worlds)]
        print(f"{known:5} {each:6}  {line(found)}", flush=True)


if __name__ == "__main__":
    main()
