"""Probabilities and thresholds, on vectors whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceid_core.recognition import calibration, classifier, openset
from faceid_core.recognition.calibration import Calibrated
from faceid_core.recognition.classifier import Examples
from faceid_core.recognition.openset import Scored
from faceid_core.recognition.scoring import FaceSet, Scorer
from tests.recognition.test_openset import loo, people


def trained(count: int, faces: int, strangers: int) -> tuple[Scorer, Scored, Calibrated]:
    vectors, classes = people(count, faces)
    others = FaceSet.strangers(people(strangers, 1, seed=5)[0]) if strangers else FaceSet.none()
    examples = Examples(vectors, classes, np.arange(len(classes)), count, others)
    scorer, scored = classifier.imprinted(examples)
    return scorer, scored, classifier.calibrated(scored, examples)


def test_too_little_data_gives_the_default() -> None:
    _, _, found = trained(2, 2, 0)
    default = calibration.default_threshold_cosine(2, 2**-1.5)
    assert openset.probabilities(np.array([[default, 0.0]]), found.calibration)[0, 0] == pytest.approx(
        found.threshold, abs=0.02
    )


@pytest.mark.parametrize("people_known", [3, 20, 60])
def test_strangers_decide_where_the_threshold_lies(people_known: int) -> None:
    scorer, scored, found = trained(people_known, 6, 600)
    fresh, _ = people(4000, 1, seed=6)
    shares = openset.probabilities(scorer(fresh), found.calibration).max(1)
    assert 0.004 < (shares >= found.threshold).mean() < 0.02
    assert openset.rates(scored, found.calibration, found.threshold).tpir > 0.95
    loose = next(point for point in found.points if point.fpir == 0.1)
    assert 0.05 < (shares >= loose.threshold).mean() < 0.2


def test_stricter_points_have_higher_thresholds() -> None:
    _, _, found = trained(20, 6, 600)
    thresholds = [point.threshold for point in found.points]
    assert thresholds == sorted(thresholds) and thresholds[0] < thresholds[-1] < 1
    rates = [point.tpir for point in found.points if point.tpir is not None]
    assert len(rates) == len(thresholds)
    assert rates == sorted(rates, reverse=True)


def test_probabilities_are_right_as_often_as_they_say() -> None:
    scorer, _, found = trained(30, 6, 600)
    known, _ = people(30, 6)
    probes = known + np.random.default_rng(8).normal(0, 0.03, known.shape)
    strangers, _ = people(360, 1, seed=6)
    shares = openset.probabilities(scorer(np.concatenate([probes, strangers])), found.calibration)
    right = np.concatenate([shares[:180].argmax(1) == np.repeat(np.arange(30), 6), np.zeros(360, bool)])
    assert classifier.calibration_error(shares.max(1), right) < 0.05


def test_alikes_raise_the_threshold_but_their_own_faces_come_first() -> None:
    rng = np.random.default_rng(0)
    own = rng.normal(0.975, 0.004, 100)
    alike = np.stack([own, rng.normal(0.972, 0.006, 100)], 1)
    scored = openset.against(alike, np.zeros(100, np.int64), np.arange(100), np.empty((0, 2)))
    found = calibration.calibrate(scored, np.full(2, 50.0))
    best = openset.probabilities(np.stack([own, np.zeros(100)], 1), found.calibration)[:, 0]
    assert (best >= found.threshold).mean() > 0.9
    default = np.array([[calibration.default_threshold_cosine(2), 0.0]])
    assert openset.probabilities(default, found.calibration)[0, 0] < found.threshold


def test_few_known_people_do_not_lower_the_threshold_much() -> None:
    own = np.full((80, 8), 0.7)
    own[np.arange(80), np.arange(80) % 8] = 0.97
    scored = openset.against(own, np.arange(80) % 8, np.arange(80), np.empty((0, 8)))
    found = calibration.calibrate(scored, np.full(8, 10.0))
    low = np.array([[calibration.default_threshold_cosine(8) - 0.06, 0.0]])
    assert openset.probabilities(low, found.calibration)[0, 0] < found.threshold


def test_unnamed_faces_of_known_people_do_not_raise_the_threshold() -> None:
    vectors, classes = people(20, 6)
    strangers = people(300, 1, seed=5)[0]
    unnamed = vectors[::2] + np.random.default_rng(3).normal(0, 0.005, vectors[::2].shape)
    at = []
    for others in (strangers, np.concatenate([strangers, unnamed.astype(np.float32)])):
        examples = Examples(vectors, classes, np.arange(120), 20, FaceSet.strangers(others))
        _, scored = classifier.imprinted(examples)
        found = classifier.calibrated(scored, examples)
        logit = np.log(found.threshold / (1 - found.threshold)) / found.calibration.slope
        at.append(found.calibration.threshold_cosine + logit)
    assert abs(at[1] - at[0]) < 0.004


def test_the_error_of_probabilities() -> None:
    assert classifier.calibration_error(np.array([]), np.array([], bool)) == 0.0
    right = np.array([True, False] * 50)
    assert classifier.calibration_error(np.full(100, 0.5), right) == pytest.approx(0.0)
    assert classifier.calibration_error(np.full(100, 0.9), right) == pytest.approx(0.4)


@pytest.mark.parametrize("strangers", [25, 200, 4000])
def test_the_error_of_probabilities_is_of_two_strangers_a_face_however_many_are_known(strangers: int) -> None:
    """A third of the names is right at a probability of a third."""
    right = np.concatenate([np.ones(100, bool), np.zeros(strangers, bool)])
    best = np.full(100 + strangers, 1 / 3)
    assert classifier.calibration_error(best, right, strangers) == pytest.approx(0.0)


def test_many_people_show_what_strangers_score_though_nobody_else_is_known() -> None:
    scorer, _, found = trained(400, 1, 0)
    fresh, _ = people(2000, 1, seed=6)
    misnamed = openset.probabilities(scorer(fresh), found.calibration).max(1) >= found.threshold
    assert 0.003 < misnamed.mean() < 0.02


def test_what_was_left_out_of_a_person_for_the_test_counts_for_the_probabilities() -> None:
    """With one photo each, faces scored .957; with both, they will score .968, and strangers no more than now."""
    rng = np.random.default_rng(2)
    classes, strangers = np.repeat(np.arange(60), 2), 300
    scores = rng.normal(0.85, 0.01, (120 + strangers, 60))
    scores[120:, 0] = rng.normal(0.91, 0.012, strangers)
    scores[np.arange(120), classes] = rng.normal(0.957, 0.015, 120)
    tested = openset.against(scores[:120], classes, np.arange(120), scores[120:])
    served = replace(tested, left_out=np.ones(120, np.int64))
    as_tested, found = (calibration.calibrate(each, np.full(60, 2.0)).calibration for each in (tested, served))
    between = np.array([[as_tested.threshold_cosine]])
    assert openset.probabilities(between, found) < 0.45  # 0.5 as tested
    vectors, faces = people(3, 4)
    photos = np.array([0, 0, 1, 2, *range(3, 11)])  # two faces of the first person on one photo
    assert loo(vectors, faces, photos, 3).left_out.tolist() == [2, 2, *[1] * 10]


def test_hundreds_of_faces_of_one_person_count_as_one() -> None:
    """Of what strangers score: ten people reach .93, a face each, and one 300 times only .8."""
    impostors = np.r_[np.full(300, 0.8), np.full(10, 0.93), 0.93]
    people_of = np.r_[np.zeros(300, np.int64), np.arange(1, 12)]
    scored = Scored(np.empty((0, 1)), people_of[:0], impostors[:, None], 1, impostor_people=people_of)
    assert np.mean(scored.balanced_impostors == 0.8) == pytest.approx(1 / 12, abs=0.01)
    even = Scored(np.empty((0, 1)), people_of[:0], impostors[:, None], 1, impostor_people=np.arange(311))
    np.testing.assert_array_equal(even.balanced_impostors, np.sort(impostors))
