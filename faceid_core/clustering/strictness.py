"""One slider between fewer mixed groups and fewer groups, with the error to expect at each place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LOOSEST, STRICTEST = -2, 2

STEP = 0.02 / 0.48
"""Share of the default threshold by which one step of the slider changes it."""

_MIXED = (0.088, 0.048, 0.019, 0.005, 0.001)
_SCATTERED = (0.023, 0.034, 0.044, 0.065, 0.147)
"""From the loosest to the strictest: 1 - BCubed precision and 1 - BCubed recall of density-linkage on 2,736 faces
of 1,156 people (Labeled Faces in the Wild, people sets 1 and 2). `tests/bench/grouping.py --sweep` prints them."""


@dataclass(frozen=True, slots=True)
class Expected:
    """mixed: share of a face's group that is someone else; scattered: share of a face's person that is elsewhere.
    Both 0 to 1, the mean over all faces."""

    mixed: float
    scattered: float


def stricter(threshold: float, strictness: float) -> float:
    """The distance to group by at a place of the slider: 0 the default threshold, 2 the strictest, -2 the loosest.

    Raises ValueError beyond these.
    """
    if not LOOSEST <= strictness <= STRICTEST:
        raise ValueError(f"strictness must be from {LOOSEST} to {STRICTEST}, not {strictness}")
    return round(threshold * (1 - STEP * strictness), 3)


def expected(strictness: float) -> Expected:
    """What to expect of density-linkage on photos like those it was measured on; between places, in between."""
    places = range(LOOSEST, STRICTEST + 1)
    return Expected(*(float(np.interp(strictness, places, errors)) for errors in (_MIXED, _SCATTERED)))
