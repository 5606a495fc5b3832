"""Alignment and embedding: a face in a photo -> a vector in which distance tells people apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from faceid_core.engine import half, sessions
from faceid_core.engine.graphs import CROP_PX
from faceid_core.errors import UnknownChoice
from faceid_core.settings import Settings
from faceid_core.values import Image, Vectors

if TYPE_CHECKING:
    import onnxruntime

PADDING = 0.25
"""Margin around the face as a share of its size: what dlib's embedder was trained with."""

BATCH = 32
"""Crops a run: larger batches are not faster on a CPU and cost memory."""


class Embedder(Protocol):
    """Crops (N, size_px, size_px, 3) uint8 -> vectors (N, dimension) float32.

    default_threshold: the Euclidean distance below which two faces are usually of one person.
    computes: in what numbers and by what, in words.
    """

    name: str
    computes: str
    dimension: int
    size_px: int
    default_threshold: float

    def align(self, image: Image, landmarks: npt.NDArray[np.float32]) -> Image:
        """The crop of a face in an upright photo (H, W, 3), by its landmarks (5, 2)."""

    def embed(self, crops: Image) -> Vectors: ...


def align(image: Image, landmarks: npt.NDArray[np.float32]) -> Image:
    """The face turned upright and scaled, (150, 150, 3) uint8: dlib.get_face_chip with padding 0.25.

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

    def run(self, crops: Image, /) -> Vectors: ...


class Exact:
    """The network in floats: dlib's own vectors, within 1e-5."""

    computes = "in float32 by ONNX Runtime"

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session

    def run(self, crops: Image, /) -> Vectors:
        return np.asarray(self._session.run(None, {"crops": np.ascontiguousarray(crops)})[0], np.float32)


class DlibResNet:
    """dlib's face recognition network (King 2017, "High Quality Face Recognition with Deep Metric Learning").

    With settings.mirror the vector is the mean of the crop's and its mirror image's: on LFW that raises
    verification from 98.9 to 99.1 %, for twice the time. It is a space of its own, so it has a name of its own.
    In which numbers it is computed changes the vectors by much less, and the name not at all: see engine.half.
    """

    dimension = 128
    size_px = CROP_PX

    def __init__(self, settings: Settings, *, threads: int | None = None) -> None:
        in_half = half.network("resnet", settings, threads=threads)
        self._runs_on(in_half or Exact(sessions.session("resnet", settings, threads=threads)), settings)
        self.name = "dlib-resnet+mirror" if self._mirror else "dlib-resnet"
        # dlib's documentation gives 0.6; mirrored means lie closer together.
        self.default_threshold = 0.55 if self._mirror else 0.6

    def _runs_on(self, network: Network, settings: Settings) -> None:
        self._network, self._mirror, self.computes = network, settings.mirror, network.computes

    def align(self, image: Image, landmarks: npt.NDArray[np.float32]) -> Image:
        return align(image, landmarks)

    def embed(self, crops: Image) -> Vectors:
        if crops.ndim != 4 or crops.shape[1:] != (CROP_PX, CROP_PX, 3) or crops.dtype != np.uint8:
            raise ValueError(f"crops are (N, {CROP_PX}, {CROP_PX}, 3) uint8, not {crops.shape} {crops.dtype}")
        parts = [self._embed(crops[at : at + BATCH]) for at in range(0, len(crops), BATCH)]
        return np.concatenate(parts) if parts else np.empty((0, self.dimension), np.float32)

    def _embed(self, crops: Image) -> Vectors:
        vectors = self._network.run(crops)
        if not self._mirror:
            return vectors
        return np.asarray((vectors + self._network.run(crops[:, :, ::-1])) / 2, np.float32)


EMBEDDERS: dict[str, Callable[..., Embedder]] = {"dlib-resnet": DlibResNet}
"""Name -> factory, called with the settings and `threads` (None means all cores)."""


def make_embedder(settings: Settings, *, threads: int | None = None) -> Embedder:
    """The embedder that the settings name: one of ours, or of the library's models.toml.

    Raises UnknownChoice, EngineError.
    """
    factory = EMBEDDERS.get(settings.embedder)
    if factory is not None:
        return factory(settings, threads=threads)
    from faceid_core import own_embedder, own_models

    own = own_models.entries(settings).embedders
    if settings.embedder in own:
        return own_embedder.OwnEmbedder(settings.embedder, own[settings.embedder], settings, threads=threads)
    names = ", ".join([*EMBEDDERS, *own])
    raise UnknownChoice(f"There is no embedder {settings.embedder!r}; choose one of {names}.")


def require_trainable(settings: Settings) -> None:
    """Raises UnknownChoice where the settings name an own embedder: recognisers are trained from ours."""
    if settings.embedder not in EMBEDDERS:
        raise UnknownChoice(
            f"Recognisers can't be trained for {settings.embedder}; set FACEID_EMBEDDER to one of "
            f"{', '.join(EMBEDDERS)}."
        )
