"""Vectors as the database keeps them: little-endian float32 bytes, every number of them finite."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from faceid_core.values import Vectors

logger = logging.getLogger(__name__)

AnyRow = TypeVar("AnyRow", bound=Sequence[Any])


def pack(vector: Any) -> bytes:
    """One vector (D,) as bytes."""
    return np.ascontiguousarray(vector, "<f4").tobytes()


def unpack(packed: Sequence[bytes]) -> Vectors:
    """Stored vectors as (N, D) float32."""
    if not packed:
        return np.empty((0, 0), np.float32)
    return np.frombuffer(b"".join(packed), "<f4").reshape(len(packed), -1).astype(np.float32)


def is_finite(packed: bytes) -> bool:
    """Whether a stored vector is whole, and has neither NaN nor infinity in it."""
    return len(packed) % 4 == 0 and bool(np.isfinite(np.frombuffer(packed, "<f4")).all())


def usable(rows: Sequence[AnyRow], place: int) -> list[AnyRow]:
    """The rows whose vector, at `place`, is finite. Libraries of before may hold others, next to which no distance
    means anything: they are left out with a warning."""
    kept = [row for row in rows if is_finite(row[place])]
    if len(kept) < len(rows):
        logger.warning(
            "%d vectors are not finite and were left out; `faceid doctor --deep` says what to do.",
            len(rows) - len(kept),
        )
    return kept
