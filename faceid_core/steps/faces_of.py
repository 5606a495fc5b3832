"""The faces of a picture that belongs to no library: where they are, and their vectors. Nothing is stored."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceid_core.errors import UnreadableImage
from faceid_core.library import Library
from faceid_core.steps.load_vectors import load_detector, load_embedder
from faceid_core.values import Box, DetectedFace, Image, Quality

Vector = npt.NDArray[np.float32]

_one_embedding = threading.Lock()
"""See Recogniser: two at once gain nothing."""


class NoFaceFound(UnreadableImage):
    """A picture without a face where one is needed."""


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face in its picture: box in pixels, the detector's score, landmarks (5, 2), quality."""

    box: Box
    score: float
    landmarks: npt.NDArray[np.float32]
    quality: Quality


def detect(library: Library, image: Image) -> list[Face]:
    """The faces of an upright picture (H, W, 3) uint8, from left to right. Raises EngineError."""
    return [_judged(image, face) for face in _search(library, image)]


def embed(library: Library, image: Image) -> list[tuple[Face, Vector]]:
    """The same with the library's vectors (D,). Raises EngineError."""
    faces = _search(library, image)
    if not faces:
        return []
    embedder = load_embedder(library.settings)
    crops = np.stack([embedder.align(image, face.landmarks) for face in faces])
    with _one_embedding:
        vectors = embedder.embed(crops)
    return [(_judged(image, face), vector) for face, vector in zip(faces, vectors, strict=True)]


def largest(library: Library, image: Image, name: str) -> tuple[Face, Vector]:
    """The largest face with its vector. Raises NoFaceFound, which calls the picture by `name`."""
    faces = embed(library, image)
    if not faces:
        raise NoFaceFound(f"No face was found on the picture “{name}”; send one that shows a face from the front.")
    return max(faces, key=lambda face: face[0].box.area)


def space(library: Library) -> tuple[str, float]:
    """The embedder's name, and the distance below which two of its vectors are usually of one person."""
    embedder = load_embedder(library.settings)
    return embedder.name, embedder.default_threshold


def _search(library: Library, image: Image) -> Sequence[DetectedFace]:
    found = load_detector(library.settings).detect(image)
    return sorted(found, key=lambda face: (face.box.left, face.box.top))


def _judged(image: Image, face: DetectedFace) -> Face:
    from faceid_core.vision import quality

    return Face(face.box, face.score, face.landmarks, quality.assess(image, face))
