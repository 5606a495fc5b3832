"""A camera's frames: faces take turns to be looked at, and viewers learn of nobody who is hidden."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from faceid_core.recognition.live import State
from faceid_core.steps import recognise_live
from faceid_core.steps.recognise_live import Camera, as_dict
from faceid_core.values import Box, DetectedFace
from faceid_core.vision import detection

FRAME = np.random.default_rng(1).integers(0, 255, (240, 320, 3)).astype(np.uint8)
LANDMARKS = np.array([[96, 54], [84, 54], [44, 54], [56, 54], [70, 80]], np.float32)


class Stage:
    """Faces side by side, a recogniser who knows Ada and Bo, and a clock on which each look takes 20 ms."""

    def __init__(self, faces: int) -> None:
        self.boxes = [Box(20 + 150 * place, 20, 120 + 150 * place, 120) for place in range(faces)]
        self.now, self.looked = 0.0, 0
        self.classes, self.threshold, self.repeat, self.scorer = ("Ada", "Bo"), 0.6, 0.95, object()
        self.embedder = SimpleNamespace(default_threshold=0.55, align=self.align)

    def detect(self, frame: np.ndarray) -> list[DetectedFace]:
        return [DetectedFace(box, 1.0, LANDMARKS + np.array([box.left - 20, 0], np.float32)) for box in self.boxes]

    def align(self, frame: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        self.place = round(float(landmarks[:, 0].mean()) - 70) // 150
        return FRAME[:150, :150]

    def embed(self, crops: np.ndarray) -> np.ndarray:
        self.looked += 1
        self.now += 0.02
        return np.eye(3, dtype=np.float32)[[self.place]]

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        return vectors[:, :2].astype(float) * 0.9 + 0.02


def camera(monkeypatch: pytest.MonkeyPatch, stage: Stage, hidden: set[str]) -> Camera:
    settings: Any = SimpleNamespace(model_copy=lambda update: update)
    monkeypatch.setattr(recognise_live, "load_recogniser", lambda library: stage)
    monkeypatch.setattr(recognise_live, "hidden_names", lambda library: hidden)
    monkeypatch.setattr(detection, "make_detector", lambda settings: stage)
    library: Any = SimpleNamespace(settings=settings)
    return Camera(lambda: library, clock=lambda: stage.now)


def test_faces_have_their_turn_within_the_time_of_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(2)
    watched = camera(monkeypatch, stage, set())
    assert [face.state for face in watched.see(FRAME)] == [State.LOOKING] * 2
    assert stage.looked == 2, "the second one begins while there is time, a third one would not"
    stage.boxes.append(Box(320, 20, 420, 120))
    watched.see(FRAME)
    assert stage.looked == 4
    watched.see(FRAME)
    faces = watched.see(FRAME)
    named = [("Ada", State.NAMED), ("Bo", State.NAMED), (None, State.UNKNOWN)]
    assert [(face.name, face.state) for face in faces] == named
    assert as_dict(faces[0])["name"] == "Ada" and as_dict(faces[0])["box"] == [20, 20, 120, 120]


def test_who_is_hidden_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = camera(monkeypatch, Stage(2), {"Bo"})
    for _ in range(3):
        faces = watched.see(FRAME)
    assert [(face.name, face.state) for face in faces] == [("Ada", State.NAMED), (None, State.UNKNOWN)]
    assert faces[1].probability == 0


def test_another_recogniser_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(1)
    watched = camera(monkeypatch, stage, set())
    for _ in range(3):
        (face,) = watched.see(FRAME)
    assert face.name == "Ada"
    stage.scorer, stage.classes = object(), ("Cleo", "Bo")
    stage.now += recognise_live.FRESH_S + 0.1
    assert watched.see(FRAME)[0].state is State.LOOKING
    assert watched.see(FRAME)[0].name == "Cleo"
