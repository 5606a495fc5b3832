"""What a page has asked of the recognisers ends with the page: others don't wait for nobody."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

import httpx
import numpy as np
import pytest
import uvicorn

from faceid_core.errors import BadInput, JobCancelled
from faceid_core.library import Library
from faceid_core.media import images
from faceid_core.recognition.model_files import StoredModel
from faceid_core.recognition.openset import Calibration
from faceid_core.recognition.recogniser import EmbeddedFaces, Recogniser
from faceid_core.settings import Settings
from faceid_core.steps import recognise
from faceid_core.values import Box, DetectedFace
from faceid_core.vision.detector import Detector
from faceid_core.vision.embedder import Embedder
from webapp import gradio_actions, gradio_group, server

API = "/gradio/group/gradio_api"
START_SECONDS, PATIENCE_SECONDS = 120, 30


@dataclass
class Slow:
    """A recogniser that is busy with each picture until it is told to go on."""

    started: list[int] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)

    def __call__(self, library: Library, image: np.ndarray, **_: object) -> EmbeddedFaces:
        self.started.append(int(image.shape[1]))  # pictures are told apart by their width
        self.go_on.wait(PATIENCE_SECONDS)
        raise BadInput("No answer.")


@pytest.fixture
def recogniser(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    slow = Slow()
    monkeypatch.setattr(gradio_group, "find_faces", slow)
    yield slow
    slow.go_on.set()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, own_runtime: None) -> Iterator[str]:
    """The whole app on a real server, without its worker."""
    settings = Settings(library=tmp_path_factory.mktemp("cancel") / "library", port=0)
    app = server.build_app(settings, worker=False)
    with server.bind(settings) as listener:
        running = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        address = server.address(listener)
        httpx.get(f"{address}/gradio/group/config", timeout=START_SECONDS).raise_for_status()
        yield address
        running.should_exit = True
        thread.join()


class Tab:
    """A browser tab: it asks for pictures to be recognised and follows its events over a connection of its own."""

    def __init__(self, url: str, session: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=PATIENCE_SECONDS)
        self._session, self._address = session, httpx.URL(url)
        config = self._client.get("/gradio/group/config").json()
        self._event = next(each["id"] for each in config["dependencies"] if each["api_name"] == "show")

    def ask(self, width: int) -> None:
        photo = images.encode_jpeg(np.full((60, width, 3), 120, np.uint8))
        (path,) = self._client.post(f"{API}/upload", files={"files": ("a.jpg", photo, "image/jpeg")}).json()
        picture = {"path": path, "meta": {"_type": "gradio.FileData"}}
        body = {"data": [picture], "fn_index": self._event, "session_hash": self._session}
        self._client.post(f"{API}/queue/join", json=body).raise_for_status()

    def follow(self) -> socket.socket:
        """The stream of events, opened and read once."""
        host, port = self._address.host, self._address.port
        assert port is not None
        stream = socket.create_connection((host, port))
        request = f"GET {API}/queue/data?session_hash={self._session} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n"
        stream.sendall(request.encode())
        assert b"200 OK" in stream.recv(1000)
        return stream

    def outcome(self) -> str:
        """Follows the events to the first outcome."""
        with self._client.stream("GET", f"{API}/queue/data", params={"session_hash": self._session}) as lines:
            return next(line for line in lines.iter_lines() if '"process_completed"' in line)


def wait_for(found: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def asked_and_gone(url: str, session: str, widths: range, recogniser: Slow, running: int) -> None:
    """A tab that asks and is closed while its pictures wait."""
    tab = Tab(url, session)
    tab.ask(widths[0])
    with tab.follow():
        for width in widths[1:]:
            tab.ask(width)
        wait_for(lambda: len(recogniser.started) >= running)


@pytest.mark.slow
def test_waiting_pictures_of_a_closed_tab_are_dropped(url: str, recogniser: Slow) -> None:
    gone = [range(first, first + 3) for first in (100, 200, 300)]
    for number, widths in enumerate(gone):
        asked_and_gone(url, f"gone-{number}", widths, recogniser, running=2)
    staying = Tab(url, "staying")
    staying.ask(400)
    time.sleep(0.5)  # the server learns of the closed connections
    recogniser.go_on.set()
    assert "process_completed" in staying.outcome()
    assert (len(recogniser.started), recogniser.started[-1]) == (3, 400)  # two were at work already


class Crowd:
    """A detector that finds a hundred faces in anything, and an embedder that works on the first of them until
    their page is gone."""

    name, dimension = "crowd", 128

    def __init__(self) -> None:
        self.batches, self.noticed = 0, threading.Event()

    def detect(self, image: np.ndarray) -> list[DetectedFace]:
        points = np.array([[40, 20], [30, 20], [10, 20], [20, 20], [25, 35]], np.float32)
        return [DetectedFace(Box(0, 0, 50, 50), 1.0, points)] * 100

    def align(self, image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        return np.zeros((150, 150, 3), np.uint8)

    def embed(self, crops: np.ndarray) -> np.ndarray:
        self.batches += 1
        deadline = time.monotonic() + PATIENCE_SECONDS
        try:
            while time.monotonic() < deadline:
                gradio_actions.go_on()
                time.sleep(0.02)
        except JobCancelled:
            self.noticed.set()
        return np.ones((len(crops), 128), np.float32)


@pytest.mark.slow
def test_a_recognition_that_runs_ends_with_its_page(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = Crowd()
    rows = {"rows": np.ones((1, 128), np.float32)}
    model = StoredModel(("Ada",), "crowd", 0.5, Calibration(1, 0), rows, {})
    known = Recogniser(model, cast("Detector", crowd), cast("Embedder", crowd))
    monkeypatch.setattr(recognise, "load_recogniser", lambda library: known)
    labelled = threading.Event()
    monkeypatch.setattr(known, "label", lambda *_, **__: labelled.set())
    tab = Tab(url, "leaving")
    tab.ask(100)
    with tab.follow():
        wait_for(lambda: crowd.batches)
    assert crowd.noticed.wait(PATIENCE_SECONDS)
    time.sleep(0.3)
    assert crowd.batches == 1 and not labelled.is_set()
