"""Takes the pictures in docs/pictures: the sample album, most people named, a recogniser trained, every page.

    python docs/screenshots.py LIBRARY      (a folder for the library; one that is there already is used again)

Needs Chromium and Playwright. The pictures show invented people only.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import ViewportSize

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.sync_api import Page, sync_playwright

from faceid_core.library import Library
from faceid_core.sample import Album, draw_album, read_groundtruth
from faceid_core.settings import Settings
from faceid_core.values import Box
from tests.browser.conftest import ARGUMENTS, CHROMIUM, running_server

PICTURES = Path(__file__).parent / "pictures"
SIZE: ViewportSize = {"width": 1360, "height": 880}
UNNAMED = 2
"""People left without a name, so that the page Faces has something to show."""


def prepare(folder: Path) -> None:
    """A library with the album, most of its people named, and a recogniser."""
    if not (folder / "faceid.db").exists():
        _faceid(folder, "demo", "--no-serve")
    album = read_groundtruth(Settings(library=folder).album_folder)
    with Library.open(Settings(library=folder)) as library:
        if not library.people.all():
            _name(library, album)
        trained = library.models.all()
    if not trained:
        _faceid(folder, "train")


def _faceid(folder: Path, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "faceid_core.cli", "--library", str(folder), *arguments], check=True)


def _name(library: Library, album: Album) -> None:
    groups = library.clusters.page()[UNNAMED:]
    for row in groups:
        faces = library.faces.of_cluster(row.number, limit=1000)
        if row is groups[0]:
            faces = faces[: len(faces) // 2]  # the others are suggested
        photo = library.photos.get(faces[0].photo_id)
        face = faces[0].box
        box = Box(face.left, face.top, face.right, face.bottom)
        truth = max((true.box.iou(box), true.person) for true in album.photos[Path(photo.path).name])
        library.people.name_faces([face.id for face in faces], truth[1])


def save(page: Page, name: str) -> None:
    """As a PNG with a palette: a third of the size, and text stays sharp."""
    page.wait_for_timeout(2500)
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    shot.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(PICTURES / f"{name}.png", optimize=True)


def open_page(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_selector("h1")
    page.wait_for_selector("[data-test-script-state=notRunning]")


def lasso(page: Page) -> None:
    """Draw around the lower right part of the map."""
    plot = page.locator(".js-plotly-plot .nsewdrag").first
    plot.wait_for()
    page.wait_for_timeout(1500)
    area = plot.bounding_box()
    assert area is not None
    x, y, width, height = (area[key] for key in ("x", "y", "width", "height"))
    corners = [(0.45, 0.5), (0.98, 0.5), (0.98, 0.98), (0.45, 0.98), (0.45, 0.5)]
    places = [(x + width * right, y + height * down) for right, down in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=8)
    page.mouse.up()
    page.wait_for_timeout(2000)


def recognise(page: Page, url: str, tab: str, frame: str, photo: Path, done: str) -> None:
    open_page(page, f"{url}/recognise")
    page.get_by_role("tab", name=re.compile(tab)).click()
    app = page.frame_locator(f"iframe[src*='/gradio/{frame}/']")
    app.locator("input[type=file]").first.set_input_files(photo)
    app.get_by_text(re.compile(done)).first.wait_for()


def new_photos(folder: Path) -> tuple[Path, Path]:
    """(a single face, a group) of the album's people in photos that are not in the library."""
    more = draw_album(folder / "more", people=8, photos=70, seed=1)
    seen = {size: name for name, faces in more.photos.items() if (size := len(faces)) in (1, 5)}
    return more.folder / seen[1], more.folder / seen[5]


def main(folder: Path) -> None:
    prepare(folder)
    one, several = new_photos(folder)
    with running_server(folder) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        for name in ("", "photos", "clusters", "people", "train", "history"):
            open_page(page, f"{url}/{name}")
            save(page, name or "home")
        open_page(page, f"{url}/name_faces")
        page.get_by_role("heading", name=re.compile("^(Is|Are|Who)")).wait_for()
        save(page, "name-faces")
        open_page(page, f"{url}/people?person=2")
        save(page, "person")
        open_page(page, f"{url}/map")
        lasso(page)
        save(page, "map")
        recognise(page, url, "One face", "single", one, r"\d+%")
        save(page, "recognise-one")
        recognise(page, url, "Several faces", "group", several, r"\d faces, \d recognised")
        save(page, "recognise-several")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
