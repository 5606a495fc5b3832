"""A running server in a process of its own, and Chromium."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faceid_core.library import Library
from faceid_core.settings import Settings
from tests import sharing
from tests.browser.viewer import PHOTOS
from tests.proxies import NAME, free_port
from tests.webapp.conftest import new_photo

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

START_SECONDS = 90
LOCAL = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--no-first-run", "--disable-sync", "--disable-background-networking",
    "--disable-component-update", "--enable-webgl", "--ignore-gpu-blocklist", "--use-gl=swiftshader",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
    f"--host-resolver-rules=MAP {NAME} 127.0.0.1",
    # Allowed by a context (ignore_https_errors) instead, each connection fails once and is tried anew, and Chromium
    # gives a request up after some tries: ERR_TOO_MANY_RETRIES.
    "--ignore-certificate-errors",
]  # fmt: skip


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/api/health", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


@contextmanager
def running_server(library: Path, **environment: str) -> Iterator[str]:
    """`faceid serve` over a library; gives its URL. The server's output is shown when it does not start."""
    port = free_port()
    url, log = f"http://127.0.0.1:{port}", library / "server.log"
    library.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "faceid_core.cli", "--library", str(library), "serve", "--port", str(port)]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **environment}
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(url):
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


@pytest.fixture(scope="session")
def serving() -> Callable[..., AbstractContextManager[str]]:
    """`with serving(library_folder, FACEID_…="…") as url:` a server for the duration of the block."""
    return running_server


@pytest.fixture(scope="session")
def start_server() -> Iterator[Callable[[Path], str]]:
    """`start_server(library_folder) -> url`; servers stop at the end of the session, one per folder."""
    with ExitStack() as servers:
        urls: dict[Path, str] = {}

        def start(library: Path) -> str:
            if library not in urls:
                urls[library] = servers.enter_context(running_server(library))
            return urls[library]

        yield start


@pytest.fixture(scope="session")
def empty_url(start_server: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a server over an empty library."""
    return start_server(tmp_path_factory.mktemp("empty") / "library")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser a file: while Playwright is open, its event loop keeps other tests from running theirs."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (apt install chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A fresh page, light, 1440 x 900 px."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    page = context.new_page()
    page.set_default_timeout(30_000)
    yield page
    context.close()


@pytest.fixture
def outside(page: Page) -> list[str]:
    """The addresses of the requests of `page` that left this computer, up to now."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith(LOCAL):
            asked.append(request.url)

    page.on("request", note)
    return asked


@pytest.fixture
def folder(engine_settings: Settings, tmp_path: Path) -> Path:
    """A library of 6 photos with a face each."""
    folder, photos = tmp_path / "library", tmp_path / "photos"
    sharing.link_engine(folder, engine_settings.engine_folder)
    photos.mkdir()
    with Library.open(sharing.new_library(folder)) as library:
        library.photos.add_many([new_photo(photos, number) for number in range(PHOTOS)])
    return folder


@pytest.fixture
def url(serving: Callable[..., AbstractContextManager[str]], folder: Path) -> Iterator[str]:
    with serving(folder) as address:
        yield address
