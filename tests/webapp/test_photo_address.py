"""The photo that is open, in the page's address; tests/browser/test_photo_address.py has the browser's half."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from faceid_core.library import Library, PhotoQuery
from faceid_core.values import Actor, PhotoStatus, Role
from tests.webapp.conftest import OpenPage, texts
from webapp import context
from webapp.parts import photo_acts

NONE = "There is no such photo in this library"


def asked(page: AppTest, photo: str, **others: str) -> AppTest:
    page.query_params.clear()
    for name, value in {**others, "photo": photo}.items():
        page.query_params[name] = value
    return page.run()


def test_an_address_opens_its_photo_once(filled: Library, open_page: OpenPage) -> None:
    page = asked(open_page("photos"), "2-5")
    assert not page.exception and "photo1.jpg" in texts(page)
    assert page.session_state[photo_acts._VIEWING].chosen == 5
    assert "photo1.jpg" not in texts(page.run()), "what is dismissed stays so"
    assert "photo2.jpg" in texts(asked(page, "3"))


def test_arrows_go_on_through_the_search_of_the_address(filled: Library, open_page: OpenPage) -> None:
    filled.people.name_faces([1, 3], "Ada")
    for module, key in (("photos", "with"), ("people", "person")):
        page = asked(open_page(module), "3", **{key: "1"})
        query: PhotoQuery = page.session_state[photo_acts._VIEWING].query
        assert filled.photos.beside(3, query) == (None, 1), module


@pytest.mark.parametrize("photo", ["99", "0", "x", "²", "9" * 40, "-1"])
def test_an_address_of_no_photo_is_one_sentence(filled: Library, open_page: OpenPage, photo: str) -> None:
    page = asked(open_page("photos"), photo)
    assert not page.exception
    assert [NONE in error.value for error in page.error] == [True]


def test_a_file_that_could_not_be_read_is_no_photo(filled: Library, open_page: OpenPage) -> None:
    (broken,) = filled.photos.page(query=PhotoQuery(status=PhotoStatus.FAILED))
    page = asked(open_page("photos"), str(broken.id))
    assert not page.exception and [NONE in error.value for error in page.error] == [True]


def test_a_viewer_follows_a_link_and_learns_no_hidden_name(
    filled: Library, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = filled.people.name_faces([1], "Ada").person_id
    filled.people.describe(ada, hidden=True)
    monkeypatch.setattr(context, "who", lambda: Actor("Somebody", Role.VIEWER))
    page = asked(open_page("photos"), "1-1")
    assert not page.exception and "photo0.jpg" in texts(page)
    assert "Ada" not in texts(page) + str(page.main)
