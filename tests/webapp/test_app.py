from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import webapp
from faceid_core.errors import NameTaken
from faceid_core.library import Library
from webapp import feedback, markup, theme
from webapp.app import PAGES

APP = Path(webapp.__file__).with_name("app.py")


@pytest.mark.slow
def test_the_frame_opens_on_home(filled: Library) -> None:
    page = AppTest.from_file(str(APP), default_timeout=30).run()
    assert not page.exception and not page.error
    assert page.title[0].value == "Your library"
    assert page.get("page_link"), "the next step links to its page"


def test_every_page_of_the_navigation_can_be_imported() -> None:
    import importlib

    for modules in PAGES.values():
        for module in modules:
            assert callable(importlib.import_module(f"webapp.app_pages.{module}").page)


FAILING = """
from faceid_core.errors import NameTaken
from webapp.feedback import boundary
with boundary():
    raise {error}
"""


def test_an_expected_failure_is_shown_as_its_sentence() -> None:
    page = AppTest.from_string(FAILING.format(error="NameTaken('*Ada* is taken.')")).run()
    assert not page.exception
    assert page.error[0].value == r"\*Ada\* is taken."


def test_a_bug_is_logged_and_the_page_apologises(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "webapp.feedback"):
        page = AppTest.from_string(FAILING.format(error="RuntimeError('secret detail')")).run()
    assert page.error[0].value == feedback.APOLOGY
    assert "secret detail" in caplog.text


def test_a_callback_fails_as_a_toast() -> None:
    script = """
import streamlit as st
from faceid_core.errors import NameTaken
from webapp.feedback import guarded, show_toasts
@guarded
def rename():
    raise NameTaken("Ada is taken.")
st.button("Rename", on_click=rename)
show_toasts()
"""
    page = AppTest.from_string(script).run()
    page = page.button[0].click().run()
    assert not page.exception
    assert [toast.value for toast in page.toast] == ["Ada is taken."]


def test_a_toast_survives_a_rerun() -> None:
    script = """
import streamlit as st
from webapp.feedback import show_toasts, toast
show_toasts()
if st.button("Go"):
    toast("Done.")
    st.rerun()
"""
    page = AppTest.from_string(script).run()
    assert [toast.value for toast in page.button[0].click().run().toast] == ["Done."]


@pytest.mark.parametrize("text", ["plain name", "*a* _b_ `c`", "<b>x</b>", ":red[x] $x$ # 1. | ~"])
def test_markdown_is_escaped_reversibly(text: str) -> None:
    escaped = markup.escaped_markdown(text)
    assert re.sub(r"\\(.)", r"\1", escaped) == text
    assert not re.search(r"(?<!\\)[*_`<\[$#|~]", escaped)


@pytest.mark.parametrize("text", ["www.evil.test", "WWW.evil.test", "https://evil.test", "a@evil.test"])
def test_a_name_never_becomes_a_link(text: str) -> None:
    """Seen in a browser: Streamlit's markdown links these, escaped or not, unless they are broken up."""
    escaped = markup.escaped_markdown(text)
    assert not re.search(r"www\.|://\w|\w@", escaped, re.IGNORECASE)
    assert escaped.replace(markup.WORD_JOINER, "").replace("\\", "") == text


def test_guarded_lets_what_works_work(library: Library) -> None:
    done: list[int] = []
    feedback.guarded(done.append)(3)
    assert done == [3]


def test_names_are_taken_only_once(filled: Library) -> None:
    filled.people.name_faces([1], "Ada")
    bo = filled.people.name_faces([2], "Bo")
    with pytest.raises(NameTaken):
        filled.people.rename(bo.person_id, "ada")


def test_nothing_is_loaded_from_elsewhere() -> None:
    looks = [theme.CSS, theme.gradio_css(), Path(theme.LOGO).read_text(), Path(theme.ICON).read_text()]
    for look in looks:
        assert "http" not in look.replace("http://www.w3.org/2000/svg", "")
    assert all(sheet is None for sheet in theme.gradio_theme()._stylesheets if sheet)
