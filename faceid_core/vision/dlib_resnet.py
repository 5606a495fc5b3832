"""dlib's face recognition network, the default embedder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from faceid_core.engine import bfloat16, sessions
from faceid_core.engine.graphs import CROP_PX
from faceid_core.settings import Settings
from faceid_core.values import Image, Vectors
from faceid_core.vision.alignment import align
from faceid_core.vision.embedder import BATCH, MIRROR, Network, mirrored

if TYPE_CHECKING:
    import onnxruntime


NAME = "dlib-resnet"

CARD_BATCH = 8
"""Crops per run on hardware other than a CPU, padded so that the shape is always the same, see sessions.session.
Few photos have more faces. An H100 embeds 1,600 faces per second in batches of 8, 2,800 in batches of 32."""


class Exact:
    """The network in floats: dlib's own vectors, within 1e-5."""

    computes = "in float32 by ONNX Runtime"

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._always = None if session.get_providers() == [sessions.CPU] else CARD_BATCH

    def run(self, crops: Image, /) -> Vectors:
        """Crops (N, 150, 150, 3) uint8 -> vectors (N, 128) float32."""
        size = self._always
        if size is None or len(crops) == size:
            return np.asarray(self._session.run(None, {"crops": np.ascontiguousarray(crops)})[0], np.float32)
        missing = -len(crops) % size
        filled = np.concatenate([crops, np.zeros((missing, *crops.shape[1:]), np.uint8)])
        parts = [self.run(filled[at : at + size]) for at in range(0, len(filled), size)]
        return np.concatenate(parts)[: len(crops)]


class DlibResNet:
    """dlib's face recognition network (King 2017, "High Quality Face Recognition with Deep Metric Learning").

    With settings.mirror the vector is the mean of the crop's and its mirror image's: on LFW that raises
    verification from 98.9 to 99.1%, for twice the time. It is a space of its own, so it has a name of its own.
    In which numbers it is computed changes the vectors by much less, and the name not at all: see engine.bfloat16.
    """

    dimension = 128
    size_px = CROP_PX
    unit = 1.0

    def __init__(self, settings: Settings, *, threads: int | None = None) -> None:
        in_half = bfloat16.network("resnet", settings, threads=threads)
        self._runs_on(in_half or Exact(sessions.session("resnet", settings, threads=threads)), settings)
        self.name = NAME + MIRROR if self._mirror else NAME
        # dlib's documentation gives 0.6; mirrored means lie closer together.
        self.default_threshold = 0.55 if self._mirror else 0.6

    def _runs_on(self, network: Network, settings: Settings) -> None:
        self._network, self._mirror, self.computes = network, settings.mirror, network.computes

    def align(self, image: Image, landmarks: npt.NDArray[np.float32]) -> Image:
        """The face upright and scaled, (150, 150, 3) uint8; landmarks: (5, 2) float32 x, y."""
        return align(image, landmarks)

    def embed(self, crops: Image) -> Vectors:
        """Crops (N, 150, 150, 3) uint8 -> vectors (N, 128) float32. Raises ValueError for others."""
        if crops.ndim != 4 or crops.shape[1:] != (CROP_PX, CROP_PX, 3) or crops.dtype != np.uint8:
            raise ValueError(f"crops are (N, {CROP_PX}, {CROP_PX}, 3) uint8, not {crops.shape} {crops.dtype}")
        size = BATCH // 2 if self._mirror else BATCH
        parts = [self._embed(crops[at : at + size]) for at in range(0, len(crops), size)]
        return np.concatenate(parts) if parts else np.empty((0, self.dimension), np.float32)

    def _embed(self, crops: Image) -> Vectors:
        if not self._mirror:
            return self._network.run(crops)
        # In one run: a tenth faster for a single face in bfloat16, nowhere slower.
        seen, seen_mirrored = np.split(self._network.run(np.concatenate([crops, mirrored(crops)])), 2)
        return np.asarray((seen + seen_mirrored) / 2, np.float32)
