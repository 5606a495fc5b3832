"""Export what the library knows, one row per face."""

from __future__ import annotations

from pathlib import Path

from faceid_core.exchange.face_table import EXPORTERS
from faceid_core.exchange.saving import save
from faceid_core.library import Library


def export(library: Library, file: Path) -> int:
    """Write every face to `file`, whose suffix chooses the format; an existing file is replaced only when done.

    Returns the number of faces. Raises UnknownChoice, PathNotFound, NotWritable.
    """
    return save(library.faces.rows_for_export(), file, EXPORTERS, what="export")
