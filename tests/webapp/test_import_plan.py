"""A large import is explained first."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from faceid_core.library import Library
from faceid_core.steps import plan_import
from faceid_core.steps.plan_import import ImportPlan
from tests.webapp.conftest import OpenPage, texts
from webapp.app_pages.photos import plan_lines

FORM = """
from pathlib import Path
from faceid_core.steps.plan_import import plan_import
from webapp.app_pages.photos import _Options, plan_form
from webapp.context import library
path = Path({path!r})
plan_form(plan_import(library(), [path]), path, _Options(0.0, None))
"""


def test_a_large_folder_is_not_imported_without_a_question(
    library: Library, open_page: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_import, "ASK_FROM", 2)
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(b"x" * 1000)
    page = open_page("photos")
    page.text_input(key="folder").set_value(str(tmp_path))
    page = next(button for button in page.button if button.label == "Import").click().run()
    assert not page.exception and library.jobs.active() == []
    assert "**3 new photos**" in texts(page)
    form = AppTest.from_string(FORM.format(path=str(tmp_path)), default_timeout=30).run()
    form.button(key="import-planned").click().run()
    assert [job.params["paths"] for job in library.jobs.active()] == [[str(tmp_path)]]


def test_the_lines_say_only_what_there_is() -> None:
    plan = ImportPlan(
        new=1500, known=20, changed=1, moved=100, videos=2, bytes=3_000_000_000, left_out=0, seconds=3600
    )
    assert plan_lines(plan) == [
        "**1,398 new photos**",
        "**2 new videos**",
        "**100 photos** that probably moved here and will keep their names",
        "**1 photo** that changed since the last import",
        "**20 photos** already imported",
        ":gray[3.0 GB to read · about 1 h 0 min at the pace of the last import]",
    ]
    assert plan_lines(ImportPlan(2, 0, 0, 0, 0, 10, 0, None)) == ["**2 new photos**", ":gray[10 bytes to read]"]
