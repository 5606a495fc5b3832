"""axe-core over every page, light and dark: nothing serious is wrong with what is ours."""

from __future__ import annotations

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
    for module in [*MODULES, "people?person=1"]:
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.goto(f"{url}/{module}")
        page.wait_for_selector("[data-test-script-state=notRunning]")
        page.locator(".stMain h1").first.wait_for()
        page.evaluate(axe)
        wrong += [f"{module}: {one}" for one in _worded(page.evaluate(RUN, [None, NOT_OURS]))]
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        page.wait_for_function("matchMedia('(prefers-color-scheme: dark)').matches")
        page.wait_for_timeout(250)
        wrong += [f"{module}, dark: {one}" for one in _worded(page.evaluate(RUN, [["color-contrast"], NOT_OURS]))]
    assert wrong == []
