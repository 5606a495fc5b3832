"""The edit dialog of a person: any date that is stored is shown, and one that can't be is refused in a sentence."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from faceid_core.library.store import tables
from faceid_core.values import EARLIEST
from tests.webapp.conftest import texts

TOMORROW = date.today() + timedelta(days=1)


def open_dialog(library, open_page, born: date | None):
    """The dialog of Ada, whose birth date came from elsewhere: imported decisions may hold any."""
    ada = library.people.name_faces([1, 2], "Ada", actor="owner").person_id
    with library._database.write() as session:
        session.get(tables.Person, ada).birth_date = born
    page = open_page("people")
    page.query_params["person"] = str(ada)
    return ada, page.run().button(key="edit").click().run()


@pytest.mark.parametrize("born", [None, date(1950, 5, 1), date(1799, 12, 31), date(33, 4, 3), TOMORROW])
def test_any_stored_date_is_shown_and_stays(filled, open_page, born) -> None:
    ada, page = open_dialog(filled, open_page, born)
    assert not page.exception and "went wrong" not in texts(page)
    assert page.date_input(key=f"born-{ada}").value == born
    page = page.text_input(key=f"name-{ada}").set_value("Ada Lee").run()
    page = next(button for button in page.button if button.label == "Save").click().run()
    assert not page.exception
    person = filled.people.get(ada)
    assert (person.name, person.birth_date) == ("Ada Lee", born)


@pytest.mark.parametrize("typed", [EARLIEST - timedelta(days=1), date(19, 5, 1), TOMORROW])
def test_a_date_out_of_range_changes_nothing(filled, open_page, typed) -> None:
    ada, page = open_dialog(filled, open_page, date(1950, 5, 1))
    page = page.date_input(key=f"born-{ada}").set_value(typed).run()
    next(button for button in page.button if button.label == "Save").click().run()
    assert filled.people.get(ada).birth_date == date(1950, 5, 1)
