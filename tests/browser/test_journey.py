"""The main job in a real browser: a fresh album, two groups named, a recogniser trained, a new photo recognised."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faceid_core.library import Library
from faceid_core.sample import Album, draw_album
from faceid_core.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TRAINING_MS = 240_000


@dataclass(frozen=True)
class Stage:
    """A served library, the truth of its album, and a photo of two people that was kept out of the library."""

    url: str
    library: Path
    album: Album
    new_photo: Path
    left: str
    right: str


@pytest.fixture(scope="module")
def stage(start_server: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> Stage:
    folder = tmp_path_factory.mktemp("journey")
    album = draw_album(folder / "album", people=4, photos=24, seed=7)
    name, (left, right) = next((name, faces) for name, faces in album.photos.items() if len(faces) == 2)
    new_photo = (album.folder / name).rename(folder / name)
    library = folder / "library"
    command = [sys.executable, "-m", "faceid_core.cli", "--library", str(library), "demo", str(album.folder)]
    subprocess.run([*command, "--no-serve"], check=True, timeout=300)
    return Stage(start_server(library), library, album, new_photo, left.person, right.person)


def groups_by_person(stage: Stage) -> dict[str, int]:
    """The number of the group that holds most faces of each person, by the album's truth."""
    votes: dict[str, Counter[int]] = {}
    with Library.open(Settings(library=stage.library)) as library:
        for found in library.exports.faces():
            drawn = stage.album.photos[Path(found.path).name]
            truth = max((face.box.iou(found.box), face.person) for face in drawn)
            if found.cluster is not None:
                votes.setdefault(truth[1], Counter())[found.cluster] += 1
    return {person: count.most_common(1)[0][0] for person, count in votes.items()}


def _other_group(stage: Stage) -> int:
    """The group of somebody whom the journey does not name."""
    groups = groups_by_person(stage)
    return next(group for person, group in groups.items() if person not in (stage.left, stage.right))


def settled(page: Page) -> None:
    page.wait_for_selector("[data-test-script-state=notRunning]")


def name_box(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Name these faces")


def test_from_groups_to_names_in_a_new_photo(page: Page, outside: list[str], stage: Stage) -> None:
    groups = groups_by_person(stage)
    page.goto(f"{stage.url}/clusters")
    for person in (stage.left, stage.right):
        page.get_by_role("button", name=re.compile(f"^Group {groups[person]}:")).click()
        page.get_by_role("heading", name=re.compile(f"^Group {groups[person]} ")).wait_for()
        settled(page)
        name_box(page).fill(person)
        name_box(page).press("Enter")
        page.get_by_text(re.compile(rf"Named \d+ faces “{person}”")).first.wait_for()
        settled(page)

    page.get_by_role("link", name="Train").click()
    page.get_by_text("Ready to train").wait_for()
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("heading", name="Your recogniser").wait_for(timeout=TRAINING_MS)

    page.get_by_role("link", name="Recognise", exact=True).click()
    page.get_by_role("tab", name=re.compile("Several faces")).click()
    frame = page.frame_locator("iframe[src*='/gradio/group/']")
    frame.locator("input[type=file]").first.set_input_files(stage.new_photo)
    frame.get_by_text("2 faces, 2 recognised").wait_for(timeout=120_000)
    assert frame.locator(".people b").all_inner_texts() == [stage.left, stage.right]
    assert outside == []


def test_a_name_given_by_mistake_is_taken_back(page: Page, stage: Stage) -> None:
    page.goto(f"{stage.url}/clusters")
    before = page.get_by_text(re.compile(r"\d+ of \d+ faces? named")).inner_text()
    name_box(page).fill("Mistake")
    name_box(page).press("Enter")
    page.get_by_role("button", name="Undo").first.click()
    page.get_by_text(re.compile("Undone: Named .*Mistake")).first.wait_for()
    settled(page)
    assert page.get_by_text(re.compile(r"\d+ of \d+ faces? named")).inner_text() == before
    page.goto(f"{stage.url}/people")
    settled(page)
    assert page.get_by_text("Mistake", exact=True).count() == 0


WITHOUT_WEBGL = """
const had = HTMLCanvasElement.prototype.getContext
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind.includes("webgl") ? null : had.call(this, kind, ...rest)
}
"""


@pytest.mark.parametrize("webgl", [True, False], ids=["webgl", "no-webgl"])
def test_a_lasso_on_the_map_shows_its_faces(page: Page, stage: Stage, webgl: bool) -> None:
    if not webgl:
        page.add_init_script(WITHOUT_WEBGL)
    page.goto(f"{stage.url}/map")
    plot = page.locator(".js-plotly-plot .nsewdrag").first
    plot.wait_for()
    if not webgl:
        page.locator(".scatterlayer .points path").first.wait_for()
    page.wait_for_timeout(1500)
    area = plot.bounding_box()
    assert area is not None
    left, top, right, bottom = (
        area["x"] + 4,
        area["y"] + 4,
        area["x"] + area["width"] - 4,
        area["y"] + area["height"] - 4,
    )
    page.mouse.move(left, top)
    page.mouse.down()
    for corner in ((right, top), (right, bottom), (left, bottom), (left, top)):
        page.mouse.move(*corner, steps=8)
    page.mouse.up()
    with Library.open(Settings(library=stage.library)) as library:
        faces = library.counts().mapped
    page.get_by_role("heading", name=re.compile(rf"^{faces} faces")).wait_for()
    grid = page.get_by_role("listbox", name="Faces selected on the map")
    grid.get_by_role("option").nth(faces - 1).wait_for()


def test_a_person_is_renamed_called_back_and_erased(page: Page, stage: Stage) -> None:
    with Library.open(Settings(library=stage.library)) as library:
        unnamed = [face.id for face in library.faces.of_cluster(_other_group(stage), unnamed=True)]
        library.people.name_faces(unnamed, "Otto")
    page.goto(f"{stage.url}/people")
    page.get_by_role("button", name=re.compile("^Otto")).first.click()
    page.get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name").fill("x" * 500)
    dialog.get_by_role("button", name="Save").click()
    dialog.get_by_text(re.compile("at most 100")).wait_for()
    dialog.get_by_role("textbox", name="Name").fill("Somebody New")
    dialog.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Somebody New").wait_for()
    page.get_by_role("button", name="Undo").first.click()
    page.get_by_role("heading", name="Otto").wait_for()
    settled(page)
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Erase").click()
    page.get_by_role("dialog").get_by_role("button", name="Erase permanently").click()
    page.get_by_role("heading", name="People").wait_for()
    settled(page)
    assert page.get_by_role("button", name=re.compile("^Otto")).count() == 0
    with Library.open(Settings(library=stage.library)) as library:
        assert library.faces.get_many(unnamed) == []


def test_a_face_is_named_on_its_photo(page: Page, stage: Stage) -> None:
    page.goto(f"{stage.url}/photos")
    settled(page)
    page.get_by_role("button", name=re.compile(r"^Open .*, 2 faces$")).first.click()
    dialog = page.get_by_role("dialog")
    dialog.locator(".side .row").nth(1).click()
    dialog.locator(".box.chosen").wait_for()
    assert dialog.get_by_role("button", name="Open photo").count() == 0
    name = dialog.get_by_role("combobox", name="Name")
    name.fill("Zoe")
    name.press("Enter")
    dialog.locator(".box", has_text="Zoe").wait_for()
    settled(page)
    page.keyboard.press("Control+z")
    dialog.locator(".box", has_text="Zoe").wait_for(state="detached")
