"""Embedders of the ArcFace kind (Deng et al. 2019, arXiv:1801.07698), from the user's own ONNX files."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceid_core.cosine_scale import SAME_PERSON
from faceid_core.errors import CustomModelUnusable
from faceid_core.settings import Settings
from faceid_core.values import Image, Vectors
from faceid_core.vision import custom_models
from faceid_core.vision.alignment import MEAN_SHAPE
from faceid_core.vision.detector import scaled
from faceid_core.vision.embedder import BATCH, MIRROR, mirrored

TEMPLATE_PX = 112
EYES = np.array([(73.5318, 51.5014), (38.2946, 51.6963)])
"""Eye centres in the 112x112 crop that these networks are trained on (InsightFace's arcface_src); first the one on
the image's right, as in DetectedFace.landmarks."""


class CustomEmbedder:
    """Crops aligned from the photo to the network's own template; vectors of length 1."""

    computes = "by ONNX Runtime"

    def __init__(
        self, name: str, entry: custom_models.EmbedderEntry, settings: Settings, *, threads: int | None = None
    ) -> None:
        self._entry = entry
        self._mirror = settings.mirror
        self._network = custom_models.session(entry, settings, threads=threads)
        self.name = entry.full_name(name) + (MIRROR if settings.mirror else "")
        self.dimension, self.size_px = entry.dimension, entry.input_px
        self.default_threshold = entry.threshold
        self.unit = entry.threshold / SAME_PERSON

    def align(self, image: Image, landmarks: npt.NDArray[np.float32]) -> Image:
        """(size_px, size_px, 3) uint8: the similarity that brings the landmarks (5, 2) nearest to the template."""
        import cv2

        target, points = template() * (self.size_px / TEMPLATE_PX), np.asarray(landmarks, np.float64)
        matrix = similarity(points, target)
        shrink = 2 * float(np.hypot(matrix[0, 0], matrix[1, 0]))
        if shrink < 1:  # the warp samples four pixels: more have to be averaged first
            image, points = scaled(image, shrink), points * shrink
            matrix = similarity(points, target)
        return np.asarray(cv2.warpAffine(image, matrix, (self.size_px, self.size_px)), np.uint8)

    def embed(self, crops: Image) -> Vectors:
        """Crops (N, size_px, size_px, 3) uint8 -> vectors (N, D) float32. Raises ValueError for others."""
        side = self.size_px
        if crops.ndim != 4 or crops.shape[1:] != (side, side, 3) or crops.dtype != np.uint8:
            raise ValueError(f"crops are (N, {side}, {side}, 3) uint8, not {crops.shape} {crops.dtype}")
        parts = [self._embed(crops[at : at + BATCH]) for at in range(0, len(crops), BATCH)]
        return np.concatenate(parts) if parts else np.empty((0, self.dimension), np.float32)

    def _embed(self, crops: Image) -> Vectors:
        vectors = self._run(crops)
        return unit(vectors + self._run(mirrored(crops))) if self._mirror else vectors

    def _run(self, crops: Image) -> Vectors:
        vectors = next(iter(custom_models.run(self._network, self._entry.tensor(crops)).values()))
        if vectors.shape != (len(crops), self.dimension):
            raise CustomModelUnusable(
                f"The embedder {self.name} gives vectors of {vectors.shape[-1]} numbers, not {self.dimension}; "
                f"correct its dimension in {custom_models.FILE}."
            )
        return unit(vectors)


def unit(vectors: npt.NDArray[np.float32]) -> Vectors:
    """The vectors (N, D) scaled to length 1; a zero vector stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def template() -> npt.NDArray[np.float64]:
    """(5, 2): where dlib's landmarks of a mean face lie in the 112x112 crop: its eyes on EYES."""
    eyes = np.stack([MEAN_SHAPE[0:2].mean(axis=0), MEAN_SHAPE[2:4].mean(axis=0)])
    matrix = similarity(eyes, EYES)
    return np.asarray(MEAN_SHAPE @ matrix[:, :2].T + matrix[:, 2])


def similarity(source: npt.NDArray[np.float64], target: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(2, 3): scale, rotation and shift that bring points (N, 2) nearest to others in the least-squares sense
    (Umeyama 1991 without reflection, in complex numbers). Points that are all one are only shifted."""
    one, other = (points[:, 0] + 1j * points[:, 1] for points in (source, target))
    centred = one - one.mean()
    spread = float((np.abs(centred) ** 2).sum())
    turn = (np.conj(centred) @ (other - other.mean())) / spread if spread else 1.0 + 0j
    shift = other.mean() - turn * one.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
