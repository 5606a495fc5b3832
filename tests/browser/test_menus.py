"""Menus give way to the dialog they open, and to the import they start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faceid_core.sample import Album
from tests import sharing

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def test_a_menu_closes_when_its_dialog_opens_or_its_import_starts(
    page: Page,
    start_server: Callable[[Path], str],
    imported_folder: Path,
    album: Album,
    tmp_path: Path,
) -> None:
    page.goto(f"{start_server(sharing.copy_library(imported_folder, tmp_path / 'library'))}/photos")
    page.get_by_role("button", name="Names").click()
    page.get_by_role("button", name="Show all names found").click()
    page.get_by_role("heading", name="Names in your photos").wait_for()
    assert not page.get_by_role("button", name="Import names").is_visible()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Add photos").click()
    page.get_by_role("textbox", name="Folder or file").fill(str(next(iter(sorted(album.folder.glob("*.jpg"))))))
    page.get_by_role("button", name="Import", exact=False).last.click()
    page.get_by_text("Import started").first.wait_for()
    page.get_by_role("textbox", name="Folder or file").wait_for(state="detached")
