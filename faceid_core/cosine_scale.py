"""How the cosines of one embedder stand to dlib's, on which every constant of recognition was chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

LENGTH = 1.42
"""The mean length of dlib's vectors: made equally long, their distances stay in the scale that people know."""

SAME_PERSON = 0.55
"""Distance of two such vectors below which they usually show one person."""

Cosine = TypeVar("Cosine", float, npt.NDArray[np.float64])


@dataclass(frozen=True, slots=True)
class CosineScale:
    """dlib's cosine is 1 - factor * (1 - cosine) of the other embedder: 1 stays 1, and so does the identity."""

    factor: float = 1.0

    @classmethod
    def of(cls, same_person: float) -> CosineScale:
        """same_person: distance of the embedder's vectors of length 1 below which two usually show one person.

        >>> round(CosineScale.of(1.1).factor, 3), CosineScale.of(SAME_PERSON / LENGTH).factor
        (0.124, 1.0)
        """
        return cls((SAME_PERSON / LENGTH / same_person) ** 2)

    @property
    def offset(self) -> float:
        """What is added to factor * cosine."""
        return 1.0 - self.factor

    def from_dlib(self, cosine: Cosine) -> Cosine:
        """The embedder's own cosine that means what this one means on dlib's space."""
        return cosine if self.factor == 1 else (cosine - self.offset) / self.factor

    def to_dlib(self, cosine: Cosine) -> Cosine:
        """The other way round."""
        return cosine if self.factor == 1 else cosine * self.factor + self.offset


DLIB = CosineScale()
"""Of the embedder that the constants were chosen on."""
