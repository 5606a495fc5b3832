"""The page Users: it appears to owners alone, and says what the library says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from faceid_core.library import Library
from faceid_core.values import Role
from tests.webapp.conftest import OpenPage, html_of, texts
from webapp import context
from webapp.access import identity
from webapp.access.identity import HEADER, Identity

GOOD = "difference engine"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "FRESH_SECONDS", 0.0)


@pytest.fixture
def signed_in(library: Library, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`signed_in(name)`: the page's connection has the header that the gate would set."""

    def be(name: str) -> None:
        user = library.users.known(name)
        text = str(Identity("session", user.id, user.stamp, "1"))
        monkeypatch.setattr(type(st.context), "headers", {HEADER: text})

    return be


def test_while_there_are_no_users_it_leads_to_the_first(library: Library, open_page: OpenPage) -> None:
    page = open_page("users")
    assert "Nobody has to sign in yet" in texts(page)
    assert 'href="/sign-in/first"' in html_of(page)


def test_who_is_not_signed_in_sees_nothing_once_there_are_users(library: Library, open_page: OpenPage) -> None:
    library.users.add("Ada", Role.OWNER, GOOD)
    for module in ("users", "people", "photos", "history"):
        page = open_page(module)
        assert "no longer signed in" in texts(page)
        assert not page.exception


def test_an_owner_changes_roles_and_removes_tokens(library: Library, open_page: OpenPage, signed_in: Any) -> None:
    library.users.add("Ada *x*", Role.OWNER, GOOD)
    bo = library.users.add("Bo", Role.VIEWER, GOOD)
    library.tokens.add("frame", user="Bo")
    signed_in("Ada *x*")
    page = open_page("users")
    assert r"Ada \*x\*** (you)" in texts(page) and "Acts for Bo, does not expire" in texts(page)
    page.selectbox(f"role-{bo.id}-viewer").set_value(Role.EDITOR).run()
    assert library.users.known("Bo").role is Role.EDITOR
    assert "Bo is now an editor" in texts(page)
    page.button("remove-token-1").click().run()
    assert library.tokens.all() == []


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
def test_others_are_refused(library: Library, open_page: OpenPage, signed_in: Any, role: Role) -> None:
    library.users.add("Ada", Role.OWNER, GOOD)
    library.users.add("Bo", role, GOOD)
    signed_in("Bo")
    page = open_page("users")
    assert "owner" in page.error[0].value and "Ada" not in texts(page)


def test_the_real_name_goes_into_the_history(library: Library, filled: Library, signed_in: Any) -> None:
    library.users.add("Ada", Role.OWNER, GOOD)
    signed_in("Ada")
    page = AppTest.from_string(
        "import streamlit as st\nfrom webapp import context\nst.text(context.who().name + context.who().role)"
    ).run()
    assert page.text[0].value == "Adaowner"


def test_the_app_names_who_is_signed_in(library: Library, signed_in: Any) -> None:
    library.users.add("Ada", Role.OWNER, GOOD)
    library.users.add("Bo", Role.VIEWER, GOOD)
    app = Path(context.__file__).with_name("app.py")
    signed_in("Bo")
    page = AppTest.from_file(str(app), default_timeout=30).run()
    assert not page.exception and not page.error
    library.users.remove("Bo")
    page.run()
    assert "no longer signed in" in texts(page)
