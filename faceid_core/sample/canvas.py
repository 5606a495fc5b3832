"""The canvas that faces are drawn on: shapes in face units, moved by the parallax of a turned head.

The canvas's unit is half a face width; the origin lies between the eyes and the nose; y points down.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from faceid_core.sample.identity import Colour, Identity

Point = tuple[float, float]
Stroke = Callable[[ImageDraw.ImageDraw, list[Point]], None]

REACH_X, REACH_UP, REACH_DOWN = 2.3, 2.1, 2.9
"""What the canvas covers around the origin, in half face widths: hair above, shoulders below."""


@dataclass(frozen=True)
class Shot:
    """How a face looks in one photo. yaw, pitch and roll in radians; smile and open are 0 to 1."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    smile: float = 0.3
    open: float = 0.0
    gaze: float = 0.0
    light: float = 0.0
    contrast: float = 0.35


@dataclass
class Canvas:
    """Drawing in face units, in perspective of the shot."""

    person: Identity
    shot: Shot
    unit: float
    image: Image.Image = field(init=False)

    def __post_init__(self) -> None:
        size = (round(2 * REACH_X * self.unit), round((REACH_UP + REACH_DOWN) * self.unit))
        self.image = Image.new("RGBA", size, (0, 0, 0, 0))

    def place(self, x: float, y: float, relief: float = 0.0) -> Point:
        """Where a point of the face lies on the canvas: what is nearer moves further when the head turns."""
        height = self.person.height
        depth = max(1.0 - x * x - (y / height) ** 2, 0.0) ** 0.5 + relief
        turned = x * np.cos(self.shot.yaw) + depth * np.sin(self.shot.yaw) * 0.75
        tilted = y * np.cos(self.shot.pitch) + depth * np.sin(self.shot.pitch) * 0.75
        return ((REACH_X + turned) * self.unit, (REACH_UP + tilted) * self.unit)

    def flat(self, x: float, y: float) -> Point:
        """A point that does not turn with the face: outline, neck, shoulders."""
        return ((REACH_X + x) * self.unit, (REACH_UP + y) * self.unit)

    def polygon(self, points: list[Point], colour: Colour, *, blur: float = 0.0, opacity: float = 1.0) -> None:
        """Fill a polygon of points on the canvas, in pixels; blur in face units, opacity 0 to 1."""
        self._patch(points, colour, lambda draw, moved: draw.polygon(moved, fill=255), 0, blur, opacity)

    def line(
        self, points: list[Point], width: float, colour: Colour, *, blur: float = 0.0, opacity: float = 1.0
    ) -> None:
        """Draw a line through points on the canvas, in pixels; width and blur in face units, opacity 0 to 1."""
        pixels = max(round(width * self.unit), 1)
        self._patch(
            points,
            colour,
            lambda draw, moved: draw.line(moved, fill=255, width=pixels, joint="curve"),
            pixels,
            blur,
            opacity,
        )

    def _patch(
        self, points: list[Point], colour: Colour, draw: Stroke, margin: float, blur: float, opacity: float
    ) -> None:
        """Draw on the shape's own rectangle: most shapes are small, and blurring the whole canvas is slow."""
        edge = margin + 3 * blur * self.unit + 2
        xs, ys = [x for x, _ in points], [y for _, y in points]
        left, top = max(int(min(xs) - edge), 0), max(int(min(ys) - edge), 0)
        right, bottom = min(int(max(xs) + edge), self.image.width), min(int(max(ys) + edge), self.image.height)
        if right <= left or bottom <= top:
            return
        mask = Image.new("L", (right - left, bottom - top))
        draw(ImageDraw.Draw(mask), [(x - left, y - top) for x, y in points])
        if blur:
            mask = mask.filter(ImageFilter.GaussianBlur(blur * self.unit))
        self.fill(mask, colour, opacity, (left, top))

    def mask(self, points: list[Point], *, blur: float = 0.0) -> Image.Image:
        """What a polygon covers of the whole canvas (an "L" image), softened by `blur` units."""
        mask = Image.new("L", self.image.size)
        ImageDraw.Draw(mask).polygon(points, fill=255)
        return mask.filter(ImageFilter.GaussianBlur(blur * self.unit)) if blur else mask

    def fill(self, mask: Image.Image, colour: Colour, opacity: float = 1.0, at: tuple[int, int] = (0, 0)) -> None:
        """Lay a colour through a mask whose top left corner is `at`, in pixels; opacity 0 to 1."""
        if opacity < 1:
            mask = mask.point([round(value * opacity) for value in range(256)])
        layer = Image.new("RGBA", mask.size, (*colour, 0))
        layer.putalpha(mask)
        self.image.alpha_composite(layer, at)

    def ellipse(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, *, relief: float = 0.0, blur: float = 0.0,
        opacity: float = 1.0,
    ) -> None:  # fmt: skip
        """Fill an ellipse; place, radii and blur in face units, opacity 0 to 1."""
        angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        dx, dy = rx * np.cos(angle), ry * np.sin(angle)
        points = [self.place(x + a, y + b, relief) for a, b in zip(dx, dy, strict=True)]
        self.polygon(points, colour, blur=blur, opacity=opacity)

    def stroke(
        self, points: list[tuple[float, float]], width: float, colour: Colour, *, blur: float = 0.0,
        opacity: float = 1.0, relief: float = 0.0,
    ) -> None:  # fmt: skip
        """Draw a line through points of the face; points, width and blur in face units, opacity 0 to 1."""
        self.line([self.place(x, y, relief) for x, y in points], width, colour, blur=blur, opacity=opacity)

    def iris(self, centre: Point, lids: list[Point]) -> None:
        """Iris, pupil and highlight, as far as the lids leave them free."""
        reach = round(0.13 * self.unit)
        left, top = round(centre[0]) - reach, round(centre[1]) - reach
        layer = Image.new("RGBA", (2 * reach, 2 * reach), (0, 0, 0, 0))
        draw = ImageDraw.Draw(layer)
        eye = self.person.eye
        for radius, colour, shift in (
            (0.115, mixed(eye, (0, 0, 0), 0.55), 0.0),
            (0.095, eye, 0.0),
            (0.048, (12, 10, 10), 0.0),
            (0.024, (255, 255, 255), -0.038),
        ):
            middle, r = reach + shift * self.unit, radius * self.unit
            draw.ellipse((middle - r, middle - r, middle + r, middle + r), fill=(*colour, 255))
        free = Image.new("L", layer.size)
        ImageDraw.Draw(free).polygon([(x - left, y - top) for x, y in lids], fill=255)
        layer.putalpha(ImageChops.multiply(layer.getchannel("A"), free))
        self.image.alpha_composite(layer, (left, top))


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """`share` of the other colour, the rest of the first."""
    values = [round(a * (1 - share) + b * share) for a, b in zip(colour, other, strict=True)]
    return (values[0], values[1], values[2])
