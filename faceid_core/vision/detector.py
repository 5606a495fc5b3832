"""What every face detector shares: the protocol, the scale of the search, and the landmarks."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from faceid_core.engine.weights import weights_path
from faceid_core.settings import Settings
from faceid_core.values import Box, DetectedFace, Image

LARGEST_ENLARGEMENT = 2.0
"""Small photos are enlarged by at most this factor. face_recognition also upsamples once by default."""


class Detector(Protocol):
    """Finds faces in an upright image (H, W, 3). Boxes and landmarks are in pixels of that image."""

    name: str

    def detect(self, image: Image) -> list[DetectedFace]:
        """Return all faces in `image`, (H, W, 3) uint8, with their landmarks."""

    def landmarks(self, image: Image, box: Box) -> npt.NDArray[np.float32]:
        """Return the five landmarks of a face, (5, 2) float32 x, y."""


class OneAtATime:
    """Makes a detector thread-safe with a lock: dlib's detectors keep buffers, and concurrency would gain
    nothing."""

    def __init__(self, detector: Detector) -> None:
        self.name, self._detector, self._lock = detector.name, detector, threading.Lock()

    def detect(self, image: Image) -> list[DetectedFace]:
        """See Detector."""
        with self._lock:
            return self._detector.detect(image)

    def landmarks(self, image: Image, box: Box) -> npt.NDArray[np.float32]:
        """See Detector."""
        with self._lock:
            return self._detector.landmarks(image, box)


def search_scale(width: int, height: int, side_px: int) -> float:
    """Return the scale at which to search a photo: large ones are reduced to `side_px` pixels on the longer side,
    small ones are enlarged towards it, at most LARGEST_ENLARGEMENT times."""
    return min(side_px / max(width, height), LARGEST_ENLARGEMENT)


def scaled(image: Image, factor: float, *, exact: bool = True) -> Image:
    """Scale an image by `factor`. Shrinking uses area averaging to prevent aliasing.

    It shrinks by an integer factor first, which is ten times as fast per pixel, and then by the remaining factor of
    less than two. For that, bilinear interpolation (exact=False) is eight times as fast and hardly aliases.
    """
    import cv2

    if factor == 1.0:
        return image
    height, width = image.shape[:2]
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    whole = int(1 / factor)
    if whole > 1 and min(width, height) >= whole:
        blocks = image[: height // whole * whole, : width // whole * whole]
        image = cv2.resize(blocks, (width // whole, height // whole), interpolation=cv2.INTER_AREA)
    method = cv2.INTER_AREA if factor < 1 and exact else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)


class LandmarkDetector:
    """Base class of all detectors: search at the working scale, landmarks on the full image."""

    name: str

    def __init__(self, settings: Settings) -> None:
        self._side_px = settings.detection_side_px

    def factor(self, width: int, height: int) -> float:
        """Return the scale at which to search a photo of that size."""
        return search_scale(width, height, self._side_px)

    def search(self, image: Image) -> Iterable[tuple[Box, float]]:
        """Boxes and scores at the image's own scale, best first."""
        raise NotImplementedError

    def detect(self, image: Image) -> list[DetectedFace]:
        """All faces of `image` with their landmarks. Raises ValueError unless it is (H, W, 3) uint8."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(f"an image is (H, W, 3) uint8, not {image.shape} {image.dtype}")
        if 0 in image.shape:
            return []
        return [DetectedFace(box, score, self.landmarks(image, box)) for box, score in self.found(image)]

    def found(self, image: Image) -> list[tuple[Box, float]]:
        """Boxes in pixels of `image` (H, W, 3), and scores, best first."""
        factor = self.factor(image.shape[1], image.shape[0])
        return [(box.scaled(1 / factor), score) for box, score in self.search(scaled(image, factor))]

    @cached_property
    def _predictor(self) -> Any:
        import dlib

        return dlib.shape_predictor(str(weights_path("landmarks5")))

    def landmarks(self, image: Image, box: Box) -> npt.NDArray[np.float32]:
        """(5, 2) float32 x, y of dlib's 5-point shape predictor."""
        import dlib

        rectangle = dlib.rectangle(*(round(edge) for edge in box.as_tuple()))
        points = self._predictor(np.ascontiguousarray(image), rectangle).parts()
        return np.array([(point.x, point.y) for point in points], np.float32)
