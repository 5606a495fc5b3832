"""The frame in a real browser: every page opens, works on an empty library and asks nothing of the internet."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

TITLES = {
    "": "Who is in your photos?",
    "photos": "Photos",
    "clusters": None,
    "map": None,
    "people": None,
    "train": "Train",
    "recognise": "Recognise",
}


@pytest.mark.parametrize("address", TITLES)
def test_every_page_opens(page: Page, outside: list[str], empty_url: str, address: str) -> None:
    page.goto(f"{empty_url}/{address}")
    page.wait_for_selector("h1")
    page.wait_for_selector("[data-test-script-state=notRunning]")
    if TITLES[address]:
        assert page.locator("h1").inner_text() == TITLES[address]
    assert page.get_by_text("Something went wrong").count() == 0
    assert outside == []


def test_a_page_opened_by_its_address_makes_no_errors(page: Page, empty_url: str) -> None:
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("response", lambda answer: wrong.append(answer.url) if answer.status >= 400 else None)
    page.goto(f"{empty_url}/people")
    page.wait_for_selector("h1")
    page.wait_for_selector("[data-test-script-state=notRunning]")
    assert wrong == []


def test_the_next_step_leads_to_the_photos(page: Page, empty_url: str) -> None:
    page.goto(empty_url)
    page.get_by_test_id("stPageLink-NavLink").get_by_text("Import photos").click()
    page.wait_for_url("**/photos")
    page.get_by_role("textbox", name="Folder or file").fill("/no/such/folder")
    page.get_by_role("button", name="Import", exact=False).first.click()
    page.get_by_text("There is no file or folder").wait_for()


def test_dark_colours_follow_the_system(chromium: Browser, empty_url: str) -> None:
    shades = {}
    for scheme in ("light", "dark"):
        page = chromium.new_page(color_scheme=scheme)
        page.goto(empty_url)
        page.wait_for_selector("h1")
        shades[scheme] = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
        page.close()
    assert shades == {"light": "rgb(251, 251, 249)", "dark": "rgb(19, 25, 24)"}


@pytest.mark.parametrize("name", ["single", "group"])
def test_the_recognisers_have_addresses_of_their_own(
    page: Page, outside: list[str], empty_url: str, name: str
) -> None:
    page.goto(f"{empty_url}/gradio/{name}/")
    page.get_by_text("No recogniser has been trained yet").wait_for()
    assert page.locator("footer").is_visible() is False
    assert outside == []


@pytest.mark.parametrize("name", ["single", "group"])
def test_gradio_client_gets_the_sentence(empty_url: str, name: str, tmp_path: Path) -> None:
    from gradio_client import Client, handle_file
    from gradio_client.exceptions import AppError
    from PIL import Image

    photo = tmp_path / "photo.png"
    Image.new("RGB", (300, 300), "white").save(photo)
    client = Client(f"{empty_url}/gradio/{name}/", verbose=False, analytics_enabled=False)
    with pytest.raises(AppError, match="No recogniser has been trained yet"):
        client.predict(handle_file(photo), api_name="/recognise")


def test_the_api_is_on_the_same_port(empty_url: str) -> None:
    with urllib.request.urlopen(f"{empty_url}/api/counts") as response:
        assert json.load(response)["photos"] == 0
    with pytest.raises(urllib.error.HTTPError) as missing:
        urllib.request.urlopen(f"{empty_url}/api/faces/1.jpg")
    assert missing.value.code == 404


def test_another_name_for_this_computer_is_refused(empty_url: str) -> None:
    request = urllib.request.Request(f"{empty_url}/api/counts", headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 421
