"""What all embedders share."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from faceid_core.values import Image, Vectors

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


def mirrored(crops: Image) -> Image:
    """The mirror images of crops (N, H, W, 3) uint8, N from 1; by OpenCV, in a tenth of the time of a copy of
    crops[:, :, ::-1]."""
    import cv2

    rows = np.ascontiguousarray(crops).reshape(-1, *crops.shape[2:])
    return np.asarray(cv2.flip(rows, 1), np.uint8).reshape(crops.shape)


class Network(Protocol):
    """Crops (N, size_px, size_px, 3) uint8, N from 1 -> vectors (N, dimension) float32; from any thread."""

    computes: str

    def run(self, crops: Image, /) -> Vectors:
        """Crops (N, size_px, size_px, 3) uint8 -> vectors (N, D) float32."""
