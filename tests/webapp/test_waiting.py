"""Pictures that wait for room hold up nobody else, and are not in memory while they wait."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx
import numpy as np
import pytest

from faceid_core.errors import TooBusy
from faceid_core.library import Library
from faceid_core.media import images
from faceid_core.media.admission import WAITING, Admission
from faceid_core.settings import Settings
from webapp import api, context

PATIENCE_S = 60
Value = TypeVar("Value")
PHOTO = images.encode_jpeg(np.zeros((100, 200, 3), np.uint8))


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Admission:
    made = Admission(10, patience_s=PATIENCE_S)
    monkeypatch.setattr(context, "_admission", lambda megapixels: made)
    return made


async def until(found: Callable[[], bool]) -> None:
    while not found():
        await asyncio.sleep(0.01)


def test_whoever_waits_for_room_holds_up_nobody_else(filled: Library, settings: Settings, gate: Admission) -> None:
    async def ask() -> Counter[int]:
        transport = httpx.ASGITransport(api.build(settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            with gate.hold(10):
                posts = [
                    asyncio.create_task(client.post("/recognise", files={"image": ("a.jpg", PHOTO)}))
                    for _ in range(WAITING + 6)
                ]
                await in_time(until(lambda: len(gate._queue) == WAITING))
                for path in ("/health", "/people", "/faces/1.jpg"):
                    answer: httpx.Response = await in_time(client.get(path))
                    assert answer.status_code == 200
            answers = await in_time(asyncio.gather(*posts))
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert int(refused.headers["Retry-After"]) > 0
        return Counter(answer.status_code for answer in answers)

    assert asyncio.run(ask()) == {409: WAITING, 429: 6}  # there is no recogniser


async def in_time(act: Awaitable[Value]) -> Value:
    return await asyncio.wait_for(act, PATIENCE_S / 2)


def test_an_upload_is_read_only_once_there_is_room(settings: Settings, gate: Admission) -> None:
    class Upload(io.BytesIO):
        most = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.most = max(self.most, len(data))
            return data

    upload = Upload(PHOTO + bytes(5_000_000))
    with gate.hold(9.5), pytest.raises(TooBusy):
        gate._patience_s = 0.1
        with context.decoded(upload, settings):
            pass
    assert upload.most < 1_000_000 and not upload.closed
    with context.decoded(upload, settings) as photo:
        assert photo.pixels.shape == (100, 200, 3)
        assert gate._inside == pytest.approx(0.02 + upload.getbuffer().nbytes / 6e6)
