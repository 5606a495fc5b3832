"""Naming by keys in a real browser: what is pressed and typed names the faces, and Z takes it back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from faceid_core.library import Library
from faceid_core.settings import Settings
from tests import sharing

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def folder(imported_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sharing.copy_library(imported_folder, tmp_path_factory.mktemp("queue") / "library")


@pytest.fixture
def queue(page: Page, start_server: Callable[[Path], str], folder: Path) -> Page:
    page.goto(f"{start_server(folder)}/name_faces")
    heading(page, "Who is this|Are these|Is this")
    return page


def heading(page: Page, text: str) -> str:
    """The question, once there is one that begins so."""
    found = page.get_by_role("heading", level=2, name=re.compile(f"^({text})"))
    found.wait_for()
    return found.inner_text()


def people(folder: Path) -> dict[str, int]:
    with Library.open(Settings(library=folder)) as library:
        return {person.name: person.faces for person in library.people.all()}


def faces(page: Page) -> list[str]:
    found: list[str] = page.locator("button.face img").evaluate_all("images => images.map(image => image.src)")
    return found


def changed(page: Page, before: list[str]) -> None:
    page.wait_for_function(
        """before => {
          const host = [...document.querySelectorAll('*')].find(one => one.shadowRoot?.querySelector('.face'))
          const images = host?.shadowRoot.querySelectorAll('button.face img') ?? []
          return host && [...images].map(image => image.src).join() !== before
        }""",
        arg=",".join(before),
    )


def test_keys_name_whole_groups_and_leon_makes_no_second_leonard(queue: Page, folder: Path) -> None:
    first = faces(queue)
    queue.keyboard.press("Enter")
    queue.keyboard.type("Leonard")  # n, s, u, x and y are letters here
    queue.keyboard.press("Enter")
    queue.get_by_text(re.compile("Named .* faces? “Leonard”")).wait_for()
    changed(queue, first)
    assert list(people(folder)) == ["Leonard"]
    second = faces(queue)
    queue.keyboard.press("Enter")
    queue.keyboard.type("Leon")
    queue.get_by_role("option", name=re.compile("New person “Leon”")).wait_for()
    queue.keyboard.press("Shift+Enter")
    queue.get_by_text(re.compile("Named .* “Leon”")).wait_for()
    changed(queue, second)
    assert sorted(people(folder)) == ["Leon", "Leonard"]
    queue.keyboard.press("z")
    queue.get_by_text(re.compile("Undone: Named .*Leon")).wait_for()
    queue.wait_for_timeout(500)
    assert faces(queue) == second and list(people(folder)) == ["Leonard"]
    queue.reload()
    heading(queue, "Who is this|Are these|Is this")
    assert faces(queue) == second, "the place is kept"
    before = people(folder)["Leonard"]
    queue.keyboard.press("Enter")
    queue.keyboard.type("leon")
    queue.keyboard.press("Enter")  # the first match, though they would be in one photo twice
    error = queue.get_by_role("alert").filter(has_text="twice")
    named = queue.get_by_text(re.compile("Named .* “Leonard”"))
    error.or_(named).first.wait_for()
    assert list(people(folder)) == ["Leonard"] and people(folder)["Leonard"] >= before


def test_two_people_may_have_one_name_where_that_is_said(queue: Page, folder: Path) -> None:
    for keys, name in (("Enter", "Mia"), ("Shift+Enter", "Mia (2)")):
        first = faces(queue)
        queue.keyboard.press("Enter")
        queue.keyboard.type("Mia")
        queue.get_by_role("option", name=re.compile(f"“{re.escape(name)}”")).wait_for()
        queue.keyboard.press(keys)
        queue.get_by_text(re.compile(f"Named .* “{re.escape(name)}”")).wait_for()
        changed(queue, first)
    assert {"Mia", "Mia (2)"} <= set(people(folder))
    for name in ("Mia (2)", "Mia"):  # the tests below need the questions
        queue.keyboard.press("z")
        queue.get_by_text(re.compile(f"Undone: Named .*“{re.escape(name)}”")).wait_for()
        queue.wait_for_timeout(500)


def test_skip_help_and_unknown_by_key(queue: Page, folder: Path) -> None:
    first = faces(queue)
    queue.keyboard.press("?")
    queue.get_by_text("Undo and go back").wait_for()
    queue.keyboard.press("s")
    changed(queue, first)
    second = faces(queue)
    queue.keyboard.press("u")
    queue.get_by_text(re.compile("Ignored .* faces?")).wait_for()
    changed(queue, second)
    queue.keyboard.press("Control+z")
    queue.get_by_text(re.compile("Undone: Ignored")).wait_for()


def test_a_key_can_be_chosen_and_stays(queue: Page) -> None:
    queue.keyboard.press("?")
    queue.get_by_role("button", name=re.compile("^S: Skip")).click()
    queue.get_by_text("Press the new key").wait_for()
    queue.keyboard.press("k")
    queue.get_by_role("button", name=re.compile("^K: Skip")).wait_for()
    queue.reload()
    heading(queue, "Who is this|Are these|Is this")
    first = faces(queue)
    queue.keyboard.press("k")
    changed(queue, first)


def test_no_message_covers_a_button_on_a_small_window(queue: Page) -> None:
    queue.set_viewport_size({"width": 390, "height": 600})
    queue.keyboard.press("u")
    queue.get_by_text(re.compile("^Ignored")).first.wait_for()
    queue.wait_for_timeout(500)  # it slides in
    covers_nothing(queue, "[class*=st-key-undo-bar]")
    queue.keyboard.press("z")
    queue.get_by_text(re.compile("^Undone: Ignored")).first.wait_for()
    queue.wait_for_timeout(500)
    covers_nothing(queue, "[data-testid=stToast]")


def covers_nothing(page: Page, message: str) -> None:
    """Neither an answer nor the question, wherever the page is scrolled to."""
    box = page.locator(message).first.bounding_box()
    assert box is not None and box["x"] >= 96 and box["x"] + box["width"] <= 390
    for what in (page.get_by_role("heading", level=2).all(), page.locator(".answers button").all()):
        for one in what:
            there = one.bounding_box()
            assert there is not None
            assert there["y"] >= box["y"] + box["height"] or there["y"] + there["height"] <= box["y"]


def test_thumbs_find_large_buttons(queue: Page) -> None:
    queue.set_viewport_size({"width": 390, "height": 844})
    for name in ("Unknown person", "Not a face", "Skip"):
        box = queue.get_by_role("button", name=re.compile(name)).bounding_box()
        assert box is not None and box["height"] >= 44 and box["width"] >= 120
    assert queue.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.fixture
def singles(
    page: Page, serving: Callable[..., AbstractContextManager[str]], imported_folder: Path, tmp_path: Path
) -> Iterator[Page]:
    """Every face is in no group."""
    folder = sharing.copy_library(imported_folder, tmp_path / "library")
    with Library.open(Settings(library=folder)) as library:
        ids = library.faces.vectors("dlib-resnet+mirror").ids
        library.clusters.save_run("test", {}, "dlib-resnet+mirror", ids, np.zeros(len(ids), np.int64))
    with serving(folder) as url:
        page.goto(f"{url}/name_faces")
        heading(page, "Do you know anyone")
        yield page


def test_several_single_faces_are_named_by_digits_and_the_others_stay(singles: Page, tmp_path: Path) -> None:
    first = faces(singles)
    pressed = singles.locator("button.face[aria-pressed=true]")
    assert len(first) == 10 and pressed.count() == 0
    singles.get_by_role("button", name=re.compile("I don’t know anyone here")).wait_for()
    singles.keyboard.press("2")
    singles.keyboard.press("0")
    assert pressed.count() == 2
    singles.get_by_role("button", name=re.compile("Unknown person")).wait_for()
    singles.keyboard.press("Enter")
    singles.keyboard.type("Ada 2")  # a digit, too, is a letter here
    singles.keyboard.press("Shift+Enter")
    singles.get_by_text(re.compile("Named 2 faces “Ada 2”|Ada 2 would be in")).first.wait_for()
    if singles.get_by_role("alert").filter(has_text="twice").count():
        assert pressed.count() == 2, "what is chosen stays so"
        singles.keyboard.press("Shift+Enter" if not people(tmp_path / "library") else "Enter")
        singles.get_by_text("Named 2 faces “Ada 2”").wait_for()
    changed(singles, first)
    rest = [face for place, face in enumerate(first) if place not in (1, 9)]
    assert faces(singles) == rest and pressed.count() == 0
    singles.keyboard.press("u")
    singles.get_by_text("Ignored 8 faces").wait_for()
    changed(singles, rest)
    assert not set(faces(singles)) & set(first), "nothing answered comes back"
    singles.keyboard.press("z")
    singles.get_by_text("Undone: Ignored 8 faces").wait_for()
    singles.wait_for_timeout(500)
    assert faces(singles) == rest


def test_thumbs_choose_single_faces_and_see_their_photos(singles: Page) -> None:
    singles.set_viewport_size({"width": 390, "height": 844})
    photo = singles.locator("figure img")
    before = photo.get_attribute("src")
    for tile in singles.locator("button.face").all():
        box = tile.bounding_box()
        assert box is not None and box["width"] >= 44 and box["height"] >= 44
        tile.click()
    assert photo.get_attribute("src") != before
    assert singles.locator("button.face[aria-pressed=true]").count() == 10
    assert singles.evaluate("document.documentElement.scrollWidth") <= 390
