"""Computes landmarks, quality and vector for faces at hand-drawn or moved boxes."""

from __future__ import annotations

import math

from faceid_core.geometry import SAME_FACE_IOU
from faceid_core.importing.photo import described
from faceid_core.values import Box, DetectedFace, Image, NewFace
from faceid_core.vision.detector import Detector, scaled
from faceid_core.vision.embedder import Embedder

AROUND = 1.0
"""Margin searched on each side of the box, relative to its longer side: detectors need the surroundings."""

FACE_PX = 200.0
"""Larger boxes are scaled down to this size: faces that fill the picture are harder to detect."""


def face_at(pixels: Image, box: Box, detector: Detector, embedder: Embedder) -> NewFace | None:
    """Return the face in a hand-drawn box on an upright photo (H, W, 3), with the landmarks of the detector's box.

    Returns None if the detector finds no face there even close up, such as for a head from behind: the landmarks
    would be made up, and the vector meaningless.
    """
    seen = _seen(pixels, box, detector)
    if seen is None:
        return None
    found = DetectedFace(box, seen.score, detector.landmarks(pixels, seen.box))
    return described(pixels, [found], embedder)[0]


def found_face(pixels: Image, box: Box, detector: Detector, embedder: Embedder) -> NewFace:
    """Return the face at a box that a detector found earlier."""
    face = DetectedFace(box, 1.0, detector.landmarks(pixels, box))
    return described(pixels, [face], embedder)[0]


def _seen(pixels: Image, box: Box, detector: Detector) -> DetectedFace | None:
    """Return the face that the detector finds in this place, in pixels of the photo."""
    height, width = pixels.shape[:2]
    margin = AROUND * max(box.width, box.height)
    left, top = max(math.floor(box.left - margin), 0), max(math.floor(box.top - margin), 0)
    right, bottom = min(math.ceil(box.right + margin), width), min(math.ceil(box.bottom + margin), height)
    factor = min(FACE_PX / max(box.width, box.height), 1.0)
    found = detector.detect(scaled(pixels[top:bottom, left:right], factor))
    faces = [_moved(face, factor, left, top) for face in found]
    return max((face for face in faces if _same(face.box, box)), key=lambda face: face.box.iou(box), default=None)


def _moved(face: DetectedFace, factor: float, left: int, top: int) -> DetectedFace:
    box = face.box.scaled(1 / factor)
    return DetectedFace(
        Box(box.left + left, box.top + top, box.right + left, box.bottom + top), face.score, face.landmarks
    )


def _same(found: Box, drawn: Box) -> bool:
    """Whether two boxes mean the same face. Users draw around the whole head, or just around eyes and mouth."""
    return found.iou(drawn) >= SAME_FACE_IOU or (_holds(found, drawn) and _holds(drawn, found))


def _holds(box: Box, other: Box) -> bool:
    """Whether the box contains the centre of the other one."""
    x, y = (other.left + other.right) / 2, (other.top + other.bottom) / 2
    return box.left <= x <= box.right and box.top <= y <= box.bottom
