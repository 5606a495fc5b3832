"""Records docs/pictures/naming.webp: the faces of drawn people, named by keys in a real browser.

    python docs/animation.py LIBRARY      (a new folder, or a library of the sample album without names)

Needs Chromium and Playwright. It shows invented people only.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from faceid_core.library import Library
from faceid_core.settings import Settings
from tests.browser.conftest import ARGUMENTS, CHROMIUM, running_server

TARGET = Path(__file__).parent / "pictures" / "naming.webp"
SIZE: ViewportSize = {"width": 1180, "height": 780}
WIDTH = 760
"""Of the pictures, in pixels."""
FACES, QUESTIONS = 20, 4
"""What is named and answered, at least."""
NAMES = ("Ada", "Grace", "Alan", "Mary", "Emmy", "Niels", "Rosalind", "Carl")
KEY_MS, LOOK_MS, END_MS = 170, 1300, 2500
"""How long a letter, a new question and the end are shown."""


class Recording:
    """Pictures of a page, and how long each is shown."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.pictures: list[Image.Image] = []
        self.durations: list[int] = []

    def take(self, milliseconds: int) -> None:
        shot = Image.open(io.BytesIO(self._page.screenshot())).convert("RGB")
        self.pictures.append(
            shot.resize((WIDTH, round(WIDTH * shot.height / shot.width)), Image.Resampling.LANCZOS)
        )
        self.durations.append(milliseconds)

    def save(self, file: Path) -> None:
        first, *others = self.pictures
        first.save(file, save_all=True, append_images=others, duration=self.durations, loop=0, quality=60, method=6)


def prepare(folder: Path) -> None:
    """A library of the sample album in which nobody has a name. Raises SystemExit for another one."""
    if not (folder / "faceid.db").exists():
        command = [sys.executable, "-m", "faceid_core.cli", "--library", str(folder), "demo", "--no-serve"]
        subprocess.run(command, check=True)
    if named(folder):
        raise SystemExit("People have names in this library already; give a new folder.")


def named(folder: Path) -> int:
    """How many faces have a name."""
    with Library.open(Settings(library=folder)) as library:
        return library.counts().named


def question(page: Page) -> None:
    page.get_by_role("heading", level=2, name=re.compile("^(Who|Are these|Is this)")).wait_for()
    page.wait_for_function("""() => {
      const host = [...document.querySelectorAll('*')].find(one => one.shadowRoot?.querySelector('.face'))
      return host && [...host.shadowRoot.querySelectorAll('img')].every(image => image.complete)
    }""")
    page.wait_for_timeout(900)


def name(page: Page, recording: Recording, text: str) -> None:
    """Answer the question that is shown with a new name."""
    recording.take(LOOK_MS)
    page.keyboard.press("Enter")
    for letter in text:
        page.keyboard.type(letter)
        page.wait_for_timeout(120)
        recording.take(KEY_MS)
    page.keyboard.press("Shift+Enter")
    page.get_by_text(re.compile(f"Named .* “{text}”")).first.wait_for()
    question(page)


def main(folder: Path) -> None:
    prepare(folder)
    with running_server(folder) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport=SIZE, color_scheme="light", reduced_motion="reduce")
        page.goto(f"{url}/name_faces")
        question(page)
        recording = Recording(page)
        for answered, text in enumerate(NAMES, 1):
            name(page, recording, text)
            if answered >= QUESTIONS and named(folder) >= FACES:
                break
        recording.take(END_MS)
        browser.close()
    recording.save(TARGET)
    print(f"{named(folder)} faces named, {len(recording.pictures)} pictures, {TARGET.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
