"""Who is drawn: the features that stay the same in all photos of an invented person.

Lengths are in half face widths; colours are RGB, 0 to 255.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Colour = tuple[int, int, int]

SKIN: tuple[Colour, ...] = (
    (244, 208, 182), (112, 72, 50), (226, 178, 140), (178, 124, 88),
    (250, 220, 202), (84, 54, 40), (206, 154, 112), (146, 98, 70),
)  # fmt: skip
HAIR: tuple[Colour, ...] = (
    (38, 28, 24), (206, 164, 92), (98, 60, 34), (24, 22, 26), (150, 62, 30), (190, 186, 180), (70, 46, 34),
    (226, 202, 150),
)  # fmt: skip
EYES: tuple[Colour, ...] = (
    (84, 52, 30),
    (78, 120, 160),
    (82, 112, 70),
    (52, 36, 28),
    (120, 130, 140),
    (110, 84, 44),
)
HAIRCUTS = ("short", "long", "bob", "bald", "curly", "bun", "fringe", "receding")

NAMES = (
    "Amara", "Bruno", "Celia", "Davit", "Elif", "Felix", "Greta", "Hugo", "Ines", "Jonas", "Kemi", "Leon", "Mirja",
    "Nilo", "Orla", "Pavel", "Quinn", "Rosa", "Sami", "Thea", "Umar", "Vera", "Wanda", "Yusuf",
)  # fmt: skip
"""First names of nobody in particular; longer albums number them."""


@dataclass(frozen=True)
class Identity:
    """The parameters of a face. Offsets are in half face widths, strengths 0 to 1."""

    name: str
    skin: Colour
    hair: Colour
    eye: Colour
    haircut: str
    height: float
    jaw: float
    chin: float
    eye_spacing: float
    eye_width: float
    eye_height: float
    eye_tilt: float
    brow_lift: float
    brow_weight: float
    brow_arch: float
    nose_length: float
    nose_width: float
    mouth_width: float
    lips: float
    mouth_drop: float
    ear: float
    beard: float
    moustache: bool
    glasses: int
    age: float
    freckles: bool
    blush: float
    shirt: Colour


def person_name(index: int) -> str:
    """The name of the index-th person."""
    round_, place = divmod(index, len(NAMES))
    return NAMES[place] + (f" {round_ + 1}" if round_ else "")


def invent(index: int, seed: int) -> Identity:
    """The index-th person of an album: colours and cuts take turns, so that no two neighbours look alike; shapes
    are spread over their range by a golden-ratio sequence per feature, jittered by the seed."""
    rng = np.random.default_rng((seed, index, 77))
    shift = np.random.default_rng((seed, 5)).random(32)

    def spread(feature: int, low: float, high: float) -> float:
        ratio = (shift[feature] + (index + 1) * (0.618034 + 0.0917 * feature)) % 1.0
        return float(low + (high - low) * np.clip(ratio + rng.normal(0, 0.02), 0, 1))

    bearded = index % 5 in (1, 3) and rng.random() < 0.85
    return Identity(
        name=person_name(index),
        skin=_vary(SKIN[(index * 3 + seed) % len(SKIN)], rng),
        hair=_vary(HAIR[(index * 5 + index // 8 + seed) % len(HAIR)], rng),
        eye=EYES[(index * 5 + seed) % len(EYES)],
        haircut=HAIRCUTS[(index * 3 + index // 8) % len(HAIRCUTS)],
        height=spread(0, 1.18, 1.52),
        jaw=spread(1, 0.06, 0.42),
        chin=spread(2, 0.0, 0.16),
        eye_spacing=spread(3, 0.36, 0.50),
        eye_width=spread(4, 0.20, 0.28),
        eye_height=spread(5, 0.08, 0.135),
        eye_tilt=spread(6, -0.05, 0.06),
        brow_lift=spread(7, 0.19, 0.32),
        brow_weight=spread(8, 0.03, 0.10),
        brow_arch=spread(9, -0.02, 0.09),
        nose_length=spread(10, 0.36, 0.56),
        nose_width=spread(11, 0.13, 0.27),
        mouth_width=spread(12, 0.27, 0.46),
        lips=spread(13, 0.05, 0.14),
        mouth_drop=spread(14, 0.22, 0.36),
        ear=spread(15, 0.12, 0.22),
        beard=float(rng.uniform(0.55, 0.95)) if bearded else 0.0,
        moustache=bearded,
        glasses=(0, 0, 1, 0, 2, 0, 0, 1, 0)[(index * 4 + seed) % 9],
        age=spread(16, 0.0, 1.0) ** 2,
        freckles=index % 7 == 4,
        blush=spread(17, 0.0, 0.5),
        shirt=tuple(int(value) for value in rng.integers(40, 220, 3)),  # type: ignore[arg-type]
    )


def _vary(colour: Colour, rng: np.random.Generator) -> Colour:
    shifted = np.clip(np.array(colour) + rng.normal(0, 5, 3), 0, 255)
    return (int(shifted[0]), int(shifted[1]), int(shifted[2]))
