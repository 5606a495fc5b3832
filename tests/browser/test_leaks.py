"""A component lets go of what it holds when it leaves the page: the browser counts nodes and listeners."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from faceid_core.library import Library
from faceid_core.media import images
from faceid_core.settings import Settings
from faceid_core.steps.map_faces import map_faces
from faceid_core.values import Box, DetectedFace, NewFace, NewPhoto, Quality

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EMBEDDER = "dlib-resnet+mirror"
GROUPS, FACES = 14, 60
NODES_OF_A_GROUP = FACES * 10
"""A face is its tile, picture, tick with an icon, name, flaw, and a button with an icon."""


@pytest.fixture(scope="module")
def groups_url(start_server: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A served library of 14 groups with 60 faces each, one group a photo, and a map."""
    folder = tmp_path_factory.mktemp("leaks") / "library"
    with Library.open(Settings(library=folder)) as library:
        library.photos.add_many([_photo(number) for number in range(GROUPS)])
        found = library.faces.vectors(EMBEDDER)
        groups = np.argmax(found.vectors[:, :GROUPS], axis=1).astype(np.int64) + 1
        library.clusters.save_run("test", {}, EMBEDDER, found.ids, groups)
        map_faces(library, projector="pca")
    return start_server(folder)


def _photo(number: int) -> NewPhoto:
    return NewPhoto(
        path=f"/photos/{number}.jpg", sha256=f"{number:064x}", width=6000, height=100, taken_at=None, error=None,
        size_bytes=1, modified_ns=1, detector="mmod", embedder=EMBEDDER,
        faces=tuple(_face(number, place) for place in range(FACES)),
    )  # fmt: skip


def _face(number: int, place: int) -> NewFace:
    vector = np.zeros(128, np.float32)
    vector[number], vector[GROUPS + place] = 1.0, 0.1
    left = 100.0 * place
    return NewFace(
        face=DetectedFace(Box(left, 0, left + 90, 90), 1.0, np.full((5, 2), left, np.float32)),
        quality=Quality(size=1.0, sharpness=0.9, pose=0.9, exposure=0.9, score=0.9),
        crop=images.encode_jpeg(np.full((40, 40, 3), 16 * number, np.uint8)),
        vector=vector,
    )


@pytest.fixture
def cdp(page: Page) -> CDPSession:
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    return session


def held(page: Page, cdp: CDPSession) -> dict[str, int]:
    """Nodes and listeners that are alive after two collections: the first may only run what lets others go."""
    page.wait_for_timeout(500)
    for _ in range(2):
        cdp.send("HeapProfiler.collectGarbage")
        page.wait_for_timeout(300)
    metrics = {one["name"]: int(one["value"]) for one in cdp.send("Performance.getMetrics")["metrics"]}
    return {name: metrics[name] for name in ("Nodes", "JSEventListeners")}


def settled(page: Page) -> None:
    page.wait_for_selector("[data-test-script-state=notRunning]")


def show_group(page: Page, number: int) -> None:
    page.get_by_role("listbox", name=f"Faces of group {number}", exact=True).wait_for()
    settled(page)
    page.get_by_role("option", name="group").first.click()  # chosen, and told to Python a moment later
    page.get_by_text("1 of").wait_for()


def test_groups_that_were_left_are_let_go_of(page: Page, cdp: CDPSession, groups_url: str) -> None:
    page.goto(f"{groups_url}/clusters")
    counts = []
    for number in range(1, GROUPS + 1):
        show_group(page, number)
        if number >= 3:  # by then all code is loaded
            counts.append(held(page, cdp))
        if number < GROUPS:
            page.get_by_role("button", name="Next").click()
    first, last = counts[0], counts[-1]
    left = len(counts) - 1
    assert last["Nodes"] - first["Nodes"] < NODES_OF_A_GROUP, (left, counts)
    assert last["JSEventListeners"] - first["JSEventListeners"] < left, counts


ROUND: tuple[tuple[str, Callable[[Page], Any]], ...] = (
    ("Faces", lambda page: page.get_by_role("option").first.wait_for()),
    ("Map", lambda page: page.locator(".js-plotly-plot .nsewdrag").first.wait_for()),
    ("People", lambda page: page.get_by_text("No people yet").wait_for()),
)


def go_round(page: Page, times: int) -> None:
    for _ in range(times):
        for title, arrived in ROUND:
            page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True).click()
            arrived(page)
            settled(page)


def test_pages_that_were_left_are_let_go_of(page: Page, cdp: CDPSession, groups_url: str) -> None:
    page.goto(f"{groups_url}/clusters")
    go_round(page, 2)
    before = held(page, cdp)
    go_round(page, 6)
    after = held(page, cdp)
    assert after["Nodes"] - before["Nodes"] < NODES_OF_A_GROUP, (before, after)
    assert after["JSEventListeners"] - before["JSEventListeners"] < 60, (before, after)
