"""axe-core over every page, light and dark: nothing serious is wrong with what is ours."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from faceid_core.library import Library
from faceid_core.settings import Settings
from tests import sharing
from webapp.app import PAGES

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MODULES = [module for pages in PAGES.values() for module in pages]
NOT_OURS = ["[data-testid=stSidebarNav]", "[data-testid=stToast]"]
"""Streamlit's navigation has headings between the items of a list, and its toasts are dialogs without a name."""

RUN = """
async ([rules, not_ours]) => {
  const options = {resultTypes: ['violations'], iframes: false}
  if (rules) options.runOnly = {type: 'rule', values: rules}
  const {violations} = await axe.run({exclude: not_ours.map(one => [one])}, options)
  return violations.filter(one => ['serious', 'critical'].includes(one.impact)).flatMap(
    one => one.nodes.map(node => ({rule: one.id, target: node.target.flat().join(' '), html: node.html,
      why: node.failureSummary})))
}
"""


@pytest.fixture(scope="module")
def folder(imported_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library in which two people have names."""
    folder = sharing.copy_library(imported_folder, tmp_path_factory.mktemp("accessible") / "library")
    with Library.open(Settings(library=folder)) as library:
        for number, name in ((1, "Ada"), (2, "Bo")):
            library.people.name_faces([face.id for face in library.faces.of_cluster(number)], name)
    return folder


@pytest.fixture(scope="module")
def axe() -> str:
    return resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def _worded(found: list[dict[str, Any]]) -> list[str]:
    return [f"{one['rule']}: {one['html'][:160]} {one['why'][-160:]}" for one in found]


def test_no_page_has_serious_faults_in_the_light_or_in_the_dark(
    page: Page, start_server: Callable[[Path], str], folder: Path, axe: str
) -> None:
    url, wrong = start_server(folder), []
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    for module in [*MODULES, "people?person=1"]:
        page.goto(f"{url}/{module}")
        page.wait_for_selector("[data-test-script-state=notRunning]")
        page.locator(".stMain h1").first.wait_for()
        page.evaluate(axe)
        wrong += [f"{module}: {one}" for one in _worded(page.evaluate(RUN, [None, NOT_OURS]))]
        wrong += _pale_in_the_dark(page, module)
    assert wrong == []


def _pale_in_the_dark(page: Page, what: str) -> list[str]:
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.wait_for_function("matchMedia('(prefers-color-scheme: dark)').matches")
    page.wait_for_timeout(250)
    found = page.evaluate(RUN, [["color-contrast"], NOT_OURS])
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    return [f"{what}, dark: {one}" for one in _worded(found)]


def _ready(page: Page) -> None:
    page.locator(".stMain h1").first.wait_for()
    page.wait_for_selector("[data-test-script-state=notRunning]")


def _open_photo(page: Page, url: str) -> None:
    page.goto(f"{url}/photos")
    _ready(page)
    page.get_by_role("button", name="Open photo").first.click()
    page.locator(".side .row").first.wait_for()
    page.get_by_role("button", name="Add a person without a face").click()


def _merge(page: Page, url: str) -> None:
    page.goto(f"{url}/people?person=1")
    _ready(page)
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Merge").click()
    page.get_by_role("dialog").wait_for()


def _keys(page: Page, url: str) -> None:
    page.goto(f"{url}/name_faces")
    _ready(page)
    page.get_by_role("button", name=re.compile("^Keys")).click()
    page.get_by_text("Undo and go back").wait_for()


def _name(page: Page, url: str) -> None:
    page.goto(f"{url}/name_faces")
    _ready(page)
    page.get_by_role("heading", name=re.compile("^(Is|Are|Who|Do)")).wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("combobox").first.wait_for()


def _no_photo(page: Page, url: str) -> None:
    page.goto(f"{url}/photos?photo=999999")
    page.get_by_role("dialog").get_by_text("There is no such photo").wait_for()


def _choose(page: Page, url: str) -> None:
    page.goto(f"{url}/photos")
    _ready(page)
    page.get_by_text("Select", exact=True).click()
    page.get_by_role("option").first.click()
    page.get_by_role("button", name="Tag", exact=True, disabled=False).click()
    page.get_by_role("dialog").wait_for()


def _add(page: Page, url: str) -> None:
    page.goto(f"{url}/photos")
    _ready(page)
    page.get_by_role("button", name="Add photos").click()
    page.get_by_role("textbox", name="Folder or file").wait_for()


def _exchange(page: Page, url: str) -> None:
    page.goto(f"{url}/photos")
    _ready(page)
    page.get_by_role("button", name="Names").click()
    page.get_by_role("button", name="Import names").wait_for()


OPENERS = (_open_photo, _no_photo, _merge, _keys, _name, _choose, _add, _exchange)


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_serious_with_dialogs_open(
    page: Page, start_server: Callable[[Path], str], folder: Path, axe: str, width: int
) -> None:
    url, wrong = start_server(folder), []
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    for opener in OPENERS:
        if opener is _keys and width < 640:  # who has no keys is not told of any
            continue
        opener(page, url)
        page.wait_for_selector("[data-test-script-state=notRunning]")
        page.wait_for_timeout(500)  # what slides in has arrived
        page.evaluate(axe)
        wrong += [f"{opener.__name__}: {one}" for one in _worded(page.evaluate(RUN, [None, NOT_OURS]))]
        wrong += _pale_in_the_dark(page, opener.__name__)
    assert wrong == []


def test_nothing_serious_on_a_phone(
    page: Page, start_server: Callable[[Path], str], folder: Path, axe: str
) -> None:
    url, wrong = start_server(folder), []
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    for module in [*MODULES, "people?person=1"]:
        page.goto(f"{url}/{'' if module == 'home' else module}")
        _ready(page)
        page.evaluate(axe)
        wrong += [f"{module}: {one}" for one in _worded(page.evaluate(RUN, [None, NOT_OURS]))]
    assert wrong == []


FOCUSED = """
wanted => {
  let at = document.activeElement
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
  const named = [at.getAttribute('aria-label'), at.getAttribute('placeholder'), at.title, at.textContent].join(' ')
  return new RegExp(wanted).test(`${at.tagName} ${named} ${at.className}`)
}
"""
MAIN = {
    "home": "^A .*(Name|Import|Train|Recognise)", "photos": "^INPUT .*Search", "name_faces": "^(BUTTON|INPUT|DIV)",
    "clusters": "^INPUT .*Name|^BUTTON .*Name all", "map": "^BUTTON .*(People|[Dd]raw)", "people": "^BUTTON .*card",
    "train": "^BUTTON .*Train", "evaluation": "^(INPUT|A|BUTTON)", "recognise": "(One face|Recognise)",
    "history": "^(BUTTON|INPUT|A) ", "export": "^(BUTTON|INPUT)", "backups": "^BUTTON .*Back up now",
    "sharing": "^A .*People", "users": "^A .*first user", "people?person=1": "^BUTTON .*Edit",
}  # fmt: skip
"""Page -> the control that it is for. Statistics and Workers are there to be read."""


def test_the_main_control_is_five_tabs_away_at_most(
    page: Page, start_server: Callable[[Path], str], folder: Path
) -> None:
    url = start_server(folder)
    far = [module for module, wanted in MAIN.items() if not _is_near(page, f"{url}/{module}", wanted)]
    assert far == []


def _is_near(page: Page, url: str, wanted: str) -> bool:
    for _ in range(3):  # Streamlit takes the focus away where it draws a control anew at that moment
        page.goto(url.removesuffix("home"))
        _ready(page)
        page.wait_for_timeout(500)
        for _ in range(5):
            page.keyboard.press("Tab")
            if page.evaluate(FOCUSED, "Skip to main content"):
                page.keyboard.press("Enter")
            if page.evaluate(FOCUSED, wanted):
                return True
    return False


TEXT_TOP = """
title => {
  const text = document.createRange()
  text.selectNodeContents(title)
  return text.getBoundingClientRect().top
}
"""


def test_titles_are_at_one_height(page: Page, start_server: Callable[[Path], str], folder: Path) -> None:
    url, tops = start_server(folder), {}
    for module in MODULES:
        page.goto(f"{url}/{'' if module == 'home' else module}")
        _ready(page)
        tops[module] = page.locator(".stMain h1").first.evaluate(TEXT_TOP)
    assert max(tops.values()) - min(tops.values()) <= 2, tops


def test_results_are_announced(page: Page, start_server: Callable[[Path], str], folder: Path) -> None:
    page.goto(f"{start_server(folder)}/people?person=1")
    _ready(page)
    said = page.get_by_role("status")
    page.get_by_role("button", name="Make favourite").click()
    said.filter(has_text="Made “Ada” a favourite").first.wait_for(state="attached")
    page.locator("[class*=st-key-undo-bar]").get_by_role("button", name="Undo").first.click()
    said.filter(has_text="Undone: Made “Ada” a favourite").first.wait_for(state="attached")


def test_nothing_moves_for_those_who_ask(page: Page, start_server: Callable[[Path], str], folder: Path) -> None:
    """Our own transitions and animations; a bar that leaves by itself may."""
    page.emulate_media(reduced_motion="reduce")
    url = start_server(folder)
    moving = "() => document.getAnimations().map(one => one.animationName || one.transitionProperty)"
    for opener in (_open_photo, _choose):
        opener(page, url)
        page.wait_for_timeout(500)
        assert set(page.evaluate(moving)) <= {"undo-bar"}
