"""How an import is cut into parts for several workers."""

from __future__ import annotations

import pytest

from faceid_core.importing.shared import PART_FILES, PARTS_LEFT, SMALLEST_PART, in_parts


@pytest.mark.parametrize("number", [1, SMALLEST_PART, 100, 1000, 5000])
def test_every_file_is_in_one_part(number: int) -> None:
    paths = [str(each) for each in range(number)]
    assert [path for part in in_parts(paths) for path in part] == paths


def test_parts_are_large_first_and_small_at_the_end() -> None:
    sizes = [len(part) for part in in_parts([str(each) for each in range(5000)])]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == PART_FILES and sizes[-2] == SMALLEST_PART
    left = 5000
    for size in sizes:
        assert size <= max(left // PARTS_LEFT, SMALLEST_PART)
        left -= size
    assert len(sizes) < 5000 / PART_FILES * 1.4  # claims cost a transaction each
