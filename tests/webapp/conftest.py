"""A library of drawn photos in a temporary folder, and the pages run by Streamlit's AppTest."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from faceid_core.library import Library
from faceid_core.media import folders, images
from faceid_core.settings import Settings
from faceid_core.values import Box, DetectedFace, NewFace, NewPhoto, Quality
from tests import sharing
from webapp import context
from webapp.parts import photo_grid

EMBEDDER = "dlib-resnet+mirror"
SIDE = 240
OpenPage = Callable[[str], AppTest]
PAGE = """
import importlib
from webapp.feedback import boundary, show_toasts
from webapp.parts import dialog
dialog.closed()
show_toasts()
with boundary():
    importlib.import_module("webapp.app_pages.{module}").page()
show_toasts()
"""


@pytest.fixture(scope="session", autouse=True)
def packages_read_once() -> Iterator[None]:
    """Each AppTest looks through all installed packages for components (a second); they stay the same for a run."""
    with pytest.MonkeyPatch.context() as patch:
        once = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", once)
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return sharing.new_library(tmp_path / "library")


@pytest.fixture
def library(settings: Settings) -> Iterator[Library]:
    """An empty library, the one that the pages and the API use."""
    context.configure(settings)
    yield context.library()
    context.close_libraries()


@pytest.fixture
def filled(library: Library, tmp_path: Path) -> Library:
    """6 photos with a face each - 3 of one colour, 3 of another - and a file that could not be read."""
    folder = tmp_path / "photos"
    folder.mkdir()
    library.photos.add_many([new_photo(folder, number) for number in range(6)] + [failed_photo(folder)])
    return library


@pytest.fixture
def open_page() -> OpenPage:
    """Run one page of webapp.app_pages as the frame does."""

    def run(module: str) -> AppTest:
        return AppTest.from_string(PAGE.format(module=module), default_timeout=30).run()

    return run


def draw_photo(number: int) -> Image.Image:
    """A drawn face; photos with an even and with an odd number show two different people."""
    skin, hair = [("#e0ac7e", "#3b2417"), ("#8d5524", "#111111")][number % 2]
    photo = Image.new("RGB", (SIDE, SIDE), (90 + 20 * number, 140, 170))
    pen = ImageDraw.Draw(photo)
    pen.ellipse((70, 50, 170, 190), fill=skin)
    pen.pieslice((65, 40, 175, 150), 180, 360, fill=hair)
    for x in (100, 140):
        pen.ellipse((x - 6, 108, x + 6, 120), fill="white")
        pen.ellipse((x - 3, 111, x + 3, 117), fill="black")
    pen.arc((100, 130, 140, 165), 20, 160, fill="#7a2b2b", width=4)
    return photo


def new_photo(folder: Path, number: int) -> NewPhoto:
    path = folder / f"photo{number}.jpg"
    photo = draw_photo(number)
    photo.save(path, quality=92)
    return NewPhoto(
        path=str(path), sha256=folders.sha256_of(path), width=SIDE, height=SIDE, taken_at=None, error=None,
        size_bytes=path.stat().st_size, modified_ns=path.stat().st_mtime_ns, detector="centerface",
        embedder=EMBEDDER, faces=(_new_face(photo, number),),
    )  # fmt: skip


def _new_face(photo: Image.Image, number: int) -> NewFace:
    landmarks = np.array([[146, 114], [134, 114], [94, 114], [106, 114], [120, 140]], np.float32)
    vector = np.zeros(128, np.float32)
    vector[number % 2] = 1.0
    vector[2 + number] = 0.1
    return NewFace(
        face=DetectedFace(Box(70, 50, 170, 190), 1.0, landmarks),
        quality=Quality(size=1.0, sharpness=0.9, pose=0.9, exposure=0.9, score=0.9),
        crop=images.encode_jpeg(np.asarray(photo.crop((50, 40, 200, 190)))),
        vector=vector,
    )


def failed_photo(folder: Path) -> NewPhoto:
    path = folder / "broken.jpg"
    path.write_bytes(b"not a photo")
    return NewPhoto(
        path=str(path), sha256=folders.sha256_of(path), width=0, height=0, taken_at=None, error="not an image",
        size_bytes=11, modified_ns=path.stat().st_mtime_ns, detector="mmod", embedder=EMBEDDER, faces=(),
    )  # fmt: skip


def texts(page: AppTest) -> str:
    """Everything that the page says in markdown, captions, titles and messages."""
    kinds = (page.title, page.subheader, page.markdown, page.caption, page.error, page.info, page.toast)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def html_of(page: AppTest) -> str:
    return "\n".join(str(element.proto.body) for element in page.get("html"))


def photo_cards(page: AppTest) -> list[dict[str, Any]]:
    """The photos that are shown as cards."""
    parts = [part.proto for part in page.get("bidi_component")]
    shown = [json.loads(part.json) for part in parts if part.component_name.endswith("faceid_cards")]
    return [card for each in shown if each["layout"] == "photos" for card in each["cards"]]


def opened_photo(page: AppTest, photo: int) -> AppTest:
    """The page after a click on a photo's card; AppTest can't click into a component."""
    assert photo in {card["id"] for card in photo_cards(page)}
    page.session_state[photo_grid._OPENED] = photo
    return page.run()
