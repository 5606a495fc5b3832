"""Vectors as stored in the database: little-endian float32 bytes, all values finite."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from faceid_core.values import Vectors

logger = logging.getLogger(__name__)

AnyRow = TypeVar("AnyRow", bound=Sequence[Any])


def pack(vector: Any) -> bytes:
    """Return a vector (D,) as bytes."""
    return np.ascontiguousarray(vector, "<f4").tobytes()


def unpack(packed: Sequence[bytes]) -> Vectors:
    """Return stored vectors as (N, D) float32."""
    if not packed:
        return np.empty((0, 0), np.float32)
    return np.frombuffer(b"".join(packed), "<f4").reshape(len(packed), -1).astype(np.float32)


def is_finite(packed: bytes) -> bool:
    """Whether a stored vector is complete and contains neither NaN nor infinity."""
    return len(packed) % 4 == 0 and bool(np.isfinite(np.frombuffer(packed, "<f4")).all())


def usable(rows: Sequence[AnyRow], place: int) -> list[AnyRow]:
    """Return the rows whose vector, at index `place`, is finite. Older libraries may contain others, for which
    distances are meaningless: they are left out with a warning."""
    kept = [row for row in rows if is_finite(row[place])]
    if len(kept) < len(rows):
        logger.warning(
            "%d vectors are not finite and were left out; `faceid doctor --deep` says what to do.",
            len(rows) - len(kept),
        )
    return kept
