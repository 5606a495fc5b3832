"""Serve a trained recogniser: image -> [Recognised]. ONNX Runtime only; torch is never imported."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceid_core.engine import graphs, sessions
from faceid_core.engine.dlib_format import ResNetWeights
from faceid_core.errors import ModelUnusable
from faceid_core.recognition import model_files, openset
from faceid_core.recognition.model_files import AGAIN, StoredModel
from faceid_core.recognition.scoring import Floats
from faceid_core.settings import Settings
from faceid_core.values import DetectedFace, Guess, Image, Recognised, Vectors
from faceid_core.vision import embedding
from faceid_core.vision.dlib_resnet import DlibResNet, Exact
from faceid_core.vision.embedder import MIRROR, Embedder
from faceid_core.vision.embedding import make_embedder

if TYPE_CHECKING:
    from faceid_core.vision.detector import Detector

RUNNERS_UP = 3
"""Further candidates that an answer names."""

AT_ONCE = 32
"""Faces that are embedded between two looks at whether anybody still waits: a third of a second on two cores."""

REPEAT_PROBABILITY = 0.95
"""A second face of one photo gets the same name only from here on (a mirror, a picture on the wall)."""


NO_VECTORS = np.zeros((0, 0), np.float32)

TUNED = "tuned"
"""The name of an embedder that belongs to one recogniser."""


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedFaces:
    """The faces that were found in one photo, from left to right, and their vectors (N, D). found_by: see
    Recogniser.token."""

    faces: list[DetectedFace]
    vectors: Vectors
    found_by: str


class Recogniser:
    """Knows the people of one training. Any number of threads may call `recognise`."""

    def __init__(self, model: StoredModel, detector: Detector, embedder: Embedder) -> None:
        self.classes, self.threshold = model.classes, model.threshold
        self.scorer = model.scorer()
        self.calibration = model.calibration
        self._detector, self.embedder = detector, embedder
        self.token = secrets.token_hex(8)
        """Tells it from every other one: only the same can name faces by the vectors that it made."""
        # dlib's detectors keep buffers, and two runs of a network at once only double the memory, which ONNX
        # Runtime never gives back: each uses all cores.
        self._one_search, self._one_embedding = threading.Lock(), threading.Lock()

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        settings: Settings,
        detector: Detector | None = None,
        embedder: Callable[[Settings], Embedder] | None = None,
        threads: int | None = None,
    ) -> Recogniser:
        """Read a folder that `model_files.write` wrote.

        detector, embedder: those to share with others; by default they are loaded for this recogniser alone.
        Raises ModelUnusable for files that are missing, damaged or made for another embedder; EngineError.
        """
        from faceid_core.vision.detection import make_detector

        model = model_files.read(folder)
        network = _embedder(model, settings, threads, embedder)
        if model.tensors["rows"].shape[1] != network.dimension:
            raise ModelUnusable(f"The files of the recogniser are damaged; {AGAIN}")
        return cls(model, detector or make_detector(settings, threads=threads), network)

    def at(self, threshold: float) -> Recogniser:
        """The same with this threshold."""
        if threshold == self.threshold:
            return self
        found = copy(self)
        found.threshold = threshold
        return found

    def recognise(
        self, image: Image, *, threshold: float | None = None, go_on: Callable[[], None] = lambda: None
    ) -> list[Recognised]:
        """Everybody in an upright photo (H, W, 3) uint8, left to right; [] without a face.

        threshold: the probability from which a name is said, default the calibrated one. A face below is nobody:
        name None, probability that it is not the nearest person, and runners_up that start with that one.
        go_on: called before the search and every AT_ONCE faces; what it raises ends the work.
        """
        found = self.find(image, go_on)
        return self.label(found.faces, found.vectors, threshold=threshold)

    def find(self, image: Image, go_on: Callable[[], None] = lambda: None) -> EmbeddedFaces:
        """The faces of an upright photo (H, W, 3) uint8, for `label`. go_on: see `recognise`."""
        with self._one_search:
            go_on()
            found = sorted(self._detector.detect(image), key=lambda face: (face.box.left, face.box.top))
        vectors = []
        for start in range(0, len(found), AT_ONCE):
            crops = [self.embedder.align(image, face.landmarks) for face in found[start : start + AT_ONCE]]
            vectors.append(self.embed(np.stack(crops), go_on))
        return EmbeddedFaces(found, np.concatenate(vectors) if vectors else NO_VECTORS, self.token)

    def embed(self, crops: Image, go_on: Callable[[], None] = lambda: None) -> Vectors:
        """Aligned faces (N, 150, 150, 3) uint8 -> vectors (N, D), once nobody else embeds. go_on: called then."""
        with self._one_embedding:
            go_on()
            return self.embedder.embed(crops)

    @property
    def repeat(self) -> float:
        """The probability from which a second face of one photo gets a name that another one has."""
        return max(REPEAT_PROBABILITY, self.threshold)

    def label(
        self, faces: list[DetectedFace], vectors: Vectors, *, threshold: float | None = None
    ) -> list[Recognised]:
        """Name the detected faces of one photo by their vectors (N, D) from this recogniser's embedder."""
        if not faces:
            return []
        shares = self.probabilities(vectors)
        limit = self.threshold if threshold is None else threshold
        answers = openset.assign(shares, limit, max(REPEAT_PROBABILITY, limit))
        named = [self._answer(*face) for face in zip(faces, shares, answers, strict=True)]
        return sorted(named, key=lambda face: (face.box.left, face.box.top))

    def probabilities(self, vectors: Vectors) -> Floats:
        """(N, D) vectors from this recogniser's embedder -> (N, K) how probable each person is."""
        return openset.probabilities(self.scorer(vectors), self.calibration)

    def _answer(self, face: DetectedFace, shares: np.ndarray, person: int | None) -> Recognised:
        best = [int(place) for place in openset.best_first(shares, RUNNERS_UP + 1) if place != person][:RUNNERS_UP]
        runners_up = tuple(Guess(self.classes[index], float(shares[index])) for index in best)
        if person is None:
            return Recognised(face.box, None, float(1 - shares.max()), runners_up, face.score)
        return Recognised(face.box, self.classes[person], float(shares[person]), runners_up, face.score)


class _TunedEmbedder(DlibResNet):
    """The embedder with a body that was trained further."""

    def __init__(self, weights: ResNetWeights, settings: Settings, *, threads: int | None) -> None:
        graph = graphs.embedder_graph(weights).SerializeToString()
        self._runs_on(Exact(sessions.load(graph, settings, threads=threads)), settings)
        self.name = TUNED


def check_embedder(model: StoredModel, settings: Settings) -> None:
    """Raises ModelUnusable for a model that was trained for another embedder than the library has."""
    base = model.embedder.removesuffix(MIRROR)
    if base == embedding.name_of(settings).removesuffix(MIRROR):
        return
    names = {full: name for name, full in embedding.base_names(settings).items()}
    wanted = f"set FACEID_EMBEDDER={names[base]}, or {AGAIN}" if base in names else AGAIN
    raise ModelUnusable(f"The recogniser was trained for the embedder {model.embedder}; {wanted}")


def _embedder(
    model: StoredModel,
    settings: Settings,
    threads: int | None,
    shared: Callable[[Settings], Embedder] | None,
) -> Embedder:
    """The embedder that the model was trained on; mirrored as then, whatever the settings say now."""
    check_embedder(model, settings)
    settings = settings.model_copy(update={"mirror": model.embedder.endswith(MIRROR)})
    tuned = model_files.body_weights(model.tensors)
    if tuned is None:
        return shared(settings) if shared else make_embedder(settings, threads=threads)
    return _TunedEmbedder(tuned, settings, threads=threads)


def summary(faces: list[Recognised]) -> str:
    """In words: "Amy, Penny and 2 people I don't know"."""
    if not faces:
        return "No face was found."
    parts = list(dict.fromkeys(face.name for face in faces if face.name is not None))
    unknown = sum(face.name is None for face in faces)
    if unknown:
        parts.append("1 unknown person" if unknown == 1 else f"{unknown} unknown people")
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
