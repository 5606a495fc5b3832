"""The page Photos of a library whose photos an older detector searched."""

from __future__ import annotations

from pathlib import Path

from faceid_core.library import Library
from tests.webapp.conftest import OpenPage, new_photo, texts


def test_photos_of_the_current_detector_wait_for_nothing(filled: Library, open_page: OpenPage) -> None:
    assert not [button for button in open_page("photos").button if button.key == "search-again-now"]


def test_photos_of_another_detector_are_counted_and_searched_at_a_click(
    filled: Library, open_page: OpenPage
) -> None:
    filled.settings.detector = "hog"
    page = open_page("photos")
    assert "There may be more faces in 6 photos." in texts(page)
    page = page.button(key="search-again-now").click().run()
    assert not page.exception and not page.error
    (job,) = filled.jobs.active()
    assert (job.kind, job.params) == ("import", {"paths": [], "searched_otherwise": True})
    assert not [button for button in page.button if button.key == "search-again-now"]


def test_photos_that_could_not_be_read_do_not_count(library: Library, open_page: OpenPage, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    library.photos.add_many([new_photo(folder, 0)])
    library.settings.detector = "mmod"
    assert "There may be more faces in 1 photo." in texts(open_page("photos"))
