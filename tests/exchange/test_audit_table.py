"""The audit as CSV: UTC times, no formulas, and no memory for a million lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from itertools import count, islice
from typing import Any

from faceid_core.exchange.audit_table import COLUMNS, LINES, blocks, csv_lines


def row(number: int, **changed: Any) -> dict[str, Any]:
    at = datetime(2026, 3, 1, 12, 30, 5, 999)
    usual = {"number": number, "at": at, "actor": "owner", "kind": "name", "summary": "Named", "undone_at": None}
    return {**usual, "undone_by": None, **changed}


def test_times_are_utc_and_missing_ones_empty() -> None:
    lines = list(csv_lines([row(7)]))
    assert lines == [",".join(COLUMNS) + "\n", "7,2026-03-01T12:30:05Z,owner,name,Named,,\n"]


def test_no_cell_is_a_formula_and_each_is_one_cell() -> None:
    evil = '=HYPERLINK("http://x")\nNamed, “Ada”'
    [found] = csv.DictReader(io.StringIO("".join(csv_lines([row(1, actor="@SUM(A1)", summary=evil)]))))
    assert found["actor"] == "'@SUM(A1)" and found["summary"] == f"'{evil}"


def test_lines_come_one_by_one() -> None:
    read = 0

    def endless() -> Iterator[dict[str, Any]]:
        nonlocal read
        while True:
            read += 1
            yield row(read)

    assert len(list(islice(csv_lines(endless()), 1000))) == 1000 and read == 999


def test_blocks_are_the_same_text_and_come_one_by_one() -> None:
    lines = list(csv_lines(row(number) for number in range(2 * LINES + 3)))
    pieces = list(blocks(lines))
    assert "".join(pieces) == "".join(lines) and len(pieces) == 3
    endless = blocks(csv_lines(map(row, count())))
    assert next(endless).count("\n") == next(endless).count("\n") == LINES
