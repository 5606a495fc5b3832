"""A JSON file that another program put beside a photo."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from faceid_core.errors import SidecarUnusable
from faceid_core.exchange.face_regions import UnusableName
from faceid_core.media import small_file

LARGEST_BYTES = 1 << 20


def first(candidates: Iterable[Path]) -> Path | None:
    """The first of these places where a file lies."""
    return next((file for file in candidates if small_file.is_there(file)), None)


def read(file: Path) -> Any:
    """Its content. Raises OSError; ValueError or RecursionError for what is no JSON or too large."""
    try:
        return json.loads(small_file.content(file, LARGEST_BYTES))
    except SidecarUnusable as error:
        raise ValueError(str(error)) from error


def text(value: str) -> str:
    """A string of JSON, which may hold half of a character, as a text that can be stored and shown."""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def unusable(file: Path, program: str, error: Exception) -> UnusableName:
    """Why a file of this program could not be read, in words."""
    reason = getattr(error, "strerror", None) or f"it is no JSON of {program} ({error})"
    return UnusableName("", f"{file.name} names nobody: {reason}")
