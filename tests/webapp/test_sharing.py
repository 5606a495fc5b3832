"""Links are made on a person's page and for a search, and listed and ended on the page Sharing: by owners only."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from faceid_core.library import Library, PhotoQuery
from faceid_core.values import Actor, Role
from tests.webapp.conftest import PAGE, OpenPage, texts
from webapp import context

FORM = """
from faceid_core.library import PhotoQuery
from webapp.parts.share_dialog import share_form
share_form(PhotoQuery(people=({person},)), "Ada")
"""


@pytest.fixture
def ada(filled: Library) -> int:
    """A person on three photos."""
    return filled.people.name_faces([1, 3, 5], "Ada *A*").person_id


def test_nothing_is_shared_at_first(filled: Library, open_page: OpenPage) -> None:
    assert not open_page("sharing").exception
    assert len(open_page("sharing").button) == 0


def test_links_are_listed_and_ended(filled: Library, ada: int, open_page: OpenPage) -> None:
    kept, _ = filled.shares.add(PhotoQuery(people=(ada,)), password="correct horse")
    ended, _ = filled.shares.add(PhotoQuery(text="photo", without=(ada,)), title="Beach")
    page = open_page("sharing")
    shown = texts(page)
    assert "Ada \\*A\\*" in shown and "with a password" in shown
    assert "Photos without Ada" in shown and "Beach" in shown
    page.button(key=f"remove-share-{ended.id}").click().run()
    assert not page.exception
    assert [share.id for share in filled.shares.all()] == [kept.id]
    assert "Beach" not in texts(page)


def test_a_link_is_made_and_shown_once(filled: Library, ada: int) -> None:
    context.configure(filled.settings.model_copy(update={"public_url": "https://photos.example/faces"}))
    page = AppTest.from_string(FORM.format(person=ada), default_timeout=30).run()
    page.number_input(key="share-days").set_value(3)
    page.text_input(key="share-password").set_value("short")
    submit = next(one for one in page.button if one.label == "Create link")
    submit.click().run()
    assert "at least 8 characters" in texts(page) and filled.shares.all() == []
    page.text_input(key="share-password").set_value("correct horse")
    next(one for one in page.button if one.label == "Create link").click().run()
    [made] = filled.shares.all()
    assert made.query.people == (ada,) and made.password and made.blur_others and not made.show_name
    assert (made.expires_at - made.created_at).days == 3
    link = page.code[0].value
    assert link.startswith("https://photos.example/faces/share/")
    assert filled.shares.open(link.rpartition("/")[2]).id == made.id


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
def test_others_are_not_offered_to_share(
    filled: Library, ada: int, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, role: Role
) -> None:
    monkeypatch.setattr(context, "who", lambda: Actor("Cy", role))
    page = AppTest.from_string(PAGE.format(module="people"), default_timeout=30)
    page.query_params["person"] = str(ada)
    page.run()
    assert "share" not in {one.key for one in page.button}
    assert "ask an owner" in texts(open_page("sharing"))
