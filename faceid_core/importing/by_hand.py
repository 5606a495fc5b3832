"""A face at a box that a human drew or moved: what of it can be computed."""

from __future__ import annotations

import math

from faceid_core.geometry import SAME_FACE_IOU
from faceid_core.importing.photo import described
from faceid_core.values import Box, DetectedFace, Image, NewFace
from faceid_core.vision.detector import Detector, scaled
from faceid_core.vision.embedder import Embedder

AROUND = 1.0
"""How much of the photo is searched on each side of the box, in its longer side: detectors want surroundings."""

FACE_PX = 200.0
"""A larger box is searched at this size: faces that fill the picture are found worse."""


def face_at(pixels: Image, box: Box, detector: Detector, embedder: Embedder) -> NewFace | None:
    """The face in a human's box on an upright photo (H, W, 3), with the landmarks that the detector's own box gives.

    None where the detector sees no face there even close up, as of a head from behind: landmarks would be made up,
    and the vector would be nobody's.
    """
    seen = _seen(pixels, box, detector)
    if seen is None:
        return None
    found = DetectedFace(box, seen.score, detector.landmarks(pixels, seen.box))
    return described(pixels, [found], embedder)[0]


def found_face(pixels: Image, box: Box, detector: Detector, embedder: Embedder) -> NewFace:
    """The face at a box that a detector gave before."""
    face = DetectedFace(box, 1.0, detector.landmarks(pixels, box))
    return described(pixels, [face], embedder)[0]


def _seen(pixels: Image, box: Box, detector: Detector) -> DetectedFace | None:
    """What the detector sees in this place, in pixels of the photo."""
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
    """Humans draw around the whole head, or around little more than eyes and mouth."""
    return found.iou(drawn) >= SAME_FACE_IOU or (_holds(found, drawn) and _holds(drawn, found))


def _holds(box: Box, other: Box) -> bool:
    """Whether the centre of the other one lies in the box."""
    x, y = (other.left + other.right) / 2, (other.top + other.bottom) / 2
    return box.left <= x <= box.right and box.top <= y <= box.bottom
