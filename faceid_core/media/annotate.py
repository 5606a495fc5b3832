"""Boxes and names drawn onto pictures, with Pillow alone. Pictures come and go as arrays and are never changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from faceid_core.values import Box, Image

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

    Font = FreeTypeFont | ImageFont

MARGIN = 0.35
"""Room around a face that is cut out, as a share of its box."""

CLOSE_UP_PX = 320
"""About the longer side of a close-up: a small face is enlarged by a whole number."""


@dataclass(frozen=True, slots=True)
class Label:
    """A box with a text below it. colour: of the label behind the white text, as CSS writes it."""

    box: Box
    text: str
    colour: str


def draw(image: Image, labels: Sequence[Label], font: Callable[[int], Font]) -> Image:
    """The picture (H, W, 3) with all boxes and texts; lines and letters grow with it. font: pixels -> a font."""
    canvas = Pillow.fromarray(image)
    pen = ImageDraw.Draw(canvas)
    unit = max(2, round(max(image.shape[:2]) / 400))
    for label in labels:
        pen.rounded_rectangle(label.box.as_tuple(), radius=3 * unit, outline="white", width=unit + 1)
        _write(pen, label, font(10 * unit), canvas.size, unit)
    return np.asarray(canvas)


def _write(pen: ImageDraw.ImageDraw, label: Label, font: Font, size: tuple[int, int], unit: int) -> None:
    """The text under the box, moved into the picture where it would stick out."""
    left, top, right, bottom = pen.textbbox((0, 0), label.text, font=font)
    width, height = right - left + 6 * unit, bottom - top + 5 * unit
    x = min(max(0, label.box.left), max(0, size[0] - width))
    y = min(label.box.bottom + unit, size[1] - height)
    pen.rounded_rectangle((x, y, x + width, y + height), radius=3 * unit, fill=label.colour)
    pen.text((x + 3 * unit - left, y + 2 * unit - top), label.text, font=font, fill="white")


def cut_out(image: Image, box: Box, margin: float = MARGIN) -> tuple[Image, tuple[int, int]]:
    """The face with some room around it, within the image, and the (left, top) where that part begins."""
    height, width = image.shape[:2]
    x, y = box.width * margin, box.height * margin
    left, top = max(0, int(box.left - x)), max(0, int(box.top - y))
    return image[top : min(height, int(box.bottom + y)), left : min(width, int(box.right + x))], (left, top)


def close_up(image: Image, box: Box) -> Image:
    """The face cut out and enlarged to about CLOSE_UP_PX, its box drawn."""
    crop, (left, top) = cut_out(image, box)
    scale = max(1, round(CLOSE_UP_PX / max(crop.shape[:2])))
    canvas = Pillow.fromarray(np.ascontiguousarray(crop)).resize((crop.shape[1] * scale, crop.shape[0] * scale))
    edges = [scale * (edge - origin) for edge, origin in zip(box.as_tuple(), (left, top) * 2, strict=True)]
    width = max(2, round(max(canvas.size) / 130))
    ImageDraw.Draw(canvas).rounded_rectangle(edges, radius=4 * width, outline="white", width=width)
    return np.asarray(canvas)
