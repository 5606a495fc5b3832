"""What every embedder shares."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from faceid_core.values import Image, Vectors

MIRROR = "+mirror"
"""What the name of an embedder ends in whose vectors are the mean of a face's and its mirror image's."""

BATCH = 32
"""Crops a run: larger batches are not faster on a CPU and cost memory."""


class Embedder(Protocol):
    """Crops (N, size_px, size_px, 3) uint8 -> vectors (N, dimension) float32.

    default_threshold: the Euclidean distance below which two faces are usually of one person.
    unit: how long a distance of 1 between dlib's vectors is between these, as far as models.toml tells.
    computes: in what numbers and by what, in words.
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
