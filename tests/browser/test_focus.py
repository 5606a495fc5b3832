"""Whoever goes through a page by Tab sees where they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faceid_core.library import Library
from faceid_core.settings import Settings
from tests import sharing

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = ("", "photos", "name_faces", "clusters", "people", "people?person=1", "train", "export", "users")
STOPS = 8
"""Of each page, after the navigation: what comes later are more photos, faces and decisions of the same kind."""

WHERE = """
() => {
  let at = document.activeElement
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
  if (!at || at === document.body || at.tagName === 'IFRAME') return null
  const {x, y, width, height} = at.getBoundingClientRect()
  const label = at.getAttribute('aria-label') || at.getAttribute('placeholder') || at.textContent
  return {name: `${at.tagName} ${label.trim().slice(0, 40)}`, box: {x, y, width, height}}
}
"""
LET_GO = """
() => {
  let at = document.activeElement
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
  window.left = at
  at.blur()
}
"""
BACK = "() => window.left.focus({focusVisible: true, preventScroll: true})"
CALM = "* { transition: none !important; animation: none !important; caret-color: transparent !important; }"


@pytest.fixture(scope="module")
def folder(imported_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library in which somebody has a name."""
    folder = sharing.copy_library(imported_folder, tmp_path_factory.mktemp("focus") / "library")
    with Library.open(Settings(library=folder)) as library:
        library.people.name_faces([face.id for face in library.faces.of_cluster(1)], "Ada")
    return folder


@pytest.mark.parametrize("address", PAGES)
def test_the_focus_can_be_seen(page: Page, start_server: Callable[[Path], str], folder: Path, address: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{start_server(folder)}/{address}")
    page.locator(".stMain h1").first.wait_for()
    page.wait_for_selector("[data-test-script-state=notRunning]")
    page.wait_for_load_state("networkidle")
    page.add_style_tag(content=CALM)
    page.locator(".stMain").focus()
    unseen = [name for name in (_hidden(page) for _ in range(STOPS)) if name]
    assert unseen == []


def _hidden(page: Page) -> str:
    """The name of what the next Tab leads to, if it looks the same without the focus; "" where it doesn't."""
    page.keyboard.press("Tab")
    at = page.evaluate(WHERE)
    if at is None:
        return ""
    box = at["box"]
    around: FloatRect = {
        "x": max(box["x"] - 16, 0), "y": max(box["y"] - 16, 0),
        "width": min(box["width"] + 32, 600), "height": min(box["height"] + 32, 400),
    }  # fmt: skip
    focused = page.screenshot(clip=around, animations="disabled")
    page.evaluate(LET_GO)
    without = page.screenshot(clip=around, animations="disabled")
    page.evaluate(BACK)
    return str(at["name"]) if focused == without else ""
