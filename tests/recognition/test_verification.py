from __future__ import annotations

import numpy as np
import pytest

from faceid_core.recognition.verification import verify_pairs


def places(*degrees: float) -> np.ndarray:
    return np.stack([[np.cos(np.radians(each)), np.sin(np.radians(each))] for each in degrees]).astype(np.float32)


def test_people_who_lie_apart_are_told_apart() -> None:
    found = verify_pairs(places(0, 2, 40, 43), np.array([0, 0, 1, 1]))
    assert found is not None and (found.same, found.different) == (2, 4)
    assert (found.equal_error, found.true_accepts) == (0, 1)


def test_one_pair_in_two_is_mistaken() -> None:
    found = verify_pairs(places(0, 5, 6, 60), np.array([0, 0, 1, 1]))
    assert found is not None and found.true_accepts == 0.0
    assert found.equal_error == pytest.approx(0.5, abs=0.13)


def test_without_two_people_nothing_can_be_told() -> None:
    assert verify_pairs(places(0, 5), np.array([0, 0])) is None
    assert verify_pairs(places(0, 5), np.array([0, 1])) is None
