"""Boxes and names drawn onto pictures, with Pillow alone. Pictures come and go as arrays and are never changed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from faceid_core.values import Box, Image, Recognised
from faceid_core.wording import name_or_unknown

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

    Font = FreeTypeFont | ImageFont

MARGIN = 0.35
"""Room around a face that is cut out, as a share of its box."""

CLOSE_UP_PX = 320
"""About the longer side of a close-up: a small face is enlarged by a whole number."""


SURE = 0.9
"""The probability from which a name counts as sure."""

COLOURS = {"sure": "#0f766e", "likely": "#b45309", "unknown": "#57534e"}
"""By how sure a name is; white text can be read on each."""


def certainty(face: Recognised) -> str:
    """“sure”, “likely” or “unknown”."""
    if face.name is None:
        return "unknown"
    return "sure" if face.probability >= SURE else "likely"


@dataclass(frozen=True, slots=True)
class Label:
    """A box with a text below it. colour: of the box, and of the label behind the white text, as CSS writes it."""

    box: Box
    text: str
    colour: str


def draw(image: Image, labels: Sequence[Label], font: Callable[[int], Font]) -> Image:
    """The picture (H, W, 3) with all boxes and texts; lines and letters grow with it. font: pixels -> a font."""
    canvas = Pillow.fromarray(image)
    pen = ImageDraw.Draw(canvas)
    unit = max(2, round(max(image.shape[:2]) / 400))
    for label in labels:
        pen.rounded_rectangle(label.box.as_tuple(), radius=3 * unit, outline="white", width=unit + 1 + unit // 2)
        pen.rounded_rectangle(label.box.as_tuple(), radius=3 * unit, outline=label.colour, width=unit)
        _write(pen, label, font(10 * unit), canvas.size, unit)
    return np.asarray(canvas)


def draw_names(image: Image, faces: Sequence[Recognised]) -> Image:
    """The picture (H, W, 3) with a box and a name for every face, coloured by how sure the name is."""
    return draw(image, [_label(face) for face in faces], label_font)


def _label(face: Recognised) -> Label:
    share = "" if face.name is None else f"  {face.probability:.0%}"
    return Label(face.box, name_or_unknown(face.name) + share, COLOURS[certainty(face)])


@lru_cache(maxsize=32)
def label_font(size_px: int) -> Font:
    """The pages' font, which Streamlit brings along, for names on pictures. Pillow's own, the fallback, knows ASCII
    only."""
    from PIL import ImageFont

    found = find_spec("streamlit")
    folder = Path(found.origin).parent / "static" / "static" / "media" if found and found.origin else Path()
    try:
        font = ImageFont.truetype(str(next(folder.glob("SourceSansVF-Upright*.woff2"))), size_px)
        font.set_variation_by_axes([600])
    except (StopIteration, OSError):
        return ImageFont.load_default(size=size_px)
    return font


def _write(pen: ImageDraw.ImageDraw, label: Label, font: Font, size: tuple[int, int], unit: int) -> None:
    """The text under the box, moved into the picture where it would stick out."""
    left, top, right, bottom = pen.textbbox((0, 0), label.text, font=font)
    width, height = right - left + 6 * unit, bottom - top + 5 * unit
    x = min(max(0, label.box.left), max(0, size[0] - width))
    y = min(label.box.bottom + unit, size[1] - height)
    pen.rounded_rectangle((x, y, x + width, y + height), radius=3 * unit, fill=label.colour)
    pen.text((x + 3 * unit - left, y + 2 * unit - top), label.text, font=font, fill="white")


BLUR_CELLS = 4
"""Across a blurred face: 16 mean colours, of which nobody recognises anybody, human or network."""

BLUR_MARGIN = 0.25
"""Around a blurred box, as a share of its sides: the ellipse within then covers the box, and some hair."""


def blurred(image: Image, boxes: Sequence[Box]) -> Image:
    """The picture (H, W, 3) with an ellipse of a few smoothed mean colours over each box. What is below is gone,
    not hidden."""
    canvas = Pillow.fromarray(image)
    for box in boxes:
        area = _whole(box, canvas.size)
        if area is None:
            continue
        size = (area[2] - area[0], area[3] - area[1])
        cells = canvas.crop(area).resize((BLUR_CELLS, BLUR_CELLS), Pillow.Resampling.BOX)
        mask = Pillow.new("L", size)
        ImageDraw.Draw(mask).ellipse((0, 0, size[0] - 1, size[1] - 1), fill=255)
        canvas.paste(cells.resize(size, Pillow.Resampling.BICUBIC), area[:2], mask)
    return np.asarray(canvas)


def _whole(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """The box with its margin in whole pixels; it may reach out of the picture. None where it lies outside."""
    x, y = box.width * BLUR_MARGIN, box.height * BLUR_MARGIN
    left, top = math.floor(box.left - x), math.floor(box.top - y)
    right, bottom = math.ceil(box.right + x), math.ceil(box.bottom + y)
    if right <= max(left, 0) or bottom <= max(top, 0) or left >= size[0] or top >= size[1]:
        return None
    return left, top, right, bottom


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


def contact_sheet(pictures: Sequence[Image] | Image, *, columns: int = 10, side_px: int = 96) -> Image:
    """Square pictures side by side on white, (H, W, 3), each `side_px` wide; rows of `columns`, the last one filled
    up. Without a picture the sheet has no height."""
    rows, gap = -(-len(pictures) // columns), max(1, side_px // 24)
    step = side_px + gap
    sheet = Pillow.new(
        "RGB", (min(columns, max(len(pictures), 1)) * step - gap, max(rows * step - gap, 0)), "white"
    )
    for place, picture in enumerate(pictures):
        small = Pillow.fromarray(np.asarray(picture)).resize((side_px, side_px), Pillow.Resampling.LANCZOS)
        sheet.paste(small, (place % columns * step, place // columns * step))
    return np.asarray(sheet)
