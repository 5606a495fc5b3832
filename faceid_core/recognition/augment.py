"""Light changes to an aligned face, as another photo of the same moment would show them."""

from __future__ import annotations

import numpy as np

from faceid_core.values import Image

DEGREES, SCALE, SHIFT_PX = 8.0, 0.07, 5.0
CONTRAST, BRIGHTNESS = (0.75, 1.3), 15.0
BLUR_SHARE, BLUR_PX = 0.35, (40.0, 110.0)
"""This share of faces is scaled down to that many pixels and up again, like a face far away."""


def augment(crops: Image, rng: np.random.Generator) -> Image:
    """(N, H, W, 3) uint8 -> the same shape: turned, scaled, shifted, lit differently, some blurred.

    Not mirrored: embeddings already average a face with its mirror image.
    """
    return np.stack([_changed(crop, rng) for crop in crops]) if len(crops) else crops


def _changed(crop: Image, rng: np.random.Generator) -> Image:
    import cv2

    size = (crop.shape[1], crop.shape[0])
    matrix = cv2.getRotationMatrix2D(
        (size[0] / 2, size[1] / 2), rng.uniform(-DEGREES, DEGREES), rng.uniform(1 - SCALE, 1 + SCALE)
    )
    matrix[:, 2] += rng.uniform(-SHIFT_PX, SHIFT_PX, 2)
    moved = cv2.warpAffine(crop, matrix, size, borderMode=cv2.BORDER_REFLECT)
    if rng.random() < BLUR_SHARE:
        small = int(rng.uniform(*BLUR_PX))
        moved = cv2.resize(cv2.resize(moved, (small, small), interpolation=cv2.INTER_AREA), size)
    lit = moved.astype(np.float32) * rng.uniform(*CONTRAST) + rng.uniform(-BRIGHTNESS, BRIGHTNESS)
    return np.asarray(np.clip(lit, 0, 255), np.uint8)
