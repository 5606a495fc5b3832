"""Assesses how well a face can be recognised, by what impairs recognition: few pixels, blur, pose, bad light.

The components follow ISO/IEC 29794-5:2025 (face image quality): inter-eye size, sharpness, pose, illumination.
Their scales are set so that the middle half of LFW's centre faces is above 0.7 in each component.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from faceid_core.values import WEAK_PART, DetectedFace, Image, Quality

Floats = npt.NDArray[np.float32]

WEIGHTS = {"size": 0.3, "sharpness": 0.3, "pose": 0.25, "exposure": 0.15}
"""Exponents of the weighted geometric mean, in which one useless component makes the face useless."""

WORDS = {"size": "few pixels", "sharpness": "blurred", "pose": "turned away", "exposure": "badly lit"}
"""The wording for components below WEAK_PART, given as reasons for a low score."""

SIDE_PX = (20.0, 120.0)
"""Box sides, in source pixels, at which a face is useless, and from which more pixels add nothing: crops have
150."""

DETAIL = (0.03, 0.2)
ROUNDING = 20 / 12
"""Variance of the Laplacian (weights 4, -1, -1, -1, -1) caused by rounding brightness to integers."""
YAW, PITCH, LEVEL_PITCH = 0.6, 0.6, 0.78
DARK, BRIGHT = (0.06, 0.3), (0.98, 0.75)
CONTRAST = (0.02, 0.12)


def assess(image: Image, face: DetectedFace, crop: Image | None = None) -> Quality:
    """The quality of a face in its upright photo (H, W, 3). crop: the aligned face, where it is at hand."""
    if crop is None:
        from faceid_core.vision.alignment import align

        crop = align(image, face.landmarks)
    grey = luminance(crop)
    return combined(
        size=size(math.sqrt(max(face.box.area, 0.0))),
        sharpness=sharpness(grey),
        pose=pose(face.landmarks),
        exposure=exposure(grey),
    )


def combined(*, size: float, sharpness: float, pose: float, exposure: float) -> Quality:
    """The parts and their weighted geometric mean."""
    parts = {"size": size, "sharpness": sharpness, "pose": pose, "exposure": exposure}
    score = math.prod(parts[name] ** weight for name, weight in WEIGHTS.items())
    return Quality(**parts, score=score)


def weaknesses(parts: Mapping[str, float]) -> list[str]:
    """Return the weak components of a face in words, worst first; an empty list if there are none.

    >>> weaknesses({"size": 0.4, "sharpness": 0.1, "pose": 0.9, "exposure": 0.8})
    ['blurred', 'few pixels']
    """
    weak = sorted((part for part in WORDS if parts.get(part, 1.0) < WEAK_PART), key=lambda part: parts[part])
    return [WORDS[part] for part in weak]


def luminance(image: Image) -> Floats:
    """(H, W, 3) uint8 RGB -> (H, W) float32, 0 to 255 (ITU-R BT.601)."""
    return image.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


def size(side_px: float) -> float:
    """Rate the face's size in source pixels, on a logarithmic scale. Upscaling can't restore missing pixels."""
    return _ramp(math.log(max(side_px, 1.0)), math.log(SIDE_PX[0]), math.log(SIDE_PX[1]))


def sharpness(grey: Floats) -> float:
    """Rate the standard deviation of the Laplacian relative to that of the brightness: detail per contrast. grey:
    (H, W).

    The Laplacian's variance is a focus measure of Pech-Pacheco et al. (2000). The border is left out because an
    aligned crop may end in black there.
    """
    inner = grey[_margin(grey)]
    if min(inner.shape) < 3 or float(inner.std()) < 1:
        return 0.0
    laplacian = 4 * inner[1:-1, 1:-1] - inner[:-2, 1:-1] - inner[2:, 1:-1] - inner[1:-1, :-2] - inner[1:-1, 2:]
    signal = max(float(laplacian.var()) - ROUNDING, 0.0)
    detail = math.sqrt(signal) / float(inner.std())
    return _ramp(math.log(max(detail, 1e-6)), math.log(DETAIL[0]), math.log(DETAIL[1]))


def pose(landmarks: npt.NDArray[np.float32]) -> float:
    """Rate how frontal the head is, from landmarks (5, 2). Roll (tilting the head sideways) does not count.

    In units of the distance between the eyes, the base of the nose is LEVEL_PITCH below their midpoint on a level,
    frontal head (the median of LFW). Yaw moves it sideways, by about 0.3 at the 98th percentile; pitch up or down.
    """
    points = np.asarray(landmarks, np.float64)
    one, other = points[0:2].mean(axis=0), points[2:4].mean(axis=0)
    across = one - other
    between = float(np.linalg.norm(across))
    if not between:
        return 0.0
    nose = (points[4] - (one + other) / 2) / between
    across /= between
    yaw = float(nose @ across)
    pitch = float(nose @ np.array([-across[1], across[0]])) - LEVEL_PITCH
    return max(0.0, 1 - (yaw / YAW) ** 2) * max(0.0, 1 - (pitch / PITCH) ** 2)


def exposure(grey: Floats) -> float:
    """Rate the exposure: mean brightness in a wide range, enough contrast, few clipped pixels. grey: (H, W)."""
    inner = grey[_margin(grey)] / 255
    mean, clipped = float(inner.mean()), float(((inner < 0.015) | (inner > 0.985)).mean())
    return _ramp(mean, *DARK) * _ramp(mean, *BRIGHT) * _ramp(float(inner.std()), *CONTRAST) * (1 - clipped)


def _margin(grey: Floats) -> tuple[slice, slice]:
    """The inner 80% of an aligned crop."""
    height, width = grey.shape
    return slice(height // 10, height - height // 10), slice(width // 10, width - width // 10)


def _ramp(value: float, zero: float, one: float) -> float:
    """Interpolate linearly from 0 at `zero` to 1 at `one`, constant beyond."""
    return min(1.0, max(0.0, (value - zero) / (one - zero)))
