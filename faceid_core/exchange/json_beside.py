"""A JSON file that another program put beside a photo."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from faceid_core.exchange.face_regions import UnusableName

LARGEST_BYTES = 1 << 20


def first(candidates: Iterable[Path]) -> Path | None:
    """The first of these places where a file lies."""
    return next((file for file in candidates if file.is_file()), None)


def read(file: Path) -> Any:
    """Its content. Raises OSError; ValueError or RecursionError for what is no JSON or too large."""
    if file.stat().st_size > LARGEST_BYTES:
        raise ValueError("it is larger than 1 MB")
    return json.loads(file.read_bytes())


def unusable(file: Path, program: str, error: Exception) -> UnusableName:
    """Why a file of this program could not be read, in words."""
    reason = getattr(error, "strerror", None) or f"it is no JSON of {program} ({error})"
    return UnusableName("", f"{file.name} names nobody: {reason}")
