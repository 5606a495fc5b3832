"""Converts decoded pixels to upright (H, W, 3) uint8 RGB, strip by strip."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from faceid_core.media.orientation import as_stored
from faceid_core.values import Image

_STRIP_ROWS = 256


def upright_pixels(image: Pillow.Image, orientation: int) -> Image:
    """Convert to (H,W,3) uint8, in strips that are written directly to their place: only the result is full
    size."""
    width, height = image.size
    turned = orientation >= 5
    pixels = np.empty((width, height, 3) if turned else (height, width, 3), np.uint8)
    target = as_stored(pixels, orientation)
    to_rgb = _converter(image)
    for top in range(0, height, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, height)
        target[top:bottom] = to_rgb(image.crop((0, top, width, bottom)))
    return pixels


def _converter(image: Pillow.Image) -> Callable[[Pillow.Image], npt.NDArray[Any]]:
    """Return a function that converts a strip to (h, w, 3) uint8 RGB, or (h, w, 1) for a grey image."""
    if image.mode.startswith(("I", "F")):
        return _deep_grey(image)
    if image.mode == "CMYK" and image.info.get("icc_profile"):
        return _from_profile(image.info["icc_profile"])
    if image.mode == "LAB":
        from PIL import ImageCms

        return _from_profile(ImageCms.createProfile("LAB"), "LAB")
    if image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info:
        return _on_white
    return lambda strip: np.asarray(strip if strip.mode == "RGB" else strip.convert("RGB"))


def _on_white(strip: Pillow.Image) -> npt.NDArray[np.uint8]:
    strip = strip.convert("RGBA")
    white = Pillow.new("RGB", strip.size, (255, 255, 255))
    white.paste(strip, mask=strip.getchannel("A"))
    return np.asarray(white)


def _deep_grey(image: Pillow.Image) -> Callable[[Pillow.Image], npt.NDArray[np.uint8]]:
    """Convert grey of more than 8 bits. White is the mode's usual full scale, or the largest value beyond it."""
    high = float(np.nanmax(image.getextrema()))
    scales = (65535.0,) if image.mode.startswith("I") else (1.0, 255.0, 65535.0)  # floats: 0 to 1, mostly
    full = next((scale for scale in scales if high <= scale), high)

    def convert(strip: Pillow.Image) -> npt.NDArray[np.uint8]:
        values = np.nan_to_num(np.asarray(strip, np.float32))
        scaled: npt.NDArray[np.uint8] = (np.clip(values * (255.0 / full), 0, 255) + 0.5).astype(np.uint8)
        return scaled[:, :, None]

    return convert


def _from_profile(profile: Any, mode: str = "CMYK") -> Callable[[Pillow.Image], npt.NDArray[Any]]:
    """Convert with the embedded colour profile, or without it if it is invalid."""
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile)) if isinstance(profile, bytes) else profile
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, TypeError):
        return lambda strip: np.asarray(strip.convert("RGB"))
    return lambda strip: np.asarray(ImageCms.applyTransform(strip, transform))
