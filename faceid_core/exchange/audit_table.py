"""Writes the audit table: one line per action, to document who did what and when."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain, islice
from typing import Any

from faceid_core.exchange.face_table import as_text

COLUMNS = ("number", "at", "actor", "kind", "summary", "undone_at", "undone_by")
"""The columns that scripts may rely on, in this order. Times are UTC in ISO 8601."""

LINES = 500
"""Lines per block, about 50 kB."""


def csv_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the lines of a CSV, header first, one by one to save memory. rows: with COLUMNS.

    Text that a spreadsheet would run as a formula gets an apostrophe in front; see `face_table.as_text`.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for cells in chain([COLUMNS], ([_cell(row[name]) for name in COLUMNS] for row in rows)):
        writer.writerow(cells)
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def blocks(lines: Iterable[str]) -> Iterator[str]:
    """Join lines into blocks: for a server, the overhead per line would exceed the cost of the line."""
    waiting = iter(lines)
    while piece := "".join(islice(waiting, LINES)):
        yield piece


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value.isoformat(timespec='seconds')}Z"
    return as_text(value) if isinstance(value, str) else value
