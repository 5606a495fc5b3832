"""What every writer of the face table keeps to, and cells that a spreadsheet must not run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceid_core.exchange.face_table import COLUMNS, EXPORTERS, FORMULA_STARTS, Row, as_text
from tests.contracts import READERS

Writer = Callable[[Iterable[Row], Path], int]


ROW: dict[str, Any] = {
    "photo": "/ø/a, b.jpg", "left": -1.23456, "top": 2.0, "right": 3.999, "bottom": 4.0, "score": 1.23456,
    "quality": 0.5, "cluster": 7, "person": 'Åsa "the boss", née Øre', "label_source": "human",
}  # fmt: skip
NOBODY = {**ROW, "cluster": None, "person": None, "label_source": None}
WRITERS = pytest.mark.parametrize(("suffix", "writer"), EXPORTERS.items(), ids=EXPORTERS)


@WRITERS
def test_a_writer_keeps_the_columns_in_their_order_and_counts_the_faces(
    suffix: str, writer: Writer, tmp_path: Path
) -> None:
    file = tmp_path / f"faces{suffix}"
    assert writer(iter([ROW, {**NOBODY, "more": "than asked for"}]), file) == 2
    rows = READERS[suffix](file)
    assert [tuple(row) for row in rows] == [COLUMNS, COLUMNS]


@WRITERS
def test_a_writer_rounds_numbers_and_keeps_what_is_missing_apart(
    suffix: str, writer: Writer, tmp_path: Path
) -> None:
    file = tmp_path / f"faces{suffix}"
    writer([ROW, NOBODY], file)
    first, second = READERS[suffix](file)
    assert first == {
        "photo": "/ø/a, b.jpg", "left": "-1.23", "top": "2.0", "right": "4.0", "bottom": "4.0", "score": "1.2346",
        "quality": "0.5", "cluster": "7", "person": 'Åsa "the boss", née Øre', "label_source": "human",
    }  # fmt: skip
    assert [name for name, value in second.items() if value is None] == ["cluster", "person", "label_source"]


@WRITERS
def test_a_writer_takes_no_rows_and_passes_errors_on(suffix: str, writer: Writer, tmp_path: Path) -> None:
    file = tmp_path / f"faces{suffix}"
    assert writer([], file) == 0
    assert READERS[suffix](file) == []

    def failing() -> Iterator[Row]:
        yield ROW
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        writer(failing(), file)


@pytest.mark.parametrize("sign", FORMULA_STARTS)
def test_a_name_that_is_a_formula_is_text_in_the_csv_and_itself_in_json(sign: str, tmp_path: Path) -> None:
    name = f"{sign}HYPERLINK(A1)"
    EXPORTERS[".csv"]([{**ROW, "person": name}], tmp_path / "faces.csv")
    EXPORTERS[".json"]([{**ROW, "person": name}], tmp_path / "faces.json")
    [row] = READERS[".csv"](tmp_path / "faces.csv")
    assert (row["person"], row["left"]) == (f"'{name}", "-1.23")  # a number is no formula
    assert READERS[".json"](tmp_path / "faces.json")[0]["person"] == name


@given(st.text("=+-@＝' \tab", max_size=8))
def test_no_cell_begins_with_a_formula_and_each_can_be_read_back(text: str) -> None:
    cell = as_text(text)
    assert not cell.lstrip().startswith(FORMULA_STARTS)
    bare = cell.lstrip("' \t")
    assert (cell[1:] if bare.startswith(FORMULA_STARTS) else cell) == text
