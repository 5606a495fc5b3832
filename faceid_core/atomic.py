"""Files that are complete or not there at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replaced(file: Path) -> Iterator[Path]:
    """A file in the same folder to write to, which takes the place of `file` at the end. After an error, which
    is raised on, `file` is as it was."""
    partial = file.with_name(f".{file.name}.partial")
    try:
        yield partial
        partial.replace(file)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
