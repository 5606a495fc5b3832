"""Scores, probabilities, calibration and who-is-who, on vectors whose answer is known."""

import numpy as np
import pytest

from faceid_core.recognition import openset
from faceid_core.recognition.openset import Calibration, Scored


def people(count: int, faces: int, *, spread: float = 0.02, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors like dlib's: a common direction, a person's own part, a little noise."""
    rng = np.random.default_rng(seed)
    common = np.ones(128) / np.sqrt(128)
    centres = common + rng.normal(0, 0.035, (count, 128))
    vectors = np.repeat(centres, faces, 0) + rng.normal(0, spread, (count * faces, 128))
    return vectors.astype(np.float32), np.repeat(np.arange(count), faces)


def test_rows_are_unit_means_whatever_the_length_of_the_vectors() -> None:
    vectors = np.array([[2, 0, 0], [0, 5, 0], [0, 0, 3]], np.float32)
    rows = openset.imprint(vectors, np.array([0, 0, 1]), 2)
    np.testing.assert_allclose(rows, [[0.5**0.5, 0.5**0.5, 0], [0, 0, 1]], atol=1e-6)


def test_probabilities_leave_a_share_for_somebody_else() -> None:
    scores = np.array([[0.99, 0.8], [0.8, 0.8], [0.99, 0.99], [0.93, 0.5]])
    shares = openset.probabilities(scores, Calibration(200.0, 0.93))
    assert (shares >= 0).all() and (shares.sum(1) < 1).all()
    assert shares[0, 0] > 0.99
    assert shares[1].sum() < 1e-6
    assert shares[2, 0] == pytest.approx(0.5, abs=1e-3), "two people equally near share the probability"
    assert shares[3, 0] == pytest.approx(0.5), "the cut is the operating point"


def test_probabilities_grow_with_the_score_and_never_overflow() -> None:
    scores = np.stack([np.linspace(-1, 1, 50), np.full(50, 0.2)], 1)
    shares = openset.probabilities(scores, Calibration(5000.0, 0.3))
    assert np.isfinite(shares).all() and (np.diff(shares[:, 0]) >= 0).all()


def test_a_face_is_scored_without_its_own_photo() -> None:
    vectors, classes = people(3, 2)
    groups = np.arange(6)
    scored = openset.leave_one_out(vectors, classes, groups, vectors[:0], 3)
    one, other = openset.normalised(vectors[:2])
    assert scored.own[0] == pytest.approx(one @ other)
    assert len(scored.classes) == 6
    assert np.isneginf(scored.impostors[np.arange(6), classes]).all()


def test_faces_of_a_single_photo_are_not_genuine_scores() -> None:
    vectors, classes = people(2, 3)
    scored = openset.leave_one_out(vectors, classes, np.array([0, 0, 0, 1, 2, 3]), vectors[:0], 2)
    assert scored.classes.tolist() == [1, 1, 1]
    assert len(scored.impostors) == 6


def test_unnamed_photos_of_known_people_are_no_impostors() -> None:
    vectors, classes = people(4, 12)
    strangers, _ = people(30, 1, seed=9)
    mixed = np.concatenate([strangers, vectors[::2] + 0.0005])
    scored = openset.leave_one_out(vectors, classes, np.arange(48), mixed, 4)
    assert 30 <= scored.strangers < 40


def test_too_little_data_gives_the_default() -> None:
    vectors, classes = people(2, 2)
    scored = openset.leave_one_out(vectors, classes, np.arange(4), vectors[:0], 2)
    calibration = openset.calibrate(scored, 2)
    assert calibration == Calibration(openset.DEFAULT_SLOPE, openset.default_threshold_cosine(2))


def test_strangers_decide_where_the_cut_lies() -> None:
    vectors, classes = people(8, 12)
    strangers, _ = people(600, 1, seed=5)
    scored = openset.leave_one_out(vectors, classes, np.arange(96), strangers, 8)
    calibration = openset.calibrate(scored, 8)
    fresh, _ = people(2000, 1, seed=6)
    best = openset.cosines(fresh, openset.imprint(vectors, classes, 8)).max(1)
    assert (best > calibration.threshold_cosine).mean() < 0.03
    assert openset.rates(scored, calibration).tpir > 0.95


def test_alikes_raise_the_cut_but_their_own_faces_come_first() -> None:
    rng = np.random.default_rng(0)
    own = rng.normal(0.975, 0.004, 100)
    alike = np.stack([own, rng.normal(0.972, 0.006, 100)], 1)
    scored = openset.against(alike, np.zeros(100, np.int64), np.arange(100), np.empty((0, 2)))
    calibration = openset.calibrate(scored, 2)
    assert openset.default_threshold_cosine(2) < calibration.threshold_cosine
    assert (own >= calibration.threshold_cosine).mean() > 0.9


def test_few_known_people_do_not_lower_the_cut_much() -> None:
    own, low = np.full((80, 8), 0.7), np.full((0, 8), 0.0)
    own[np.arange(80), np.arange(80) % 8] = 0.97
    scored = openset.against(own, np.arange(80) % 8, np.arange(80), low)
    assert openset.default_threshold_cosine(8) - openset.calibrate(scored, 8).threshold_cosine < 0.06


def test_scores_on_another_scale_find_their_way_back() -> None:
    vectors, classes = people(5, 10)
    reference = openset.leave_one_out(vectors, classes, np.arange(50), vectors[:0], 5)
    squeezed = Scored(reference.genuine * 0.5 + 0.1, classes, reference.impostors * 0.5 + 0.1)
    moved, factor, offset = openset.placed_like(squeezed, reference)
    assert (factor, offset) == pytest.approx((2.0, -0.2))
    np.testing.assert_allclose(moved.genuine, reference.genuine)


def test_tpir_at_a_fixed_fpir() -> None:
    genuine = np.array([[0.9, 0.1], [0.5, 0.1], [0.2, 0.8]])
    scored = Scored(genuine, np.array([0, 0, 0]), np.linspace([0.0, 0.0], [0.6, 0.6], 101))
    assert openset.tpir_at(scored) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([[0.9, 0.05], [0.1, 0.8]], [0, 1]),
        ([[0.9, 0.02], [0.8, 0.1]], [0, None]),
        ([[0.6, 0.35], [0.99, 0.0]], [None, 0]),
        ([[0.97, 0.01], [0.99, 0.0]], [0, 0]),
        ([[0.4, 0.3]], [None]),
    ],
    ids=["both", "once a photo", "surest first", "twice when both are sure", "nobody"],
)
def test_who_is_who_in_one_photo(shares: list[list[float]], expected: list[int | None]) -> None:
    assert openset.assign(np.array(shares), 0.5, 0.95) == expected


def test_no_face_no_answer() -> None:
    assert openset.assign(np.empty((0, 3)), 0.5, 0.95) == []
