"""The embedder protocol, and dlib's alignment."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from faceid_core.engine.graphs import CROP_PX
from faceid_core.values import Image, Vectors

PADDING = 0.25
"""Margin around the face relative to its size, as dlib's embedder was trained."""

MIRROR = "+mirror"
"""Suffix of embedder names whose vectors are the mean of a face's and its mirror image's."""

BATCH = 32
"""Crops per run: larger batches are not faster on a CPU and need more memory."""


class Embedder(Protocol):
    """Crops (N, size_px, size_px, 3) uint8 -> vectors (N, dimension) float32.

    default_threshold: the Euclidean distance below which two faces usually show the same person.
    unit: the distance between these vectors that corresponds to 1 between dlib's, according to models.toml.
    computes: the number format and the library that computes the vectors, in words.
    """

    name: str
    computes: str
    dimension: int
    size_px: int
    default_threshold: float
    unit: float

    def align(self, image: Image, landmarks: npt.NDArray[np.float32]) -> Image:
        """The crop of a face in an upright photo (H, W, 3), by its landmarks (5, 2)."""

    def embed(self, crops: Image) -> Vectors:
        """Crops (N, size_px, size_px, 3) uint8 -> vectors (N, D) float32."""


def align(image: Image, landmarks: npt.NDArray[np.float32]) -> Image:
    """Return the face rotated upright and scaled, (150, 150, 3) uint8: dlib.get_face_chip with padding 0.25.

    landmarks: (5, 2) x, y in pixels of the image.
    """
    import dlib

    points = dlib.points([dlib.point(round(float(x)), round(float(y))) for x, y in landmarks])
    # The rectangle does not matter for the alignment, which uses the landmarks alone.
    shape = dlib.full_object_detection(dlib.rectangle(0, 0, image.shape[1], image.shape[0]), points)
    return np.asarray(dlib.get_face_chip(np.ascontiguousarray(image), shape, CROP_PX, PADDING), np.uint8)


class Network(Protocol):
    """Crops (N, size_px, size_px, 3) uint8, N from 1 -> vectors (N, dimension) float32; from any thread."""

    computes: str

    def run(self, crops: Image, /) -> Vectors:
        """Crops (N, size_px, size_px, 3) uint8 -> vectors (N, D) float32."""
