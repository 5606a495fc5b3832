"""Faces followed through a video: the best of nearly identical ones is kept, and nothing grows without bound."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import numpy as np
import pytest

from faceid_core.values import Box, DetectedFace, Quality
from faceid_core.vision import tracking
from faceid_core.vision.tracking import Tracks

SAME = 0.6
NEAR = tracking.SAME_SIGHTING_SHARE * SAME


@dataclass(frozen=True, eq=False)
class Face:
    face: DetectedFace
    quality: Quality
    vector: np.ndarray


def face(direction: float, quality: float = 0.5, left: float = 0.0, person: int = 0) -> Face:
    """Vectors of one person differ by their direction (distance); people are 3 apart."""
    found = DetectedFace(Box(left, 0, left + 100, 100), 1.0, np.zeros((5, 2), np.float32))
    return Face(found, Quality(1, 1, 1, 1, quality), np.array([direction, 3 * person], np.float32))


def kept(followed: Tracks) -> list[tuple[float, list[Face]]]:
    followed.finish()
    return [(seconds, list(faces)) for seconds, faces in followed.settled()]  # type: ignore[arg-type]


def test_of_nearly_identical_faces_the_best_is_kept() -> None:
    followed = Tracks(SAME)
    best = face(0.02, quality=0.9)
    for second, one in enumerate([face(0.0), best, face(0.04), face(0.05, quality=0.8)]):
        followed.see(float(second), [one])
    assert kept(followed) == [(1.0, [best])]


def test_a_face_that_differs_clearly_is_kept_again() -> None:
    followed = Tracks(SAME)
    front, side = face(0.0, quality=0.9), face(NEAR * 1.1, quality=0.4)
    for second, one in enumerate([front, face(0.1), side, face(NEAR, quality=0.3)]):
        followed.see(float(second), [one])
    assert kept(followed) == [(0.0, [front]), (2.0, [side])]


def test_two_people_are_never_one_wherever_they_are() -> None:
    followed = Tracks(SAME)
    for second in range(5):
        followed.see(float(second), [face(0.0, left=0), face(0.0, left=20, person=1)])
    assert [len(faces) for _, faces in kept(followed)] == [2]


def test_whoever_moves_far_or_comes_back_soon_goes_on() -> None:
    followed = Tracks(SAME)
    for second, left in ((0.0, 0.0), (1.0, 500.0), (5.0, 900.0)):
        followed.see(second, [face(0.0, left=left)])
    followed.see(6.0, [])
    assert len(followed.live) == 1
    followed.see(5.0 + tracking.LOST_S + 1, [face(0.0)])
    assert [len(faces) for _, faces in kept(followed)] == [1, 1]


def test_a_picture_waits_until_none_of_its_faces_can_change() -> None:
    followed = Tracks(SAME)
    followed.see(0.0, [face(0.0, quality=0.9), face(0.0, left=300, person=1)])
    late = tracking.LOST_S + 1
    followed.see(late, [face(0.0, left=300, person=1)])  # the second one comes back too late, as another track
    assert [(seconds, len(faces)) for seconds, faces in followed.settled()] == [(0.0, 2)]
    assert followed.moments() == {late}
    assert list(followed.settled()) == []


def test_what_was_seen_can_travel_between_processes() -> None:
    one, other = Tracks(SAME), Tracks(SAME)
    steps = [face(0.1 * step, quality=step % 3 / 3, left=30.0 * step) for step in range(12)]
    for second, step in enumerate(steps):
        one.see(float(second), [step])
        other = pickle.loads(pickle.dumps(other))
        other.see(float(second), [step])
    assert [seconds for seconds, _ in kept(one)] == [seconds for seconds, _ in kept(other)]


def test_looks_and_tracks_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "MOST_TRACKS", 20)
    followed = Tracks(SAME)
    for step in range(100):  # a face that changes all the time, and thirty that are never seen again
        crowd = [face(0.0, left=1000.0 + 200 * at, person=100 * step + at) for at in range(1, 31)]
        followed.see(step / 10, [face(0.4 * step), *crowd])
        assert len(followed.live) <= 20
        list(followed.settled())
        assert sum(len(track.sightings) for track in followed.live) <= 20 + tracking.MOST_SIGHTINGS
        assert len(followed.ended) <= 60
