"""The recipes of docs/reverse-proxy.md with a real nginx and Caddy: the journey through the pages in Chromium."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faceid_core.library import Library
from faceid_core.sample import Album
from faceid_core.settings import Settings
from tests import proxies, sharing

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

KEPT = "        proxy_set_header Host $http_host;\n"
HEADERS = re.compile(r" *proxy_set_header (Host|X-Forwarded\S*) .*\n")
ENCRYPTED = re.compile(r" *ssl_certificate.*\n")


@dataclass
class Case:
    """A recipe, and what the case changes about it."""

    recipe: str
    path: str = ""
    change: Callable[[str], str] = field(default=lambda text: text)
    scheme: str = "https"


def plain(text: str) -> str:
    """Without TLS, as on a network at home."""
    return ENCRYPTED.sub("", text).replace("443 ssl", "443")


CASES = {
    "nginx": Case("nginx"),
    "nginx-default-host": Case("nginx", change=lambda text: proxies.replaced(text, {KEPT: ""})),
    "nginx-bare": Case("nginx", change=lambda text: HEADERS.sub("", plain(text)), scheme="http"),
    "nginx-path": Case("nginx-path", "/faces"),
    "nginx-path-cut": Case("nginx-path", "/faces", lambda text: proxies.replaced(text, {":8501;": ":8501/;"})),
    "caddy": Case("caddy"),
    "caddy-path": Case("caddy-path", "/faces"),
}


@pytest.fixture(scope="session")
def trained(imported_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of the album's groups named, and a recogniser that knows both."""

    def make(folder: Path) -> None:
        library = sharing.copy_library(imported_folder, folder / "library")
        with Library.open(Settings(library=library)) as opened:
            for number, name in ((1, "Anna"), (2, "Bo")):
                faces = [face.id for face in opened.faces.of_cluster(number)]
                opened.people.name_faces(faces, name)
        command = [sys.executable, "-m", "faceid_core.cli", "--library", str(library), "train", "--epochs", "2"]
        subprocess.run(command, check=True, timeout=300, capture_output=True)

    return sharing.once(tmp_path_factory, "trained-for-proxies", make) / "library"


@dataclass(frozen=True)
class Front:
    """A proxy with its server. url: the public address without a slash at its end."""

    url: str
    port: int
    path: str
    encrypted: bool

    def request(self, method: str, path: str, **headers: str) -> http.client.HTTPResponse:
        """Sent to the proxy as by a program that knows the public name."""
        context = ssl._create_unverified_context() if self.encrypted else None
        link = (
            http.client.HTTPSConnection(proxies.NAME, self.port, context=context, timeout=20)
            if context
            else http.client.HTTPConnection(proxies.NAME, self.port, timeout=20)
        )
        link._create_connection = lambda _, *rest: socket.create_connection(  # type: ignore[attr-defined]
            ("127.0.0.1", self.port), *rest
        )
        link.request(method, self.path + path, headers={"Host": self.url.split("/")[2], **headers})
        return link.getresponse()


@pytest.fixture(params=CASES)
def front(
    request: pytest.FixtureRequest,
    trained: Path,
    tmp_path: Path,
    serving: Callable[..., AbstractContextManager[str]],
) -> Iterator[Front]:
    case, port = CASES[request.param], proxies.free_port()
    url = f"{case.scheme}://{proxies.NAME}:{port}{case.path}"
    library = sharing.copy_library(trained, tmp_path / "library")
    with serving(library, FACEID_PUBLIC_URL=url) as server:
        text = case.change(proxies.recipe(case.recipe))
        text = proxies.replaced(text, {proxies.UPSTREAM: server.removeprefix("http://")})
        with _proxy(case, text, port, tmp_path):
            yield Front(url, port, case.path, case.scheme == "https")


@contextmanager
def _proxy(case: Case, text: str, port: int, folder: Path) -> Iterator[None]:
    if case.recipe.startswith("caddy"):
        with proxies.caddy(text, port, folder):
            yield
        return
    text = proxies.replaced(text, {"listen 443": f"listen 127.0.0.1:{port}"})
    if case.scheme == "https":
        certificate, key = proxies.make_certificate(folder)
        text = proxies.replaced(text, {proxies.CERTIFICATE: str(certificate), proxies.KEY: str(key)})
    with proxies.nginx(text, port, folder):
        yield


def test_the_journey_through_a_proxy(chromium: Browser, front: Front, album: Album) -> None:
    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.set_default_timeout(30_000)
    errors: list[str] = []
    sockets: list[str] = []
    elsewhere: list[str] = []
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.on("request", lambda sent: elsewhere.append(sent.url) if _leaves(sent.url, front) else None)
    try:
        _home(page, front)
        assert errors == []
        assert sockets and all(url.startswith(f"{front.url.replace('http', 'ws', 1)}/_stcore/") for url in sockets)
        _a_name(page, front)
        _a_recognition(page, front, album)
        _cookies(page, front)
        assert elsewhere == []
    finally:
        context.close()
    _nobody_else_acts(front)


def _leaves(url: str, front: Front) -> bool:
    return not url.startswith((f"{front.url}/", "data:", "blob:", "about:"))


def _settled(page: Page) -> None:
    page.wait_for_selector("[data-test-script-state=notRunning]")


def _home(page: Page, front: Front) -> None:
    from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

    page.goto(f"{front.url}/")
    page.wait_for_selector("h1")
    _settled(page)
    for _ in range(3):  # a click is lost where Streamlit draws the link anew at that moment
        page.get_by_role("link", name="Faces", exact=True).click()
        with suppress(PlaywrightTimeoutError):
            page.wait_for_url(f"{front.url}/clusters", timeout=10_000)
            break
    assert page.url == f"{front.url}/clusters"


def _a_name(page: Page, front: Front) -> None:
    page.goto(f"{front.url}/clusters")  # a deep link
    page.get_by_role("heading", name=re.compile(r"^Group \d+")).wait_for()
    _settled(page)
    crop = page.locator(f"img[src^='{front.path}/api/faces/']").first
    assert crop.evaluate("one => one.decode().then(() => one.naturalWidth)") > 0
    box = page.get_by_role("combobox", name="Name these faces")
    box.fill("Carla")
    box.press("Enter")
    page.get_by_text(re.compile(r"Named \d+ faces? “Carla”")).first.wait_for()
    _settled(page)


def _a_recognition(page: Page, front: Front, album: Album) -> None:
    page.goto(f"{front.url}/recognise")
    page.get_by_role("tab", name=re.compile("Several faces")).click()
    frame = page.frame_locator("iframe[src*='/gradio/group/']")
    frame.locator("input[type=file]").first.set_input_files(album.folder / next(iter(album.photos)))
    frame.get_by_text(re.compile(r"\d+ faces?, \d+ recognised")).wait_for(timeout=120_000)
    inside = next(one for one in page.frames if "/gradio/group/" in one.url)
    inside.wait_for_function(
        "[...document.querySelectorAll('img.photo')].filter(one => one.naturalWidth > 0).length >= 1"
    )
    inside.wait_for_function("[...document.fonts].filter(one => one.status === 'error').length === 0")


def _cookies(page: Page, front: Front) -> None:
    cookies = page.context.cookies()
    assert cookies
    assert {(one["path"], one["secure"]) for one in cookies} == {(f"{front.path}/", front.encrypted)}


def _nobody_else_acts(front: Front) -> None:
    own = front.url.removesuffix(front.path)
    assert front.request("POST", "/api/recognise", Origin=own).status == 422
    assert front.request("POST", "/api/recognise", Origin="https://evil.example").status == 403
    handshake = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    handshake["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=="
    assert front.request("GET", "/_stcore/stream", Origin=own, **handshake).status == 101
    assert front.request("GET", "/_stcore/stream", Origin="https://evil.example", **handshake).status == 403
    redirect = front.request("GET", "/gradio/group", Origin=own)
    assert redirect.status in (200, 307, 308)
    assert (redirect.headers["Location"] or "/").startswith("/")
