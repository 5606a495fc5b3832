"""The open photo as browser tests see it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from faceid_core.library import FaceView, Library
from faceid_core.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PHOTOS = 6
"""In the library of the fixture `folder`."""

NEWEST = 6
"""The photo that comes first."""


def faces(folder: Path, photo: int) -> list[FaceView]:
    with Library.open(Settings(library=folder)) as library:
        return library.faces.of_photo(photo)


def idle(page: Page) -> None:
    page.locator("[data-test-script-state=notRunning]").wait_for()


def stage(page: Page) -> Locator:
    return page.locator(".stage")


def shows(page: Page, name: str) -> None:
    page.get_by_role("dialog").get_by_text(name, exact=True).wait_for()


def eventually(page: Page, holds: Callable[[], bool]) -> None:
    for _ in range(150):
        if holds():
            return
        page.wait_for_timeout(100)
    raise AssertionError(holds)
