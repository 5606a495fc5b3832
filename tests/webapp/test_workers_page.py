"""The page Workers, and an import that rests: what pages show of work that several share."""

from __future__ import annotations

import pytest

from faceid_core.library import Library
from faceid_core.library import workers as workers_of
from tests.webapp.conftest import OpenPage, texts


def test_it_says_that_nobody_is_there(library: Library, open_page: OpenPage) -> None:
    page = open_page("workers")
    assert not page.exception and "No worker is running" in page.info[0].value


def test_it_shows_who_does_what(library: Library, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers_of, "_lives", lambda pid: pid != 2)
    busy, _ = library.workers.register("nas_1", 1, "1.0")
    library.workers.report(busy, "import", 1200, 2.5)
    library.workers.register("gone", 2, "1.0")
    library.workers.register("idle", 3, "1.0")
    shown = texts(open_page("workers"))
    assert "nas\\_1** · Importing photos, 2.5 photos/s" in shown and "1,200 photos so far" in shown
    assert "gone** · not heard from for" in shown and "idle** · idle" in shown


def test_an_import_is_paused_and_resumed(library: Library, open_page: OpenPage) -> None:
    job = library.jobs.submit("import", {"paths": ["/photos"]})
    page = open_page("photos")
    page.button(key=f"pause-{job.id}").click().run()
    assert library.jobs.get(job.id).is_paused and library.jobs.claim() is None
    assert any("Paused" in each.text for each in page.get("progress"))
    page.button(key=f"pause-{job.id}").click().run()
    assert not library.jobs.get(job.id).is_paused


def test_only_an_import_can_be_paused(library: Library, open_page: OpenPage) -> None:
    job = library.jobs.submit("cluster", {})
    assert f"pause-{job.id}" not in [button.key for button in open_page("photos").button]
