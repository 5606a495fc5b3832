"""Draws boxes and names on pictures, using only Pillow. Pictures are arrays, and inputs are never modified."""

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
"""Margin around a cropped face, relative to its box."""

CLOSE_UP_PX = 320
"""Approximate longer side of a close-up: small faces are enlarged by an integer factor."""


SURE = 0.9
"""Minimum probability for a name to count as sure."""

COLOURS = {"sure": "#0f766e", "likely": "#b45309", "unknown": "#57534e"}
"""By certainty of the name. White text is readable on each."""


def certainty(face: Recognised) -> str:
    """Return “sure”, “likely” or “unknown”."""
    if face.name is None:
        return "unknown"
    return "sure" if face.probability >= SURE else "likely"


@dataclass(frozen=True, slots=True)
class Label:
    """A box with text below it. colour: of the box and of the background of the white text, in CSS notation."""

    box: Box
    text: str
    colour: str


def draw(image: Image, labels: Sequence[Label], font: Callable[[int], Font]) -> Image:
    """Draw boxes and texts on a picture (H, W, 3). Lines and text scale with it. font: size in pixels -> font."""
    canvas = Pillow.fromarray(image)
    pen = ImageDraw.Draw(canvas)
    unit = max(2, round(max(image.shape[:2]) / 400))
    for label in labels:
        pen.rounded_rectangle(label.box.as_tuple(), radius=3 * unit, outline="white", width=unit + 1 + unit // 2)
        pen.rounded_rectangle(label.box.as_tuple(), radius=3 * unit, outline=label.colour, width=unit)
        _write(pen, label, font(10 * unit), canvas.size, unit)
    return np.asarray(canvas)


def draw_names(image: Image, faces: Sequence[Recognised]) -> Image:
    """Draw a box and a name for every face on a picture (H, W, 3), coloured by certainty."""
    return draw(image, [_label(face) for face in faces], label_font)


def _label(face: Recognised) -> Label:
    share = "" if face.name is None else f"  {face.probability:.0%}"
    return Label(face.box, name_or_unknown(face.name) + share, COLOURS[certainty(face)])


@lru_cache(maxsize=32)
def label_font(size_px: int) -> Font:
    """Return the font of the pages, which comes with Streamlit. The fallback, Pillow's own font, is ASCII only."""
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
    """Draw the text below the box, moved inside the picture if necessary."""
    left, top, right, bottom = pen.textbbox((0, 0), label.text, font=font)
    width, height = right - left + 6 * unit, bottom - top + 5 * unit
    x = min(max(0, label.box.left), max(0, size[0] - width))
    y = min(label.box.bottom + unit, size[1] - height)
    pen.rounded_rectangle((x, y, x + width, y + height), radius=3 * unit, fill=label.colour)
    pen.text((x + 3 * unit - left, y + 2 * unit - top), label.text, font=font, fill="white")


BLUR_CELLS = 4
"""Cells across a blurred face: 16 mean colours, from which neither humans nor networks recognise anyone."""

BLUR_MARGIN = 0.25
"""Margin around a blurred box, relative to its sides, so that the inscribed ellipse covers the box and some
hair."""


def blurred(image: Image, boxes: Sequence[Box]) -> Image:
    """Cover each box of a picture (H, W, 3) with an ellipse of a few smoothed mean colours. The pixels below are
    replaced, not just hidden."""
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
    """Return the box with its margin in whole pixels; it may extend beyond the picture. None if it lies outside."""
    x, y = box.width * BLUR_MARGIN, box.height * BLUR_MARGIN
    left, top = math.floor(box.left - x), math.floor(box.top - y)
    right, bottom = math.ceil(box.right + x), math.ceil(box.bottom + y)
    if right <= max(left, 0) or bottom <= max(top, 0) or left >= size[0] or top >= size[1]:
        return None
    return left, top, right, bottom


def cut_out(image: Image, box: Box, margin: float = MARGIN) -> tuple[Image, tuple[int, int]]:
    """Crop a face with a margin, within the image. Returns the crop and its (left, top)."""
    height, width = image.shape[:2]
    x, y = box.width * margin, box.height * margin
    left, top = max(0, int(box.left - x)), max(0, int(box.top - y))
    return image[top : min(height, int(box.bottom + y)), left : min(width, int(box.right + x))], (left, top)


def close_up(image: Image, box: Box) -> Image:
    """Crop a face, enlarge it to about CLOSE_UP_PX, and draw its box."""
    crop, (left, top) = cut_out(image, box)
    scale = max(1, round(CLOSE_UP_PX / max(crop.shape[:2])))
    canvas = Pillow.fromarray(np.ascontiguousarray(crop)).resize((crop.shape[1] * scale, crop.shape[0] * scale))
    edges = [scale * (edge - origin) for edge, origin in zip(box.as_tuple(), (left, top) * 2, strict=True)]
    width = max(2, round(max(canvas.size) / 130))
    ImageDraw.Draw(canvas).rounded_rectangle(edges, radius=4 * width, outline="white", width=width)
    return np.asarray(canvas)


def contact_sheet(pictures: Sequence[Image] | Image, *, columns: int = 10, side_px: int = 96) -> Image:
    """Arrange square pictures on white, (H, W, 3), each `side_px` wide, `columns` per row; the last row is padded.
    Without pictures, the height is 0."""
    rows, gap = -(-len(pictures) // columns), max(1, side_px // 24)
    step = side_px + gap
    sheet = Pillow.new(
        "RGB", (min(columns, max(len(pictures), 1)) * step - gap, max(rows * step - gap, 0)), "white"
    )
    for place, picture in enumerate(pictures):
        small = Pillow.fromarray(np.asarray(picture)).resize((side_px, side_px), Pillow.Resampling.LANCZOS)
        sheet.paste(small, (place % columns * step, place // columns * step))
    return np.asarray(sheet)
