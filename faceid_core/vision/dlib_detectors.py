"""The detectors that dlib runs itself: its CNN, as a reference, and HOG."""

from __future__ import annotations

from typing import Any

import numpy as np

from faceid_core.engine.weights import weights_path
from faceid_core.settings import Settings
from faceid_core.values import Box, Image
from faceid_core.vision.detector import LandmarkDetector


class DlibCnnDetector(LandmarkDetector):
    """The same network run by dlib itself: slow, the reference that parity is measured against."""

    name = "dlib-cnn"

    def __init__(self, settings: Settings, *, threads: int | None = None) -> None:
        import dlib

        super().__init__(settings)
        self._network = dlib.cnn_face_detection_model_v1(str(weights_path("mmod")))

    def search(self, image: Image) -> list[tuple[Box, float]]:
        """Boxes in pixels of `image` (H, W, 3) uint8, with their scores."""
        found = self._network(np.ascontiguousarray(image), 0)
        return [(_box_of(face.rect), float(face.confidence)) for face in found]


class HogDetector(LandmarkDetector):
    """dlib's frontal face detector on histograms of oriented gradients: face_recognition's default."""

    name = "hog"

    def __init__(self, settings: Settings, *, threads: int | None = None) -> None:
        import dlib

        super().__init__(settings)
        self._detector = dlib.get_frontal_face_detector()

    def search(self, image: Image) -> list[tuple[Box, float]]:
        """Boxes in pixels of `image` (H, W, 3) uint8, with their scores."""
        boxes, scores, _ = self._detector.run(np.ascontiguousarray(image), 0, 0.0)
        return [(_box_of(box), float(score)) for box, score in zip(boxes, scores, strict=True)]


def _box_of(rectangle: Any) -> Box:
    return Box(rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom())
