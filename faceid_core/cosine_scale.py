"""Converts an embedder's cosines to dlib's scale, on which all recognition constants were tuned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

LENGTH = 1.42
"""Mean length of dlib's vectors. Vectors scaled to this length have distances on dlib's familiar scale."""

SAME_PERSON = 0.55
"""Distance between two such vectors below which they usually show the same person."""

Cosine = TypeVar("Cosine", float, npt.NDArray[np.float64])


@dataclass(frozen=True, slots=True)
class CosineScale:
    """A linear map between cosines: dlib's cosine = 1 - factor * (1 - the embedder's cosine). It maps 1 to 1."""

    factor: float = 1.0

    @classmethod
    def of(cls, same_person: float) -> CosineScale:
        """same_person: distance between the embedder's unit vectors below which two usually show the same person.

        >>> round(CosineScale.of(1.1).factor, 3), CosineScale.of(SAME_PERSON / LENGTH).factor
        (0.124, 1.0)
        """
        return cls((SAME_PERSON / LENGTH / same_person) ** 2)

    @property
    def offset(self) -> float:
        """The constant term of the map: 1 - factor."""
        return 1.0 - self.factor

    def from_dlib(self, cosine: Cosine) -> Cosine:
        """Convert a cosine on dlib's scale to the embedder's."""
        return cosine if self.factor == 1 else (cosine - self.offset) / self.factor

    def to_dlib(self, cosine: Cosine) -> Cosine:
        """Convert the embedder's cosine to dlib's scale."""
        return cosine if self.factor == 1 else cosine * self.factor + self.offset


DLIB = CosineScale()
"""The identity scale, for dlib's own embedder."""
