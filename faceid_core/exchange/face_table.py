"""Writers for a table with one row per face, for spreadsheets and scripts."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from faceid_core.exchange.export_content import batches

COLUMNS = (
    "photo", "left", "top", "right", "bottom", "score", "quality", "cluster", "person", "label_source",
)  # fmt: skip
"""The columns that scripts may rely on, in this order. Boxes are pixels of the upright photo."""

DECIMALS = {"left": 2, "top": 2, "right": 2, "bottom": 2, "score": 4, "quality": 4}
"""Decimals written per column: more would be numerical noise."""

FORMULA_STARTS = ("=", "+", "-", "@", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}",
                  "\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}")  # fmt: skip
"""Text that begins with one of these is a formula to a spreadsheet (OWASP, "CSV Injection")."""

Row = Mapping[str, Any]

ROWS_AT_ONCE = 50_000
"""Rows of one row group of Parquet."""


def write_csv(rows: Iterable[Row], file: Path) -> int:
    """UTF-8, comma-separated, a header line; missing values are empty. Returns the number of faces.

    Text that a spreadsheet would run as a formula gets an apostrophe in front; see `as_text`.
    """
    written = 0
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        for row in rows:
            cells = _rounded(row).items()
            writer.writerow({name: as_text(cell) if isinstance(cell, str) else cell for name, cell in cells})
            written += 1
    return written


def write_json(rows: Iterable[Row], file: Path) -> int:
    """A UTF-8 array of objects; missing values are null. Returns the number of faces."""
    faces = [_rounded(row) for row in rows]
    file.write_text(json.dumps(faces, ensure_ascii=False, indent=1), encoding="utf-8")
    return len(faces)


def write_parquet(rows: Iterable[Row], file: Path) -> int:
    """A table with a type for each column; missing values are null. Returns the number of faces."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    number, text = pa.float64(), pa.string()
    types = {"photo": text, "cluster": pa.int64(), "person": text, "label_source": text}
    schema = pa.schema([(name, types.get(name, number)) for name in COLUMNS])
    written = 0
    with pq.ParquetWriter(file, schema) as writer:
        for some in batches(rows, ROWS_AT_ONCE):
            writer.write_table(pa.Table.from_pylist([_rounded(row) for row in some], schema))
            written += len(some)
    return written


def as_text(cell: str) -> str:
    """The cell as a spreadsheet shows it rather than runs it: one apostrophe in front of what looks like a formula.

    Apostrophes and spaces in front of a formula's sign don't count, so the step is reversible: where one of
    FORMULA_STARTS follows the leading apostrophes and spaces, dropping the first apostrophe gives the text back.

    >>> as_text("=1+1"), as_text("'=1+1"), as_text("Anna"), as_text("O'Hara")
    ("'=1+1", "''=1+1", 'Anna', "O'Hara")
    """
    return f"'{cell}" if cell.lstrip("' \t\r\n").startswith(FORMULA_STARTS) else cell


def _rounded(row: Row) -> dict[str, Any]:
    return {
        name: round(row[name], DECIMALS[name]) if name in DECIMALS and row[name] is not None else row[name]
        for name in COLUMNS
    }


EXPORTERS: dict[str, Callable[[Iterable[Row], Path], int]] = {
    ".csv": write_csv,
    ".json": write_json,
    ".parquet": write_parquet,
}
"""Suffix -> writer. A writer keeps COLUMNS and their order, and returns the number of faces."""
