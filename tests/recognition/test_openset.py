"""Scores, probabilities, calibration and who-is-who, on vectors whose answer is known."""

import numpy as np
import pytest

from faceid_core.recognition import openset
from faceid_core.recognition.openset import Calibration, Scored
from faceid_core.recognition.scoring import Scorer


def people(count: int, faces: int, *, spread: float = 0.02, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors like dlib's: a common direction, a person's own part, a little noise."""
    rng = np.random.default_rng(seed)
    common = np.ones(128) / np.sqrt(128)
    centres = common + rng.normal(0, 0.035, (count, 128))
    vectors = np.repeat(centres, faces, 0) + rng.normal(0, spread, (count * faces, 128))
    return vectors.astype(np.float32), np.repeat(np.arange(count), faces)


def loo(vectors: np.ndarray, classes: np.ndarray, groups: np.ndarray, count: int) -> Scored:
    return openset.leave_one_out(vectors, classes, groups, Scorer(openset.imprint(vectors, classes, count)))


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
    scored = loo(vectors, classes, groups, 3)
    one, other = openset.normalised(vectors[:2])
    assert scored.own[0] == pytest.approx(one @ other)
    assert len(scored.classes) == 6
    assert np.isneginf(scored.impostors[np.arange(6), classes]).all()


def test_faces_of_a_single_photo_are_not_genuine_scores() -> None:
    vectors, classes = people(2, 3)
    scored = loo(vectors, classes, np.array([0, 0, 0, 1, 2, 3]), 2)
    assert scored.classes.tolist() == [1, 1, 1]
    assert len(scored.impostors) == 6


def test_scores_on_another_scale_find_their_way_back() -> None:
    vectors, classes = people(5, 10)
    reference = loo(vectors, classes, np.arange(50), 5)
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


def by_sorting_all(shares: np.ndarray, threshold: float, repeat: float) -> list[int | None]:
    """The simple version of `assign`."""
    answers: list[int | None] = [None] * len(shares)
    taken: set[int] = set()
    for face in np.argsort(-shares.max(axis=1, initial=0.0), kind="stable"):
        for person in np.argsort(-shares[face], kind="stable"):
            if shares[face, person] < threshold:
                break
            if person not in taken or shares[face, person] >= repeat:
                answers[face] = int(person)
                taken.add(int(person))
                break
    return answers


def test_few_of_many_people_are_sorted_and_the_answers_stay_the_same() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        shares = np.round(rng.random((rng.integers(0, 6), rng.integers(1, 9))), 1)
        threshold = float(rng.choice([0, 0.3, 0.5, 0.9]))
        assert openset.assign(shares, threshold, 0.95) == by_sorting_all(shares, threshold, 0.95)
        for row in shares:
            assert list(openset.best_first(row, 3)) == list(np.argsort(-row, kind="stable")[:3])
