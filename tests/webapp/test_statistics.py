"""The page Statistics."""

from __future__ import annotations

import doctest
import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from faceid_core.library import Library, Together
from tests.webapp.conftest import OpenPage, new_photo, texts
from webapp.parts import statistics_charts
from webapp.parts.statistics_charts import arranged


def test_the_examples_in_the_texts_are_right() -> None:
    assert doctest.testmod(statistics_charts).failed == 0


def test_an_empty_library_has_nothing_to_count(library: Library, open_page: OpenPage) -> None:
    page = open_page("statistics")
    assert not page.exception and "Nothing to count yet" in texts(page)


def test_the_page_draws_years_and_pairs(library: Library, open_page: OpenPage, tmp_path: Path) -> None:
    photo = new_photo(tmp_path, 0)
    library.photos.add_many([replace(photo, faces=photo.faces * 2, taken_at=datetime(2019, 5, 1))])
    library.people.name_faces([1], "Ada <b>")
    library.people.name_faces([2], "Bo")
    page = open_page("statistics")
    assert not page.exception
    assert [header.value for header in page.subheader] == [
        "Photos by year", "People by year", "Photos of each person", "Who with whom",
    ]  # fmt: skip
    years, _, people, together = (json.loads(chart.proto.spec) for chart in page.get("plotly_chart"))
    assert years["data"][0]["x"] == [2019]
    assert [trace["name"] for trace in people["data"]] == ["Ada &lt;b&gt;", "Bo"]
    assert together["data"][-1]["text"] == ["Ada &lt;b&gt;", "Bo"]


def test_the_arrangement_is_always_the_same() -> None:
    pairs = [Together(1, 2, 9), Together(2, 3, 1), Together(4, 5, 3)]
    assert arranged(pairs) == arranged(pairs) and set(arranged(pairs)) == {1, 2, 3, 4, 5}
