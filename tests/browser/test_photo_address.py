"""The open photo in the page's address: reloaded, shared, closed by Back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faceid_core.library import Library
from faceid_core.settings import Settings
from tests.browser.viewer import NEWEST, faces, idle, shows, stage

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_back_closes_the_photo_and_keeps_the_search(page: Page, url: str) -> None:
    page.goto(f"{url}/photos")
    for closing in (page.go_back, lambda: page.keyboard.press("Escape"), page.go_back):
        opened_there(page, "photo")
        closing()
        page.get_by_role("dialog").wait_for(state="detached")
        page.wait_for_url(f"{url}/photos?q=photo")
        assert page.get_by_role("textbox", name="Search").input_value() == "photo"
    page.wait_for_function("!history.state?.isOver")
    page.go_back()
    page.wait_for_url(f"{url}/photos")


def opened_there(page: Page, search: str) -> None:
    """Search, unless that was done, and open the first photo."""
    box = page.get_by_role("textbox", name="Search")
    if box.input_value() != search:
        box.fill(search)
        box.press("Enter")
        page.wait_for_url(re.compile(rf"q={search}$"))
    page.get_by_role("button", name=re.compile("^Open ")).first.click()
    stage(page).wait_for()
    page.wait_for_function("history.state?.isOver")


def test_a_photo_is_in_the_address_over_reload_arrows_and_back(page: Page, url: str) -> None:
    page.goto(f"{url}/photos")
    opened_there(page, "photo")
    addressed(page, f"{url}/photos?q=photo&photo=6", "photo5.jpg")
    entries = page.evaluate("history.length")
    page.keyboard.press("ArrowRight")
    addressed(page, f"{url}/photos?q=photo&photo=5", "photo4.jpg")
    assert page.evaluate("history.length") == entries, "arrows replace the entry"
    page.reload()
    addressed(page, f"{url}/photos?q=photo&photo=5", "photo4.jpg")
    page.keyboard.press("ArrowRight")  # the search goes on
    addressed(page, f"{url}/photos?q=photo&photo=4", "photo3.jpg")
    page.go_back()
    closed(page, f"{url}/photos?q=photo")
    page.go_forward()
    addressed(page, f"{url}/photos?q=photo&photo=4", "photo3.jpg")
    page.get_by_role("button", name="Close", exact=True).click()
    closed(page, f"{url}/photos?q=photo")
    page.go_back()
    page.wait_for_url(f"{url}/photos")


def test_a_link_opens_the_photo_with_its_face_or_says_that_there_is_none(
    page: Page, url: str, folder: Path
) -> None:
    face = faces(folder, NEWEST)[0].id
    with Library.open(Settings(library=folder)) as library:
        person = library.people.name_faces([face], "Ada").person_id
    for place in (f"people?person={person}&", "map?"):
        page.goto(f"{url}/{place}photo={NEWEST}-{face}")
        addressed(page, f"{url}/{place}photo={NEWEST}-{face}", "photo5.jpg")
        page.locator(f"[data-key=box-{face}].chosen").wait_for()
        page.go_back()  # the link is the first address of its tab: Back leads to the page, not away
        closed(page, f"{url}/{place}".rstrip("?&"))
    page.goto(f"{url}/photos?photo=99")
    page.get_by_role("dialog").get_by_text("There is no such photo in this library").wait_for()
    page.wait_for_function("history.state?.isOver")
    page.keyboard.press("Escape")
    closed(page, f"{url}/photos")


def test_a_photo_closed_at_once_leaves_nothing_in_the_address(page: Page, url: str) -> None:
    page.goto(f"{url}/photos?q=photo&photo={NEWEST}")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    closed(page, f"{url}/photos?q=photo")


def addressed(page: Page, address: str, name: str) -> None:
    """The photo is open and in the address."""
    shows(page, name)
    page.wait_for_url(address)
    page.wait_for_function("history.state?.isOver")
    stage(page).wait_for()
    idle(page)


def closed(page: Page, address: str) -> None:
    """The page alone, and it stays so."""
    page.get_by_role("dialog").wait_for(state="detached")
    page.wait_for_url(address)
    page.get_by_role("heading", level=1).wait_for()
    idle(page)
    assert not page.get_by_role("dialog").count()
