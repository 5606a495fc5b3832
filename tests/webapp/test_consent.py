"""Consent on the page People, pictures that are not kept, the audit's download, and erasures that reach backups."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from streamlit.testing.v1 import AppTest

from faceid_core.library import ConsentView, Library
from faceid_core.settings import Settings
from faceid_core.steps import back_up
from faceid_core.values import ConsentState
from tests.webapp.conftest import OpenPage
from webapp import api

DIALOG = """
from webapp.app_pages import people
from webapp.parts import person_dialogs
from webapp.context import library
from webapp.feedback import show_toasts
person_dialogs.edit_dialog(library().people.get({person}))
show_toasts()
"""
"""AppTest runs whole pages only, so that a dialog closes at the next click; this page opens it each time."""

ERASE = DIALOG.replace("person_dialogs.edit_dialog", "people._ask_to_erase")
MERGE = DIALOG.replace("edit_dialog(", "merge_dialog(open_person=print, person=")


def named(library: Library, name: str, faces: list[int]) -> int:
    return library.people.name_faces(faces, name).person_id


def opened(dialog: str, person: int) -> AppTest:
    return AppTest.from_string(dialog.format(person=person), default_timeout=30).run()


def press(page: AppTest, label: str) -> AppTest:
    return next(button for button in page.button if button.label == label).click().run()


def choose(page: AppTest, person: int, state: ConsentState) -> AppTest:
    return page.segmented_control(key=f"consent-{person}").set_value(state).run()


def test_consent_is_given_with_its_basis_and_days(filled: Library) -> None:
    ada = named(filled, "Ada", [1, 2])
    page = choose(opened(DIALOG, ada), ada, ConsentState.GIVEN)
    page.text_input(key=f"basis-given-{ada}").set_value("form 7")
    page.date_input(key=f"since-given-{ada}").set_value(date(2026, 3, 1))
    page.date_input(key=f"until-given-{ada}").set_value(date(2999, 3, 1))
    assert not press(page, "Save consent").exception
    given = ConsentView(ConsentState.GIVEN, "form 7", date(2026, 3, 1), date(2999, 3, 1))
    assert filled.consents.get(ada) == given
    page = opened(DIALOG, ada)
    assert page.text_input(key=f"basis-given-{ada}").value == "form 7"
    press(choose(page, ada, ConsentState.UNKNOWN), "Save consent")
    assert filled.consents.get(ada) == ConsentView()


def test_refusing_says_what_it_deletes_and_trains_again(filled: Library) -> None:
    ada = named(filled, "Ada", [1, 2])
    filled.models.add("e", ["Ada", "Bo"], {}, 0.5, {}, "known")
    page = choose(opened(DIALOG, ada), ada, ConsentState.REFUSED)
    assert "pictures and vectors of 2 faces and 1 recogniser" in page.warning[0].value
    assert len(filled.faces.crops([1, 2])) == 2
    assert not press(page, "Refuse and delete").exception
    assert filled.people.get(ada).withheld and filled.faces.crops([1, 2]) == {}
    assert [job.kind for job in filled.jobs.active()] == ["train"]
    page = opened(DIALOG, ada)
    assert not page.warning
    assert "import --again" in choose(page, ada, ConsentState.UNKNOWN).caption[-1].value


def test_a_stale_dialog_overwrites_nothing(filled: Library) -> None:
    ada = named(filled, "Ada", [1, 2])
    page = AppTest.from_string(
        f"""
from webapp.context import library
from webapp.parts.consent_form import consent_form
import streamlit as st
if "drawn" not in st.session_state: st.session_state.drawn = library().people.get({ada})
consent_form(st.session_state.drawn)
""",
        default_timeout=30,
    ).run()
    filled.consents.set(ada, ConsentState.GIVEN, basis="meanwhile")
    page = press(choose(page, ada, ConsentState.REFUSED), "Refuse and delete")
    assert "changed meanwhile" in page.error[0].value and filled.consents.get(ada).basis == "meanwhile"


def test_people_are_filtered_by_consent(filled: Library, open_page: OpenPage) -> None:
    assert not [box for box in open_page("people").selectbox if box.key == "people-consent"]
    ada, bo = named(filled, "Ada", [1, 2]), named(filled, "Bo", [3])
    named(filled, "Cy", [4])
    filled.consents.set(ada, ConsentState.REFUSED)
    filled.consents.set(bo, ConsentState.GIVEN, until=date(2020, 1, 1))
    page = open_page("people")
    box = page.selectbox(key="people-consent")
    assert box.options == ["Ended", "Refused", "Unknown"]
    page = box.set_value("refused").run()
    assert not page.exception and "1 person of 3" in [caption.value for caption in page.caption]


@pytest.mark.parametrize("state", list(ConsentState))
def test_the_page_of_a_person_says_it(filled: Library, state: ConsentState) -> None:
    ada = named(filled, "Ada", [1, 2])
    filled.consents.set(ada, state)
    page = AppTest.from_string(
        f'import streamlit as st\nst.query_params["person"] = "{ada}"\n'
        "from webapp.app_pages import people\npeople.page()",
        default_timeout=30,
    ).run()
    assert not page.exception
    assert bool(page.info) == (state is ConsentState.REFUSED)
    facts = " ".join(each.value for each in page.markdown)
    assert ("consent given" in facts, "refused consent" in facts) == (
        state is ConsentState.GIVEN, state is ConsentState.REFUSED,
    )  # fmt: skip


@pytest.mark.slow
def test_merging_with_somebody_who_refused_warns(filled: Library) -> None:
    ada, bo = named(filled, "Ada", [1, 2]), named(filled, "Bo", [3])
    filled.consents.set(bo, ConsentState.REFUSED)
    page = opened(MERGE, ada)
    page = page.selectbox(key=f"merge-{ada}").set_value(bo).run()
    assert "Bo refused consent" in page.warning[0].value
    press(page, "Merge into Bo")
    assert filled.people.get(bo).withheld and filled.faces.crops([1, 2, 3]) == {}


@pytest.mark.parametrize("too", [True, False])
def test_an_erasure_takes_backups_along_where_asked(filled: Library, tmp_path: Path, too: bool) -> None:
    ada = named(filled, "Ada", [1, 2])
    assert "knows of no backup" in opened(ERASE, ada).caption[-1].value
    back_up.back_up(filled.settings, tmp_path / "b.zip")
    page = opened(ERASE, ada)
    if too:
        page.checkbox(key="erase-backups").set_value(True)
    page.button(key="erase-confirm").click().run()
    assert filled.people.find("Ada") is None
    assert (tmp_path / "b.zip").exists() is not too


# --- the API ----------------------------------------------------------------------------------------------------
@pytest.fixture
def client(filled: Library, settings: Settings) -> TestClient:
    return TestClient(api.build(settings), base_url="http://127.0.0.1")


def test_a_face_without_a_picture_is_a_silhouette_that_nobody_keeps(filled: Library, client: TestClient) -> None:
    before = client.get("/faces/1.jpg").content
    ada = named(filled, "Ada", [1])
    filled.consents.set(ada, ConsentState.REFUSED)
    for size in ("", "?size=64&v=x"):
        answer = client.get(f"/faces/1.jpg{size}")
        assert answer.status_code == 200 and answer.content != before
        assert "no-cache" in answer.headers["cache-control"]
    assert client.get("/faces/999.jpg").status_code == 404
    found = client.get("/people").json()
    assert found[0]["consent"]["state"] == "refused" and found[0]["cover_face_id"] is None


def test_the_audit_is_downloaded(filled: Library, client: TestClient) -> None:
    named(filled, "=Ada", [1])
    named(filled, "Bo", [2])
    answer = client.get("/audit.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"] and answer.headers["cache-control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["actor"] for row in rows] == ["owner", "owner"] and rows[0]["at"].endswith("Z")
    assert client.get("/audit.csv?first=2999-01-01").text.count("\n") == 1
    assert client.get("/audit.csv?last=2020-01-01").text.count("\n") == 1
    assert client.get("/audit.csv?by=nobody").text.count("\n") == 1
    for no_day in ("soon", "0.0", "1700000000", "2026-3-1", "2026-02-30", ""):
        assert client.get(f"/audit.csv?first={no_day}").status_code == 422, no_day
    assert client.get("/audit.csv?first=0001-01-01&last=9999-12-31").text.count("\n") == 3
