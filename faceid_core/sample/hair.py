"""Hair of the drawn people: what hangs behind the head, and what covers its top."""

from __future__ import annotations

import numpy as np

from faceid_core.sample.canvas import Canvas, mixed


def draw_back_hair(canvas: Canvas) -> None:
    """Draw the hair behind the head."""
    person = canvas.person
    length = {"long": 2.3, "bob": 1.25, "curly": 0.95, "fringe": 1.7}.get(person.haircut)
    if length is None:
        return
    wide = 1.42 if person.haircut == "curly" else 1.24
    points = [canvas.flat(wide * np.cos(a), -0.35 + 1.28 * np.sin(a)) for a in np.linspace(np.pi, 2 * np.pi, 40)]
    points += [canvas.flat(wide, length * 0.6), canvas.flat(wide * 0.86, length), canvas.flat(-wide * 0.86, length),
               canvas.flat(-wide, length * 0.6)]  # fmt: skip
    canvas.polygon(points, mixed(person.hair, (0, 0, 0), 0.28), blur=0.012)


def draw_front_hair(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw the hair in front of the forehead; the same rng draws the same strands."""
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
