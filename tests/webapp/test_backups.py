"""The page Backups: what there is, one more, and the return to one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from faceid_core.errors import BadInput
from faceid_core.library import Library
from faceid_core.steps import daily_backup, jobs
from tests.webapp.conftest import OpenPage, texts
from webapp import server

FORM = """
from faceid_core.steps import daily_backup
from webapp.app_pages.backups import restore_form
from webapp.context import library
restore_form(daily_backup.daily(library().settings)[0])
"""


def test_backups_are_made_and_listed(filled: Library, open_page: OpenPage) -> None:
    page = open_page("backups")
    assert "No backups yet" in texts(page) and "keeps the latest 14" in texts(page)
    page.button(key="back-up-now").click().run()
    (job,) = jobs.run_pending(filled)
    assert job.state == "done"
    page = open_page("backups")
    assert "**Just now** :gray[· daily]" in texts(page) and "7 photos · 0 people" in texts(page)


def test_a_backup_is_restored_after_a_question(
    filled: Library, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    daily_backup.make(filled)
    acts: list[Callable[[], object]] = []
    monkeypatch.setattr(server, "restart_after", acts.append)
    page = open_page("backups").button(key="restore-0").click().run()
    assert "without the names and other decisions made since" in texts(page) and acts == []
    form = AppTest.from_string(FORM, default_timeout=30).run()
    form.button(key="restore-now").click().run()
    assert not form.exception and len(acts) == 1 and "is restarting" in form.info[0].value


def test_a_server_that_can_not_start_again_says_so(filled: Library) -> None:
    with pytest.raises(BadInput, match="use `faceid restore`"):
        server.restart_after(lambda: None)
    daily_backup.make(filled)
    form = AppTest.from_string(FORM, default_timeout=30).run()
    form.button(key="restore-now").click().run()
    assert "faceid restore" in form.error[0].value
