"""Normalised scores: against their plain formula, without a cohort, with the people in it, with rejections."""

from __future__ import annotations

import numpy as np
import pytest

from faceid_core.recognition import classifier, openset, scoring
from faceid_core.recognition.classifier import Examples
from faceid_core.recognition.scoring import NEAREST, FaceSet, Scorer
from tests.recognition.test_openset import people


def everybody(count: int = 300, seed: int = 3) -> FaceSet:
    return FaceSet.strangers(people(count, 1, seed=seed)[0], np.arange(1, count + 1))


def by_the_formula(scorer: Scorer, vectors: np.ndarray, apart: int = -1) -> np.ndarray:
    """What the docstring of scoring says, one face and person after the other."""
    cohort, rows = openset.normalised(scorer.cohort.vectors), openset.normalised(scorer.rows)

    def density(unit: np.ndarray, without: set[int]) -> float:
        near = [unit @ other for at, other in enumerate(cohort) if at not in without]
        return float(np.mean(sorted(near)[-NEAREST:]))

    usual = np.array([density(unit, {at}) for at, unit in enumerate(cohort)])
    lowest = np.quantile(usual, scoring.LOWEST)
    mean = np.maximum(usual, lowest).mean()
    own = {int(person): at for at, person in reversed(list(enumerate(scorer.cohort.classes))) if person >= 0}
    found = np.empty((len(vectors), len(rows)))
    for at, unit in enumerate(openset.normalised(vectors)):
        for person, row in enumerate(rows):
            mine = {own[person]} if person in own else set()
            taken = [density(unit, mine | {apart}), density(row, mine)]
            found[at, person] = unit @ row - scorer.weight * sum(max(each, lowest) - mean for each in taken)
    return found


@pytest.mark.slow
def test_the_fast_way_is_the_formula() -> None:
    vectors, classes = people(5, 3)
    known = FaceSet(vectors, np.zeros(15, np.int64), classes)
    scorer = Scorer(openset.imprint(vectors, classes, 5), scoring.cohort_of(everybody(), known))
    assert set(range(5)) <= set(scorer.cohort.classes.tolist()) and 0.2 < scorer.weight < 0.5
    np.testing.assert_allclose(scorer(vectors[:6]), by_the_formula(scorer, vectors[:6]), atol=1e-9)
    apart = np.full((6, 1), 4)
    np.testing.assert_allclose(scorer(vectors[:6], apart), by_the_formula(scorer, vectors[:6], 4), atol=1e-9)


@pytest.mark.parametrize("count", [0, 1, 2 * NEAREST])
def test_without_a_cohort_a_score_is_the_cosine(count: int) -> None:
    vectors, classes = people(4, 2)
    rows = openset.imprint(vectors, classes, 4)
    np.testing.assert_array_equal(Scorer(rows, everybody(count))(vectors), openset.cosines(vectors, rows))


def test_what_is_near_to_everybody_scores_lower() -> None:
    vectors, classes = people(4, 4)
    crowd = everybody()
    usual = openset.normalised(crowd.vectors).mean(axis=0)
    rows = openset.imprint(vectors, classes, 4)
    near = (openset.normalised(vectors[:1]) + usual).astype(np.float32)
    drop = openset.cosines(near, rows) - Scorer(rows, crowd)(near)
    far = openset.cosines(vectors[:1], rows) - Scorer(rows, crowd)(vectors[:1])
    assert (drop > far).all()


def test_leaving_a_photo_out_is_leaving_it_out() -> None:
    """The short cut of `leave_one_out` against people whose photo is really not there."""
    vectors, classes = people(4, 3)
    crowd, groups = everybody(), np.arange(12)
    scorer = Scorer(openset.imprint(vectors, classes, 4), crowd)
    scored = openset.leave_one_out(vectors, classes, groups, scorer)
    for face in (0, 5, 11):
        rest = groups != face
        alone = Scorer(openset.imprint(vectors[rest], classes[rest], 4), crowd)(vectors[face : face + 1])
        assert scored.genuine[face, classes[face]] == pytest.approx(alone[0, classes[face]], abs=1e-6)


def test_a_face_of_somebody_rejected_is_no_longer_taken_for_ada() -> None:
    """Twins: of twenty faces of the one who is not Ada, three are rejected; the other seventeen are confusers."""
    rng = np.random.default_rng(1)
    centres = np.ones(128) / np.sqrt(128) + rng.normal(0, 0.035, (40, 128))
    centres[1] = centres[0] + rng.normal(0, 0.006, 128)  # Ada's sister
    ada, sister = (centres[who] + rng.normal(0, 0.012, (20, 128)) for who in (0, 1))
    rows = openset.normalised(np.stack([ada[:5].mean(0), *centres[2:]])).astype(np.float32)
    negatives = FaceSet(sister[:3].astype(np.float32), np.arange(1, 4), np.zeros(3, np.int64))
    before, after = (Scorer(rows, None, rejected) for rejected in (None, negatives))
    threshold = np.quantile(before(sister[3:])[:, 0], 0.3)
    confused = [int((scorer(sister[3:])[:, 0] >= threshold).sum()) for scorer in (before, after)]
    assert confused[0] >= 8 and confused[1] <= confused[0] / 2
    lost = (before(ada[5:])[:, 0] >= threshold).sum() - (after(ada[5:])[:, 0] >= threshold).sum()
    assert lost <= 1
    np.testing.assert_array_equal(before(sister)[:, 1:], after(sister)[:, 1:])


# --- the cohort -------------------------------------------------------------------------------------------------
def test_one_face_a_person_and_the_best_ones_first() -> None:
    strangers, _ = people(30, 1, seed=7)
    twice = FaceSet.strangers(np.repeat(strangers, 2, 0), np.arange(60))
    cohort = scoring.cohort_of(twice, FaceSet.none())
    assert cohort.faces.tolist() == list(range(0, 60, 2))
    known, classes = people(3, 4)
    both = scoring.cohort_of(twice, FaceSet(known, np.zeros(12, np.int64), classes))
    assert len(both) == 33 and both.classes[-3:].tolist() == [0, 1, 2]


def test_a_cohort_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "COHORT_LIMIT", 10)
    known, classes = people(3, 4)
    cohort = scoring.cohort_of(everybody(30), FaceSet(known, np.zeros(12, np.int64), classes))
    assert len(cohort) == 10 and (cohort.classes < 0).all()


def test_possible_faces_of_known_people_are_kept_out() -> None:
    vectors, classes = people(4, 12)
    strangers, _ = people(100, 1, seed=9)
    mixed = FaceSet.strangers(np.concatenate([strangers, vectors[::2] + 0.0005]), np.arange(1, 125))
    examples = Examples(vectors, classes, np.arange(48), 4, mixed)
    scorer, scored = classifier.imprinted(examples)
    kept = scorer.cohort.faces[scorer.cohort.classes < 0]
    assert (kept <= 100).sum() >= 98 and (kept > 100).sum() <= 2
    assert scored.strangers == len(kept)
