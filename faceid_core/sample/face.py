"""How a face is drawn: layered shapes on a large canvas, turned by parallax, shaded by a light, then shrunk.

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

OVERSAMPLING = 2


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
class _Canvas:
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
        self._patch(points, colour, lambda draw, moved: draw.polygon(moved, fill=255), 0, blur, opacity)

    def line(
        self, points: list[Point], width: float, colour: Colour, *, blur: float = 0.0, opacity: float = 1.0
    ) -> None:
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
        if opacity < 1:
            mask = mask.point([round(value * opacity) for value in range(256)])
        layer = Image.new("RGBA", mask.size, (*colour, 0))
        layer.putalpha(mask)
        self.image.alpha_composite(layer, at)

    def ellipse(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, *, relief: float = 0.0, blur: float = 0.0,
        opacity: float = 1.0, tilt: float = 0.0,
    ) -> None:  # fmt: skip
        angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        dx, dy = rx * np.cos(angle), ry * np.sin(angle)
        points = [
            self.place(x + a * np.cos(tilt) - b * np.sin(tilt), y + a * np.sin(tilt) + b * np.cos(tilt), relief)
            for a, b in zip(dx, dy, strict=True)
        ]
        self.polygon(points, colour, blur=blur, opacity=opacity)

    def stroke(
        self, points: list[tuple[float, float]], width: float, colour: Colour, *, blur: float = 0.0,
        opacity: float = 1.0, relief: float = 0.0,
    ) -> None:  # fmt: skip
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


def render(person: Identity, shot: Shot, unit: float, rng: np.random.Generator) -> Image.Image:
    """The person as RGBA, `unit` pixels a half face width; the origin is at (REACH_X, REACH_UP) units."""
    canvas = _Canvas(person, shot, unit * OVERSAMPLING)
    _back_hair(canvas)
    _body(canvas)
    _head(canvas)
    _beard(canvas)
    _nose(canvas)
    _mouth(canvas)
    for side in (-1, 1):
        _eye(canvas, side)
        _brow(canvas, side)
    _age(canvas)
    _front_hair(canvas, rng)
    _glasses(canvas)
    lit = _lit(canvas)
    return lit.resize((lit.width // OVERSAMPLING, lit.height // OVERSAMPLING), Image.Resampling.LANCZOS)


def _outline(canvas: _Canvas, grow: float = 1.0) -> list[Point]:
    """The head: an ellipse that the jaw narrows and the chin lengthens."""
    person = canvas.person
    points = []
    for angle in np.linspace(0, 2 * np.pi, 120, endpoint=False):
        x, y = np.cos(angle), np.sin(angle)
        below = max(y, 0.0)
        squarer = np.sign(x) * abs(x) ** (0.80 + 0.3 * person.jaw)
        width = squarer * (1 - person.jaw * 0.55 * below**2) * (1 + 0.10 * below * (0.4 - person.jaw))
        points.append(canvas.flat(width * grow, (y * person.height + below**3 * person.chin) * grow))
    return points


def _body(canvas: _Canvas) -> None:
    person = canvas.person
    shade = mixed(person.skin, (60, 25, 15), 0.28)
    neck = [(-0.52, 0.6), (0.52, 0.6), (0.60, 2.1), (-0.60, 2.1)]
    canvas.polygon([canvas.flat(x, y) for x, y in neck], shade)
    top, bottom = person.height + 0.45, REACH_DOWN + 0.2
    shoulders = [(-2.25, bottom), (-2.15, top + 0.55), (-1.5, top + 0.18), (-0.6, top), (0.6, top),
                 (1.5, top + 0.18), (2.15, top + 0.55), (2.25, bottom)]  # fmt: skip
    canvas.polygon([canvas.flat(x, y) for x, y in shoulders], person.shirt, blur=0.02)
    collar = [(-0.62, top - 0.02), (0.62, top - 0.02), (0.0, top + 0.5)]
    canvas.polygon([canvas.flat(x, y) for x, y in collar], shade)


def _head(canvas: _Canvas) -> None:
    person = canvas.person
    dark, light = mixed(person.skin, (70, 25, 15), 0.30), mixed(person.skin, (255, 240, 225), 0.35)
    for side in (-1, 1):
        x = side * (0.98 + person.ear * 0.35) - canvas.shot.yaw * 0.3
        ear = [canvas.flat(x + person.ear * np.cos(a), 0.12 + 0.27 * np.sin(a)) for a in np.linspace(0, 6.28, 24)]
        canvas.polygon(ear, mixed(person.skin, dark, 0.5))
    face = canvas.mask(_outline(canvas))
    canvas.fill(face, person.skin)
    inner = canvas.mask(_outline(canvas, 0.84), blur=0.12)
    rim = ImageChops.subtract(face, inner)
    canvas.fill(rim, dark, 0.55)
    canvas.ellipse(0, -0.62, 0.55, 0.30, light, blur=0.16, opacity=0.45)
    canvas.ellipse(0, person.height * 0.84, 0.22, 0.14, light, blur=0.10, opacity=0.30)
    for side in (-1, 1):
        canvas.ellipse(side * 0.55, 0.30, 0.24, 0.20, light, blur=0.12, opacity=0.35)
        canvas.ellipse(side * 0.56, 0.42, 0.26, 0.17, (214, 96, 84), blur=0.13, opacity=0.12 + 0.3 * person.blush)
        canvas.ellipse(side * person.eye_spacing, -0.12, 0.30, 0.19, dark, blur=0.08, opacity=0.55)


def _eye(canvas: _Canvas, side: int) -> None:
    person, shot = canvas.person, canvas.shot
    x, y = side * person.eye_spacing, -0.10
    width, height = person.eye_width, person.eye_height * (1 - 0.35 * shot.smile)
    dark = mixed(person.skin, (40, 15, 10), 0.72)
    across = np.linspace(-1, 1, 15)

    def lid(direction: float, bulge: float) -> list[tuple[float, float]]:
        return [
            (x + width * t, y - side * person.eye_tilt * t + direction * bulge * (1 - abs(t) ** 2.2))
            for t in across
        ]

    upper, lower = lid(-1, height), lid(1, height * 0.75)
    shape = [canvas.place(*point) for point in upper + lower[::-1]]
    canvas.polygon(shape, (242, 238, 232))
    cx, cy = canvas.place(x + shot.gaze * width * 0.5, y - height * 0.08)
    canvas.iris((cx, cy), shape)
    canvas.stroke(upper, 0.045, dark, blur=0.008)
    canvas.stroke(lower, 0.018, dark, blur=0.01, opacity=0.6)
    crease = [(px, py - 0.07) for px, py in upper[2:-2]]
    canvas.stroke(crease, 0.022, dark, blur=0.012, opacity=0.55)


def _brow(canvas: _Canvas, side: int) -> None:
    person = canvas.person
    base = -0.10 - person.brow_lift - 0.03 * canvas.shot.open
    along = np.linspace(0, 1, 12)
    spread = person.eye_spacing - person.eye_width - 0.04, person.eye_spacing + person.eye_width + 0.10
    middle = [
        (side * (spread[0] + (spread[1] - spread[0]) * t), base - person.brow_arch * np.sin(np.pi * t * 0.75) * 1.3)
        for t in along
    ]
    thick = [person.brow_weight * (0.95 - 0.75 * t**1.5) for t in along]
    upper = [canvas.place(x, y - w / 2) for (x, y), w in zip(middle, thick, strict=True)]
    lower = [canvas.place(x, y + w / 2) for (x, y), w in zip(middle, thick, strict=True)]
    colour = mixed(person.hair, (30, 20, 16), 0.45)
    canvas.polygon(upper + lower[::-1], colour, blur=0.012, opacity=0.92)


def _nose(canvas: _Canvas) -> None:
    person = canvas.person
    dark, light = mixed(person.skin, (70, 25, 15), 0.42), mixed(person.skin, (255, 244, 232), 0.45)
    tip, width = person.nose_length, person.nose_width
    turn = np.sign(canvas.shot.light or 1.0)
    canvas.stroke([(turn * 0.10, -0.12), (turn * 0.11, tip * 0.5), (turn * width * 0.95, tip - 0.02)], 0.07, dark,
                  blur=0.04, opacity=0.55, relief=0.12)  # fmt: skip
    canvas.stroke([(0, -0.10), (0, tip - 0.04)], 0.075, light, blur=0.035, opacity=0.55, relief=0.22)
    canvas.ellipse(0, tip, width * 0.62, 0.10, mixed(person.skin, light, 0.3), relief=0.25, blur=0.03, opacity=0.8)
    for side in (-1, 1):
        canvas.ellipse(side * width * 0.78, tip + 0.01, width * 0.36, 0.085, mixed(person.skin, dark, 0.35),
                       relief=0.10, blur=0.025, opacity=0.8)  # fmt: skip
        canvas.ellipse(side * width * 0.45, tip + 0.065, width * 0.27, 0.032, mixed(dark, (20, 8, 6), 0.6),
                       relief=0.14, blur=0.012)  # fmt: skip
    canvas.stroke([(-width, tip + 0.05), (0, tip + 0.12), (width, tip + 0.05)], 0.03, dark, blur=0.02, opacity=0.7,
                  relief=0.12)  # fmt: skip


def _mouth(canvas: _Canvas) -> None:
    person, shot = canvas.person, canvas.shot
    y = person.nose_length + person.mouth_drop
    width = person.mouth_width * (1 + 0.28 * shot.smile)
    lip = mixed(person.skin, (176, 52, 56), 0.55)
    across = np.linspace(-1, 1, 21)
    bend = [0.10 * shot.smile * (1 - t * t) - 0.02 * shot.smile for t in across]
    line = [(width * t, y + b) for t, b in zip(across, bend, strict=True)]
    gape = [0.15 * shot.open * (1 - t * t) for t in across]
    bow = [person.lips * 0.8 * (1 - abs(t) ** 1.6) * (1 - 0.22 * np.exp(-((t / 0.16) ** 2))) for t in across]
    full = [person.lips * 1.1 * (1 - abs(t) ** 2) for t in across]
    top = [(x, py - b) for (x, py), b in zip(line, bow, strict=True)]
    low = [(x, py + g) for (x, py), g in zip(line, gape, strict=True)]
    bottom = [(x, py + b) for (x, py), b in zip(low, full, strict=True)]
    canvas.polygon([canvas.place(*p) for p in top + line[::-1]], mixed(lip, (70, 20, 24), 0.22), blur=0.01)
    canvas.polygon([canvas.place(*p) for p in low + bottom[::-1]], lip, blur=0.01)
    if shot.open > 0.05:
        canvas.polygon([canvas.place(*p) for p in line + low[::-1]], (70, 22, 26))
        teeth = [(x, py + g * 0.55) for (x, py), g in zip(line, gape, strict=True)]
        canvas.polygon([canvas.place(*p) for p in line[3:-3] + teeth[3:-3][::-1]], (244, 240, 232), blur=0.006)
    canvas.stroke(line, 0.026, mixed(lip, (40, 10, 12), 0.75), blur=0.008)
    canvas.ellipse(0, y + person.lips * 1.1 + 0.14 + 0.15 * shot.open, width * 0.5, 0.04,
                   mixed(person.skin, (70, 25, 15), 0.4), blur=0.04, opacity=0.55)  # fmt: skip


def _beard(canvas: _Canvas) -> None:
    person = canvas.person
    y = person.nose_length + person.mouth_drop
    colour = mixed(person.hair, (30, 20, 16), 0.25)
    if person.beard:
        below = [(-1.2, 0.42), (-0.62, y - 0.06), (0.62, y - 0.06), (1.2, 0.42), (1.2, 2.2), (-1.2, 2.2)]
        lower = canvas.mask([canvas.flat(*point) for point in below], blur=0.06)
        face = canvas.mask(_outline(canvas, 1.02), blur=0.02)
        canvas.fill(ImageChops.multiply(lower, face), colour, person.beard)
    if person.moustache:
        canvas.ellipse(0, y - 0.15, person.mouth_width * 1.05, 0.075, colour, blur=0.02, opacity=0.85)


def _age(canvas: _Canvas) -> None:
    person = canvas.person
    dark = mixed(person.skin, (70, 25, 15), 0.5)
    strength = min(person.age * 0.8 + 0.25 * canvas.shot.smile, 0.85)
    for side in (-1, 1):
        fold = [(side * (person.nose_width + 0.06), person.nose_length), (side * (person.mouth_width + 0.12), 0.75),
                (side * (person.mouth_width + 0.13), 0.88)]  # fmt: skip
        canvas.stroke(fold, 0.03, dark, blur=0.022, opacity=strength * 0.7)
        bag = [(side * (person.eye_spacing + t * 0.18), 0.09 + 0.05 * (1 - t * t)) for t in (-1, 0, 1)]
        canvas.stroke(bag, 0.026, dark, blur=0.02, opacity=person.age * 0.8)
    for row in range(3):
        line = [(t * 0.5, -0.72 + 0.11 * row + 0.02 * t * t) for t in (-1, -0.5, 0, 0.5, 1)]
        canvas.stroke(line, 0.02, dark, blur=0.015, opacity=max(person.age - 0.3, 0) * 0.9)
    if person.freckles:
        marks = np.random.default_rng(len(person.name)).normal((0, 0.25), (0.38, 0.10), (46, 2))
        for x, y in marks:
            canvas.ellipse(float(x), float(y), 0.016, 0.014, mixed(person.skin, (120, 60, 30), 0.6), blur=0.004)


def _back_hair(canvas: _Canvas) -> None:
    person = canvas.person
    length = {"long": 2.3, "bob": 1.25, "curly": 0.95, "fringe": 1.7}.get(person.haircut)
    if length is None:
        return
    wide = 1.42 if person.haircut == "curly" else 1.24
    points = [canvas.flat(wide * np.cos(a), -0.35 + 1.28 * np.sin(a)) for a in np.linspace(np.pi, 2 * np.pi, 40)]
    points += [canvas.flat(wide, length * 0.6), canvas.flat(wide * 0.86, length), canvas.flat(-wide * 0.86, length),
               canvas.flat(-wide, length * 0.6)]  # fmt: skip
    canvas.polygon(points, mixed(person.hair, (0, 0, 0), 0.28), blur=0.012)


def _front_hair(canvas: _Canvas, rng: np.random.Generator) -> None:
    person = canvas.person
    if person.haircut == "bald":
        return
    line, top = {"receding": (-1.02, 1.04), "short": (-0.78, 1.12), "curly": (-0.66, 1.24), "fringe": (-0.44, 1.14),
                 "bun": (-0.84, 1.08)}.get(person.haircut, (-0.74, 1.14))  # fmt: skip
    line *= person.height / 1.35
    shift = canvas.shot.yaw * 0.25
    crown = [
        canvas.flat(1.06 * np.cos(a), top * person.height * np.sin(a)) for a in np.linspace(0.06, -np.pi - 0.06, 50)
    ]
    inner = [
        canvas.flat(x + shift * (1 - abs(x)), line + 0.78 * abs(x) ** 3.2 + 0.05 * np.sin(5 * x + len(person.name)))
        for x in np.linspace(-0.98, 0.98, 25)
    ]
    canvas.polygon(crown + inner, person.hair, blur=0.014)
    shine = mixed(person.hair, (255, 240, 220), 0.35)
    for x in np.linspace(-0.75, 0.75, 16) + rng.normal(0, 0.02, 16):
        strand = [
            (x * 0.75, line - 0.05),
            (x * 0.9, (line - top * person.height) / 2),
            (x * 0.6, -top * person.height * 0.94),
        ]
        canvas.line([canvas.flat(*point) for point in strand], 0.02, shine, blur=0.012, opacity=0.30)
    if person.haircut == "bun":
        bun = [
            canvas.flat(0.42 * np.cos(a), -person.height * 1.18 + 0.36 * np.sin(a))
            for a in np.linspace(0, 6.28, 30)
        ]
        canvas.polygon(bun, mixed(person.hair, (0, 0, 0), 0.12), blur=0.015)


def _glasses(canvas: _Canvas) -> None:
    person = canvas.person
    if not person.glasses:
        return
    colour = ((26, 26, 30), (120, 74, 36))[person.glasses - 1]
    ring, square = np.linspace(0, 2 * np.pi, 40), 0.62 if person.glasses == 1 else 1.0
    for side in (-1, 1):
        points = [
            (
                side * person.eye_spacing + 0.33 * np.sign(np.cos(a)) * abs(np.cos(a)) ** square,
                -0.07 + 0.25 * np.sign(np.sin(a)) * abs(np.sin(a)) ** square,
            )
            for a in ring
        ]
        canvas.polygon([canvas.place(*point, 0.12) for point in points], (220, 235, 245), opacity=0.10)
        canvas.stroke(points, 0.05, colour, relief=0.12)
    bridge = person.eye_spacing - 0.33
    canvas.stroke([(-bridge, -0.12), (0, -0.15), (bridge, -0.12)], 0.05, colour, relief=0.16)


def _lit(canvas: _Canvas) -> Image.Image:
    """Shade the whole figure from one side, as a lamp or window would."""
    pixels = np.asarray(canvas.image).astype(np.float32)
    across = np.linspace(-1, 1, pixels.shape[1])[None, :] * REACH_X
    down = np.linspace(-REACH_UP, REACH_DOWN, pixels.shape[0])[:, None] / 1.4
    side = np.clip(across * np.sin(canvas.shot.light) - down * 0.45, -1.6, 1.6)
    shade = 1.0 + canvas.shot.contrast * 0.38 * side
    pixels[..., :3] = np.clip(pixels[..., :3] * shade[..., None], 0, 255)
    return Image.fromarray(pixels.astype(np.uint8), "RGBA")
