"""The live camera's WebSocket: newest frame only, a sentence for everything else, nothing stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from faceid_core.library import Library
from faceid_core.media import images
from faceid_core.recognition.live import State
from faceid_core.settings import Settings
from faceid_core.steps.recognise_live import Camera, LiveFace
from faceid_core.values import Box
from webapp import api, live
from webapp.feedback import APOLOGY

FRAME = images.encode_jpeg(np.full((48, 64, 3), 120, np.uint8))


@pytest.fixture
def client(library: Library, settings: Settings) -> Iterator[TestClient]:
    with TestClient(api.build(settings)) as client:
        yield client


@pytest.fixture
def sees(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shapes of the frames that were looked at."""
    shapes: list[tuple[int, ...]] = []

    def see(self: Camera, frame: np.ndarray) -> list[LiveFace]:
        shapes.append(frame.shape)
        return [LiveFace(7, Box(1, 2, 30, 40), State.NAMED, "Ada <b>", 0.91234)]

    monkeypatch.setattr(Camera, "see", see)
    return shapes


def answer_to(client: TestClient, frame: bytes | str) -> Any:
    with client.websocket_connect("/v1/live") as socket:
        if isinstance(frame, str):
            socket.send_text(frame)
        else:
            socket.send_bytes(frame)
        return socket.receive_json()


def test_each_frame_is_answered(client: TestClient, sees: list[tuple[int, ...]], library: Library) -> None:
    with client.websocket_connect("/v1/live") as socket:
        for _ in range(3):
            socket.send_bytes(FRAME)
            answer = socket.receive_json()
    face = {"track": 7, "box": [1, 2, 30, 40], "state": "named", "name": "Ada <b>", "probability": 0.9123}
    assert answer == {"width": 64, "height": 48, "faces": [face]}
    assert sees == [(48, 64, 3)] * 3
    assert library.counts().photos == 0


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        (b"", live.NOT_A_FRAME),
        ("hello", live.NOT_A_FRAME),
        (b"GIF89a", live.NOT_A_FRAME),
        (FRAME[:60], live.NOT_A_FRAME),
        (FRAME + b"x" * live.MOST_BYTES, live.TOO_LARGE),
        (images.encode_jpeg(np.zeros((1500, 1500, 3), np.uint8)), live.TOO_LARGE),
    ],
)
def test_what_is_no_frame(
    client: TestClient, sees: list[tuple[int, ...]], frame: bytes | str, sentence: str
) -> None:
    assert answer_to(client, frame) == {"error": sentence}
    assert not sees


def test_without_a_recogniser(client: TestClient) -> None:
    assert answer_to(client, FRAME)["error"].startswith("No recogniser has been trained yet")


def test_a_bug_is_an_apology(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Camera, "see", lambda self, frame: 1 / 0)
    assert answer_to(client, FRAME) == {"error": APOLOGY}


def test_there_is_room_for_so_many_cameras(client: TestClient, sees: list[tuple[int, ...]]) -> None:
    with client.websocket_connect("/v1/live") as one, client.websocket_connect("/v1/live") as two:
        for socket in (one, two):
            socket.send_bytes(FRAME)
            socket.receive_json()
        with client.websocket_connect("/v1/live") as third:
            assert third.receive_json() == {"error": live.FULL}
    assert "faces" in answer_to(client, FRAME), "their places are free again"


def test_only_the_newest_frame_is_looked_at() -> None:
    import asyncio

    class Socket:
        def __init__(self) -> None:
            self.frames = [b"1", b"2", b"3"]

        async def receive(self) -> dict[str, Any]:
            if self.frames:
                return {"type": "websocket.receive", "bytes": self.frames.pop(0)}
            await asyncio.sleep(60)
            return {}

    async def newest() -> bytes | None:
        waiting = live.Newest()
        filling = asyncio.create_task(waiting.fill(Socket()))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        found = await waiting.get()
        filling.cancel()
        return found

    assert asyncio.run(newest()) == b"3"
