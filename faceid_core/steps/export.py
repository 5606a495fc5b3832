"""Writers of what the library knows, one row per face."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from faceid_core.atomic import replaced
from faceid_core.errors import NotWritable, PathNotFound, UnknownChoice
from faceid_core.library import Library

COLUMNS = (
    "photo", "left", "top", "right", "bottom", "score", "quality", "cluster", "person", "label_source",
)  # fmt: skip
"""The columns that scripts may rely on, in this order. Boxes are pixels of the upright photo."""

DECIMALS = {"left": 2, "top": 2, "right": 2, "bottom": 2, "score": 4, "quality": 4}
"""What is written of each number: more digits would be noise of the arithmetic."""

Row = Mapping[str, Any]


def write_csv(rows: Iterable[Row], file: Path) -> int:
    """UTF-8, comma-separated, a header line; missing values are empty. Returns the number of faces."""
    written = 0
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        for row in rows:
            writer.writerow(_shown(row))
            written += 1
    return written


def write_json(rows: Iterable[Row], file: Path) -> int:
    """A UTF-8 array of objects; missing values are null. Returns the number of faces."""
    faces = [_shown(row) for row in rows]
    file.write_text(json.dumps(faces, ensure_ascii=False, indent=1), encoding="utf-8")
    return len(faces)


def _shown(row: Row) -> dict[str, Any]:
    return {
        name: round(row[name], DECIMALS[name]) if name in DECIMALS and row[name] is not None else row[name]
        for name in COLUMNS
    }


EXPORTERS: dict[str, Callable[[Iterable[Row], Path], int]] = {".csv": write_csv, ".json": write_json}


def export(library: Library, file: Path) -> int:
    """Write every face to `file`, whose suffix chooses the format; an existing file is replaced only when done.

    Returns the number of faces. Raises UnknownChoice, PathNotFound, NotWritable.
    """
    writer = EXPORTERS.get(file.suffix.lower())
    if writer is None:
        raise UnknownChoice(
            f"Name the export {' or '.join('*' + suffix for suffix in EXPORTERS)}, not {file.name}."
        )
    if not file.absolute().parent.is_dir():
        raise PathNotFound(f"There is no folder {file.absolute().parent}; create it or export somewhere else.")
    try:
        with replaced(file) as partial:
            return writer(library.faces.rows_for_export(), partial)
    except OSError as error:
        raise NotWritable(f"{file} can't be written ({error.strerror}); export to another folder.") from error
