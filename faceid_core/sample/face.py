"""How a face is drawn: layered shapes on a large canvas, shaded by a light, then shrunk."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageChops

from faceid_core.sample.canvas import REACH_DOWN, REACH_UP, REACH_X, Canvas, Point, Shot, mixed
from faceid_core.sample.hair import draw_back_hair, draw_front_hair
from faceid_core.sample.identity import Identity

OVERSAMPLING = 2
"""The figure is drawn this much larger and shrunk, which smooths its edges."""


def render(person: Identity, shot: Shot, unit: float, rng: np.random.Generator) -> Image.Image:
    """The person as RGBA, `unit` pixels a half face width; the origin is at (REACH_X, REACH_UP) units."""
    canvas = Canvas(person, shot, unit * OVERSAMPLING)
    draw_back_hair(canvas)
    _body(canvas)
    _head(canvas)
    _beard(canvas)
    _nose(canvas)
    _mouth(canvas)
    for side in (-1, 1):
        _eye(canvas, side)
        _brow(canvas, side)
    _age(canvas)
    draw_front_hair(canvas, rng)
    _glasses(canvas)
    lit = _lit(canvas)
    return lit.resize((lit.width // OVERSAMPLING, lit.height // OVERSAMPLING), Image.Resampling.LANCZOS)


def _outline(canvas: Canvas, grow: float = 1.0) -> list[Point]:
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


def _body(canvas: Canvas) -> None:
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


def _head(canvas: Canvas) -> None:
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


def _eye(canvas: Canvas, side: int) -> None:
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


def _brow(canvas: Canvas, side: int) -> None:
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


def _nose(canvas: Canvas) -> None:
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


def _mouth(canvas: Canvas) -> None:
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


def _beard(canvas: Canvas) -> None:
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


def _age(canvas: Canvas) -> None:
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


def _glasses(canvas: Canvas) -> None:
    person = canvas.person
    if not person.glasses:
        return
    colour = ((52, 50, 54), (120, 74, 36))[person.glasses - 1]
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
        canvas.stroke(points, 0.03, colour, relief=0.12)
    bridge = person.eye_spacing - 0.33
    canvas.stroke([(-bridge, -0.12), (0, -0.15), (bridge, -0.12)], 0.03, colour, relief=0.16)


def _lit(canvas: Canvas) -> Image.Image:
    """Shade the whole figure from one side, as a lamp or window would."""
    pixels = np.asarray(canvas.image).astype(np.float32)
    across = np.linspace(-1, 1, pixels.shape[1])[None, :] * REACH_X
    down = np.linspace(-REACH_UP, REACH_DOWN, pixels.shape[0])[:, None] / 1.4
    side = np.clip(across * np.sin(canvas.shot.light) - down * 0.45, -1.6, 1.6)
    shade = 1.0 + canvas.shot.contrast * 0.38 * side
    pixels[..., :3] = np.clip(pixels[..., :3] * shade[..., None], 0, 255)
    return Image.fromarray(pixels.astype(np.uint8), "RGBA")
