"""Nothing leaves the machine: the system calls of everything that faceid does, watched by strace."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets import Origin
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from faceid_core.library import Library
from faceid_core.sample import Album
from faceid_core.settings import Settings

pytestmark = [pytest.mark.slow]

ROOT = Path(__file__).parents[2]
ADDRESS = re.compile(r'sin6?_port=htons\((\d+)\).*?(?:inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)")')
DNS = "53"


def outward(trace: str) -> list[str]:
    """The calls that reach, or ask for a name, beyond this machine.

    >>> outward('connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = 0')
    []
    """
    found = []
    for line in trace.splitlines():
        called = re.search(r"\b(connect|sendto|sendmsg|sendmmsg)\(", line)
        address = ADDRESS.search(line)
        if called and address:
            port, host = address[1], address[2] or address[3]
            inside = host.startswith("127.") or host in ("::1", "0.0.0.0", "::") or host.startswith("::ffff:127.")
            if port == DNS or not inside:
                found.append(line)
    return found


def strace(log: Path) -> list[str]:
    program = shutil.which("strace")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("strace is missing; .ci/run installs it")
        pytest.skip("strace is not installed")
    return [program, "-f", "--seccomp-bpf", "-qq", "-s", "200", "-e", "trace=network", "-o", str(log)]


def environment() -> dict[str, str]:
    """As on a user's machine: without the switches that this test's own process has set."""
    from faceid_core.privacy import SILENT

    return {**{k: v for k, v in os.environ.items() if k not in SILENT}, "PYTHONPATH": str(ROOT)}


def faceid(log: Path, library: Path, *arguments: str) -> None:
    command = [*strace(log), sys.executable, "-m", "faceid_core.cli", "--library", str(library), *arguments]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@contextmanager
def served(log: Path, library: Path) -> Iterator[str]:
    command = [
        *strace(log),
        sys.executable,
        "-m",
        "faceid_core.cli",
        "--library",
        str(library),
        "serve",
        "--port",
        "0",
    ]
    with subprocess.Popen(
        command, env=environment(), stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        try:
            assert server.stderr
            line = next(line for line in server.stderr if "faceid is at" in line)
            yield re.search(r"http://[\d.:]+", line)[0]  # type: ignore[index]
        finally:
            os.killpg(server.pid, signal.SIGTERM)  # strace itself ignores it, and ends with the server
            server.wait(30)


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=120) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_parser_tells_outside_from_inside() -> None:
    v4 = 'connect(3, {sa_family=AF_INET, sin_port=htons(%d), sin_addr=inet_addr("%s")}, 16) = 0'
    v6 = 'connect(3, {sa_family=AF_INET6, sin6_port=htons(443), inet_pton(AF_INET6, "%s", &sin6_addr)}, 28) = 0'
    assert len(outward(v4 % (443, "93.184.216.34"))) == len(outward(v6 % "2606:2800::1")) == 1
    assert len(outward(v4 % (53, "127.0.0.53"))) == 1
    assert outward(v4 % (8501, "127.0.0.1")) == outward(v6 % "::1") == []


def test_import_grouping_map_training_and_recognition_keep_to_themselves(album: Album, tmp_path: Path) -> None:
    library, log = tmp_path / "library", tmp_path / "trace"
    faceid(log, library, "demo", str(album.folder), "--no-serve")
    assert outward(log.read_text()) == []
    with Library.open(Settings(library=library)) as opened:
        for number, group in enumerate(opened.clusters.page(limit=4)):
            faces = [face.id for face in opened.faces.of_cluster(group.number)]
            opened.people.name_faces(faces, f"Person {number}")
    for arguments in (["train"], ["recognise", str(album.folder)]):
        faceid(log, library, *arguments)
        assert outward(log.read_text()) == []


def test_pages_gradio_and_a_refused_websocket_keep_to_themselves(imported_folder: Path, tmp_path: Path) -> None:
    library, log = tmp_path / "library", tmp_path / "trace"
    shutil.copytree(imported_folder, library)
    with served(log, library) as url:
        for path in ("/", "/api/people", "/api/faces/1.jpg", "/gradio/group/", "/gradio/single/config"):
            assert status(url + path) in (200, 404)
        with pytest.raises(InvalidStatus) as refused:
            connect(f"{url.replace('http', 'ws')}/_stcore/stream", origin=Origin("http://evil.test"))
        assert refused.value.response.status_code == 403
        _open_pages(url)
        time.sleep(1)
    assert outward(log.read_text()) == []


def _open_pages(url: str) -> None:
    """In a real browser, where there is one; its own traffic is not traced."""
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import ARGUMENTS, CHROMIUM

    if CHROMIUM is None or not Path(CHROMIUM).exists():
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
        page = browser.new_page()
        for path in ("", "photos", "clusters", "map", "people", "train", "recognise", "history"):
            page.goto(f"{url}/{path}")
            page.wait_for_selector("h1", timeout=60_000)
        browser.close()
