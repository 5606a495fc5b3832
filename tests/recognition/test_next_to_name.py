"""Which unnamed faces would help most, against a plain greedy search."""

from __future__ import annotations

import numpy as np
import pytest

from faceid_core.recognition import next_to_name as module
from faceid_core.recognition.next_to_name import Recognising, next_to_name
from faceid_core.recognition.openset import Calibration, probabilities
from faceid_core.recognition.scoring import Scorer, imprint
from tests.steps.recognisers import vectors_of

ADA = 0


@pytest.fixture
def recogniser() -> Recognising:
    """It knows Ada."""
    return knowing([ADA])


def knowing(people: list[int]) -> Recognising:
    faces = vectors_of([person for person in people for _ in range(3)], 3)
    rows = imprint(faces, np.repeat(np.arange(len(people)), 3), len(people))
    return Recognising(Scorer(rows), Calibration(225.0, 0.94), 0.5)


def asked(
    recogniser: Recognising, faces: np.ndarray, count: int = 50, named: np.ndarray | None = None
) -> list[module.Worth]:
    return next_to_name(faces, best(recogniser, faces), recogniser, count, named=named)


def best(recogniser: Recognising, faces: np.ndarray) -> np.ndarray:
    found: np.ndarray = probabilities(recogniser.scorer(faces), recogniser.calibration).max(axis=1, initial=0.0)
    return found


def test_who_is_on_most_photos_comes_first_and_each_once(recogniser: Recognising) -> None:
    faces = vectors_of([ADA] * 9 + [1] * 3 + [2] * 6 + [3], 5)
    found = asked(recogniser, faces)
    assert [(9 <= f.row < 12, 12 <= f.row < 18, f.row == 18) for f in found[:3]] == [
        (False, True, False), (True, False, False), (False, False, True),
    ]  # fmt: skip
    assert [round(each.gain) for each in found[:3]] == [6, 3, 1]
    assert sum(each.gain for each in found[3:]) < 0.5, "Ada is recognised anyway, and one face a person is enough"


def test_a_known_person_who_looks_another_way_is_asked_about_once(recogniser: Recognising) -> None:
    another_way = 0.4 * vectors_of([ADA] * 4, 5) + 0.6 * vectors_of([40], 5)
    assert best(recogniser, another_way).max() < 0.5
    first, *others = asked(recogniser, another_way)
    assert round(first.gain) == 4 and sum(each.gain for each in others) < 0.5


def test_what_got_a_name_since_counts_as_known(recogniser: Recognising) -> None:
    faces = vectors_of([1] * 3 + [2] * 6, 5)
    found = asked(recogniser, faces, named=vectors_of([2], 9))
    assert found[0].row < 3
    assert sum(each.gain for each in found if each.row >= 3) < 0.5


def test_the_lazy_search_is_the_plain_one(recogniser: Recognising) -> None:
    rng = np.random.default_rng(0)
    faces = vectors_of(rng.integers(0, 25, 160).tolist(), 7, noise=0.45)
    near = recogniser.likeness(faces, faces, recogniser.least_of_pairs(faces))
    np.fill_diagonal(near, 1.0)
    covered, expected = recogniser.known(best(recogniser, faces)), []
    for _ in range(20):
        gains = np.maximum(near - covered, 0.0).sum(axis=1)
        expected.append(float(gains.max()))
        covered = np.maximum(covered, near[int(gains.argmax())])
    found = asked(recogniser, faces, 20)
    assert [each.gain for each in found] == pytest.approx(expected, rel=1e-4)


def test_of_many_faces_an_even_selection_is_compared(
    recogniser: Recognising, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 30)
    found = asked(recogniser, vectors_of([1] * 60 + [2] * 30, 5), 2)
    assert found[0].row < 60 <= found[1].row
    assert [round(each.gain, -1) for each in found] == [60, 30], "as many as there are, not as were compared"


def test_without_a_face_there_is_nothing_to_ask(recogniser: Recognising) -> None:
    assert asked(recogniser, np.empty((0, 128), np.float32)) == []
