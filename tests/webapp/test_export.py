"""The page Export: what it comes to, downloads, and a folder on the computer that runs faceid."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from faceid_core.library import Library
from faceid_core.steps import jobs
from faceid_core.steps.export import CHOICES
from tests.webapp.conftest import OpenPage, texts
from webapp import api
from webapp.app_pages.export import KINDS
from webapp.exports import Name, form_of
from webapp.parts.job_progress import outcome


@pytest.fixture
def named(filled: Library) -> Library:
    """Ada on three photos, Bo on the others."""
    for number, name in ((0, "Ada"), (1, "Bo")):
        filled.people.name_faces(list(range(1 + number, 7, 2)), name)
    return filled


@pytest.fixture
def client(named: Library) -> Iterator[TestClient]:
    with TestClient(api.build(named.settings), raise_server_exceptions=False) as opened:
        yield opened


def test_every_form_is_on_the_page_and_can_be_downloaded() -> None:
    offered = [name for forms in KINDS.values() for name in forms]
    assert set(offered) == set(Name.__args__)  # type: ignore[attr-defined]
    assert {form_of(name) for name in offered} == set(CHOICES)


def test_an_empty_library_has_nothing_to_export(library: Library, open_page: OpenPage) -> None:
    page = open_page("export")
    assert not page.exception and "Nothing to export yet" in texts(page)


def test_the_page_says_what_it_comes_to(named: Library, open_page: OpenPage) -> None:
    page = open_page("export")
    assert "**6 faces** of **2 people** in **6 photos** · about **" in texts(page)
    page.multiselect(key="export-people").select(named.people.known("Ada").id).run()
    assert "**3 faces** of **1 person** in **3 photos**" in texts(page)
    assert page.get("link_button")[0].proto.url == f"/api/exports/albums.zip?person={named.people.known('Ada').id}"


def test_a_gallery_waits_for_its_person(named: Library, open_page: OpenPage) -> None:
    page = open_page("export").radio(key="export-form-For people").set_value("gallery.zip").run()
    assert not page.get("link_button")
    page.selectbox(key="export-person").set_value(named.people.known("Bo").id).run()
    assert page.get("link_button")[0].proto.url.endswith(f"gallery.zip?person={named.people.known('Bo').id}")


def test_a_job_writes_a_folder(named: Library, open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page("export")
    page.text_input(key="export-target").set_value(str(tmp_path / "albums"))
    page.radio(key="export-link").set_value("symbolic")
    next(button for button in page.button if button.label == "Export").click().run()
    assert not page.exception and "Export started." in texts(page)
    (job,) = jobs.run_pending(named)
    assert outcome(job.kind, job.result) == "6 faces exported into 6 files."
    assert {folder.name for folder in (tmp_path / "albums").iterdir()} == {"Ada", "Bo"}
    assert all(file.is_symlink() for file in (tmp_path / "albums" / "Ada").iterdir())


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("", "Type the path of a new folder"),
        ("albums", "Type the full path"),
        ("/nowhere/at/all", "There is no folder"),
    ],
)
def test_a_folder_that_can_not_be_is_one_sentence(
    named: Library, open_page: OpenPage, target: str, words: str
) -> None:
    page = open_page("export")
    page.text_input(key="export-target").set_value(target)
    next(button for button in page.button if button.label == "Export").click().run()
    assert words in texts(page) and named.jobs.active() == []


@pytest.mark.parametrize("name", [name for forms in KINDS.values() for name in forms])
def test_a_download_is_complete(named: Library, client: TestClient, name: str) -> None:
    ada = named.people.known("Ada").id
    answer = client.get(f"/exports/{name}?person={ada}")
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    assert f'filename="faceid-{name}"' in answer.headers["content-disposition"] and b"Bo" not in answer.content[:99]
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
            assert packed.testzip() is None and packed.namelist()
    assert not list(named.settings.library.glob(".faceid-*"))


def test_a_download_takes_the_conditions_of_the_page(named: Library, client: TestClient) -> None:
    ada = named.people.known("Ada").id
    assert {row["person"] for row in client.get(f"/exports/faces.json?person={ada}").json()} == {"Ada"}
    assert client.get("/exports/faces.json?quality=1").json() == []
    assert client.get("/exports/faces.json?first=2020-01-01").json() == []
    assert client.get("/exports/faces.json?flag=stranger").json() == []
    refused = client.get("/exports/coco.zip?quality=1")
    assert refused.status_code == 409 and refused.json()["error"].startswith("No face meets these conditions")
    assert client.get("/exports/gallery.zip").json()["error"] == "Choose one person for the form gallery."
    assert client.get("/exports/passwords.zip").status_code == 422
    assert client.get("/exports/faces.json?first=0.0").status_code == 422
    assert client.get("/audit.csv?first=0.0").status_code == 422
    assert json.loads(client.get("/exports/faces.json").content)
