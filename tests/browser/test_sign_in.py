"""Signing in, acting under one's name, and leaving nothing behind: in a real browser."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.values import Role
from tests import sharing
from tests.browser.conftest import running_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

GOOD = "difference engine"


@pytest.fixture(scope="module")
def folder(imported_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sharing.copy_library(imported_folder, tmp_path_factory.mktemp("sign-in") / "library")


@pytest.fixture(scope="module")
def url(start_server: Callable[[Path], str], folder: Path, chromium: Browser) -> str:
    """The server starts before there are users: it must not need a restart, and a page that is open must leave."""
    url, page = start_server(folder), chromium.new_page()
    page.goto(f"{url}/clusters")
    page.get_by_role("combobox", name="Name these faces").wait_for()
    settled(page)
    with Library.open(Settings(library=folder)) as library:
        library.users.add("Ada", Role.OWNER, GOOD)
    page.wait_for_url(re.compile(r"/sign-in\?next="), timeout=15_000)
    page.close()
    return url


def settled(page: Page) -> None:
    page.wait_for_selector("[data-test-script-state=notRunning]")


def sign_in(page: Page, name: str = "Ada") -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(GOOD)
    page.get_by_role("button", name="Sign in").click()


def test_from_the_sign_in_page_to_a_name_in_the_history_and_out_again(
    page: Page, outside: list[str], url: str
) -> None:
    page.goto(f"{url}/clusters")
    page.wait_for_url("**/sign-in?next=/clusters")
    sign_in(page)
    page.wait_for_url("**/clusters")
    settled(page)
    box = page.get_by_role("combobox", name="Name these faces")
    box.fill("Grace")
    box.press("Enter")
    page.get_by_text(re.compile(r"Named \d+ faces “Grace”")).first.wait_for()
    page.get_by_role("link", name="History").click()
    page.get_by_text(re.compile(r"Ada")).first.wait_for()
    settled(page)
    assert "Grace" in page.locator(".stMain").inner_text() and "Ada" in page.locator(".stMain").inner_text()

    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.go_back()
    page.wait_for_url("**/sign-in**")
    assert page.get_by_text("Grace").count() == 0
    assert outside == []


def test_a_removed_user_s_open_page_leaves_by_itself(page: Page, url: str, folder: Path) -> None:
    with Library.open(Settings(library=folder)) as library:
        library.users.add("Bo", Role.VIEWER, GOOD)
        page.goto(f"{url}/people")
        sign_in(page, "Bo")
        page.get_by_role("heading", name="People").wait_for()
        assert page.get_by_role("link", name="Users").count() == 0
        library.users.remove("Bo")
    page.wait_for_url("**/sign-in?next=**", timeout=15_000)


def test_a_program_comes_in_by_its_token(url: str, folder: Path, tmp_path: Path) -> None:
    from gradio_client import Client, handle_file
    from gradio_client.exceptions import AppError
    from PIL import Image

    with Library.open(Settings(library=folder)) as library:
        header = {"Authorization": f"Bearer {library.tokens.add('program', user='Ada')}"}
    with pytest.raises(urllib.error.HTTPError) as stranger:
        urllib.request.urlopen(f"{url}/api/people")
    assert stranger.value.code == 401 and "error" in json.load(stranger.value)
    request = urllib.request.Request(f"{url}/api/counts", headers=header)
    assert json.load(urllib.request.urlopen(request))["photos"] == 12
    photo = tmp_path / "photo.png"
    Image.new("RGB", (300, 300), "white").save(photo)
    client = Client(f"{url}/gradio/group/", headers=header, verbose=False, analytics_enabled=False)
    with pytest.raises(AppError, match="No recogniser has been trained yet"):
        client.predict(handle_file(photo), api_name="/recognise")


def test_the_first_user_is_added_in_the_browser(chromium: Browser, tmp_path: Path) -> None:
    with running_server(tmp_path / "library") as url:
        page = chromium.new_context(viewport={"width": 390, "height": 900}, java_script_enabled=False).new_page()
        page.goto(f"{url}/sign-in/first")
        page.get_by_label("Your name").fill("Ada")
        page.get_by_label("New password", exact=True).fill(GOOD)
        page.get_by_label("Repeat new password").fill(GOOD)
        page.get_by_role("button", name="Add me and sign in").click()
        page.wait_for_url("**/users")
        page.goto(f"{url}/account")
        page.get_by_role("heading", name="Ada").wait_for()
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/sign-in")
        page.context.close()
