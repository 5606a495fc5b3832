"""Numbers and file names in plain words, for whoever shows them."""

from __future__ import annotations

import os
from pathlib import Path


def count(number: int, singular: str, plural: str | None = None) -> str:
    """
    >>> count(1, "face"), count(1200, "face"), count(2, "person", "people")
    ('1 face', '1,200 faces', '2 people')
    """
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def file_name(path: Path | str) -> str:
    """The path as text that every file and terminal takes: bytes that are no UTF-8 become �.

    >>> file_name("caf" + chr(0xDCE9) + ".jpg")
    'caf�.jpg'
    """
    return os.fsencode(path).decode("utf-8", "replace")
