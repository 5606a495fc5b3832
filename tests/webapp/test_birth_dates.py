"""The edit dialog of a person: any date that is stored is shown, and one that can't be is refused in a sentence."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from faceid_core.library import Library
from faceid_core.library.store import tables
from faceid_core.values import EARLIEST
from tests.webapp.conftest import PAGE, texts

NEXT_MONTH = date.today() + timedelta(days=31)  # not tomorrow: a run may pass midnight


DIALOG = """
from webapp.context import library
from webapp.parts import person_dialogs
person_dialogs.edit_dialog(library().people.get({person}))
"""
"""AppTest runs whole pages only, so that a dialog closes at the next click; this page opens it each time."""


def open_dialog(library: Library, born: date | None) -> tuple[int, AppTest]:
    """The dialog of Ada, whose birth date came from elsewhere: imported decisions may hold any."""
    ada = library.people.name_faces([1, 2], "Ada").person_id
    with library._database.write() as session:
        session.get_one(tables.Person, ada).birth_date = born
    return ada, AppTest.from_string(DIALOG.format(person=ada), default_timeout=30).run()


def save(page: AppTest) -> AppTest:
    return next(button for button in page.button if button.label == "Save").click().run()


@pytest.mark.parametrize("born", [None, date(1950, 5, 1), date(1799, 12, 31), date(33, 4, 3), NEXT_MONTH])
def test_any_stored_date_is_shown_and_stays(filled: Library, born: date | None) -> None:
    ada, page = open_dialog(filled, born)
    assert not page.exception
    assert page.date_input(key=f"born-{ada}").value == born
    page.text_input(key=f"name-{ada}").set_value("Ada Lee")
    assert not save(page).exception
    person = filled.people.get(ada)
    assert (person.name, person.birth_date) == ("Ada Lee", born)


def test_a_persons_page_shows_dates_ages_and_photos_by_month(filled: Library) -> None:
    ada = filled.people.name_faces([1, 2], "Ada").person_id
    filled.people.describe(ada, birth_date=date(2000, 5, 1), death_date=date(2020, 5, 1), favourite=True)
    with filled._database.write() as session:
        session.get_one(tables.Photo, 1).taken_at = datetime(2010, 5, 1)
    page = AppTest.from_string(PAGE.format(module="people"), default_timeout=30)
    page.query_params["person"] = str(ada)
    page = page.run()
    assert not page.exception
    assert "born 1 May 2000 · died 1 May 2020 · photos from May 2010" in texts(page)
    page = page.segmented_control(key=f"view-{ada}").set_value("Photos by month").run()
    assert not page.exception and "May 2010" in texts(page) and "Without a date" in texts(page)


@pytest.mark.parametrize("typed", [EARLIEST - timedelta(days=1), date(19, 5, 1), NEXT_MONTH])
def test_a_date_out_of_range_changes_nothing(filled: Library, typed: date) -> None:
    ada, page = open_dialog(filled, date(1950, 5, 1))
    page.date_input(key=f"born-{ada}").set_value(typed)
    save(page)
    assert filled.people.get(ada).birth_date == date(1950, 5, 1)
