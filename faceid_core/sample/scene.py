"""Where the people of the sample album stand: backgrounds, the placing of figures, and what a camera adds."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from faceid_core.sample.face import REACH_UP, REACH_X, Shot, render
from faceid_core.sample.identity import Colour, Identity
from faceid_core.values import Box

Size = tuple[int, int]
Random = np.random.Generator

BOX_SIDE = 1.06
BOX_DROP = 0.26
"""The true box of a face: a square of 2 * BOX_SIDE half face widths, its centre BOX_DROP below the origin; that is
how the annotators of the detector's training data boxed faces (brows to chin)."""


def _gradient(size: Size, top: Colour, bottom: Colour) -> Image.Image:
    ramp = np.linspace(0, 1, size[1])[:, None, None]
    colours = np.array(top) * (1 - ramp) + np.array(bottom) * ramp
    return Image.fromarray(np.broadcast_to(colours, (size[1], size[0], 3)).astype(np.uint8), "RGB")


def _tint(rng: Random, low: int, high: int) -> Colour:
    red, green, blue = (int(value) for value in rng.integers(low, high, 3))
    return (red, green, blue)


def _room(size: Size, rng: Random) -> Image.Image:
    wall = _tint(rng, 150, 225)
    image = _gradient(size, wall, tuple(max(value - 50, 0) for value in wall))  # type: ignore[arg-type]
    draw = ImageDraw.Draw(image)
    width, height = size
    for _ in range(int(rng.integers(1, 4))):
        x, y = rng.uniform(0, width * 0.8), rng.uniform(0, height * 0.35)
        w, h = rng.uniform(0.10, 0.24) * width, rng.uniform(0.16, 0.34) * height
        draw.rectangle((x, y, x + w, y + h), fill=_tint(rng, 60, 120))
        draw.rectangle((x + 8, y + 8, x + w - 8, y + h - 8), fill=_tint(rng, 150, 250))
    draw.rectangle((0, height * 0.86, width, height), fill=_tint(rng, 70, 130))
    return image


def _park(size: Size, rng: Random) -> Image.Image:
    width, height = size
    image = _gradient(size, (150, 195, 235), (225, 236, 240))
    draw = ImageDraw.Draw(image)
    for x in rng.uniform(0, width, 14):
        radius, y = rng.uniform(0.06, 0.16) * width, rng.uniform(0.35, 0.55) * height
        green = int(rng.integers(80, 150))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(green // 2, green, green // 3))
    draw.rectangle((0, height * 0.6, width, height), fill=(104, 152, 76))
    return image


def _sea(size: Size, rng: Random) -> Image.Image:
    width, height = size
    image = _gradient(size, (126, 182, 232), (240, 226, 206))
    horizon = rng.uniform(0.42, 0.6) * height
    water = _gradient((width, max(int(height * 0.78 - horizon), 1)), (52, 120, 160), (112, 186, 196))
    image.paste(water, (0, int(horizon)))
    ImageDraw.Draw(image).rectangle((0, height * 0.78, width, height), fill=(226, 204, 160))
    return image


def _evening(size: Size, rng: Random) -> Image.Image:
    image = _gradient(size, (44, 40, 72), (110, 74, 84))
    draw = ImageDraw.Draw(image)
    for _ in range(45):
        x, y = rng.uniform(0, size[0]), rng.uniform(0, size[1])
        radius = rng.uniform(0.008, 0.03) * size[0]
        warm = (int(rng.integers(170, 255)), int(rng.integers(120, 200)), int(rng.integers(60, 140)))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=warm)
    return image


def _studio(size: Size, rng: Random) -> Image.Image:
    base = np.array(_tint(rng, 90, 200), np.float32)
    x = np.linspace(-1, 1, size[0])[None, :]
    y = np.linspace(-1, 1, size[1])[:, None]
    glow = np.exp(-(x**2 + y**2))[..., None]
    return Image.fromarray(np.clip(base * (0.65 + 0.5 * glow), 0, 255).astype(np.uint8), "RGB")


BACKGROUNDS: tuple[Callable[[Size, Random], Image.Image], ...] = (_room, _park, _sea, _evening, _studio)


def photograph(people: Sequence[Identity], size: Size, rng: Random) -> tuple[Image.Image, list[Box]]:
    """A photo (RGB) of the people from left to right, and the true box of each face in pixels."""
    image = BACKGROUNDS[int(rng.integers(len(BACKGROUNDS)))](size, rng)
    image = image.filter(ImageFilter.GaussianBlur(size[0] / 160))
    light = float(rng.uniform(-1.1, 1.1))
    boxes: list[Box | None] = [None] * len(people)
    places = _places(len(people), size, rng)
    # Whoever is smaller stands further back and is drawn first.
    for index in sorted(range(len(people)), key=lambda place: places[place][2]):
        boxes[index] = _place(image, people[index], places[index], light, rng)
    return _camera(image, rng), [box for box in boxes if box is not None]


def _places(count: int, size: Size, rng: Random) -> list[tuple[float, float, float]]:
    """(x, y, half face width) in pixels for each person."""
    width, height = size
    if count == 1:
        unit = rng.uniform(0.085, 0.17) * min(size) * 1.25
        return [(width * rng.uniform(0.38, 0.62), height * rng.uniform(0.40, 0.50), unit)]
    gap = width / (count + 0.35)
    unit = min(gap * 0.36, height * 0.13)
    return [
        (
            gap * (index + 0.67) + rng.normal(0, gap * 0.03),
            height * (0.46 + 0.07 * (-1) ** index) + rng.normal(0, height * 0.02),
            unit * rng.uniform(0.92, 1.05),
        )
        for index in range(count)
    ]


def _shot(light: float, rng: Random) -> Shot:
    return Shot(
        yaw=float(np.clip(rng.normal(0, 0.17), -0.38, 0.38)),
        pitch=float(np.clip(rng.normal(0, 0.06), -0.13, 0.13)),
        roll=float(rng.normal(0, 0.06)),
        smile=float(rng.uniform(0, 1)),
        open=float(rng.uniform(0.2, 0.9)) if rng.random() < 0.3 else 0.0,
        gaze=float(rng.uniform(-0.5, 0.5)),
        light=light + float(rng.normal(0, 0.15)),
        contrast=float(rng.uniform(0.15, 0.6)),
    )


def _place(
    image: Image.Image, person: Identity, place: tuple[float, float, float], light: float, rng: Random
) -> Box:
    x, y, unit = place
    shot = _shot(light, rng)
    figure = render(person, shot, unit, rng)
    centre = (REACH_X * unit, REACH_UP * unit)
    figure = figure.rotate(np.degrees(shot.roll), Image.Resampling.BICUBIC, center=centre)
    image.paste(figure, (round(x - centre[0]), round(y - centre[1])), figure)
    cx = x + unit * (BOX_DROP * np.sin(shot.roll) + 0.30 * np.sin(shot.yaw))
    cy = y + unit * (BOX_DROP * np.cos(shot.roll) + 0.30 * np.sin(shot.pitch))
    half = BOX_SIDE * unit
    return Box(*(round(float(edge), 1) for edge in (cx - half, cy - half, cx + half, cy + half)))


def _camera(image: Image.Image, rng: Random) -> Image.Image:
    """White balance, exposure, a little blur, sensor noise and compression."""
    image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.2, 0.9))))
    pixels = np.asarray(image, np.float32) * rng.uniform(0.84, 1.12) * rng.normal(1, 0.025, 3)
    pixels += rng.normal(0, rng.uniform(1.5, 5.0), pixels.shape[:2])[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8), "RGB")


def as_jpeg(image: Image.Image, quality: int, exif: Image.Exif) -> bytes:
    """The photo as a camera would store it."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, exif=exif)
    return buffer.getvalue()
