"""What many clients at once cost the web app: bombs, browser sessions and recognitions, by a real server.

    python -m tests.bench.load LIBRARY_FOLDER

The library needs photos, groups and a recogniser, as `faceid demo`, some names and `faceid train` leave it.
Sessions are WebSocket clients that speak Streamlit's protocol: 20 Chromiums would measure themselves on a small
machine.
Times are those that a client waits, in seconds; memory is the resident set of the server without its worker, in
MB. Linux only.
"""

from __future__ import annotations

import asyncio
import io
import os
import struct
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import httpx
import numpy as np
from PIL import Image
from websockets.asyncio.client import connect

from tests.browser.conftest import running_server

BOMBS, SESSIONS, RECOGNITIONS = 64, 20, 200
PADDING = 160_000
"""Bytes behind a bomb that make it pass for a photo: it is refused by its header else."""

SIDE = 12_200
"""149 megapixels, just below the limit."""

PAGES = ("", "photos", "clusters", "people", "map", "history")


def tiff_bomb() -> bytes:
    """A few kB that decode to 149 megapixels of grey."""
    stream = io.BytesIO()
    Image.new("1", (SIDE, SIDE)).save(stream, "TIFF", compression="group4")
    return stream.getvalue()


def webp_bomb() -> bytes:
    """34 bytes: a lossless WebP whose header declares 149 megapixels of one colour (RFC 9649, 3.4)."""
    bits = (SIDE - 1) | (SIDE - 1) << 14
    data = b"\x2f" + struct.pack("<I", bits) + b"\x88\x88\x08\x00\x00\x00\x00\x00"[:8]
    chunk = b"VP8L" + struct.pack("<I", len(data)) + data + b"\x00" * (len(data) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def quantiles(seconds: list[float]) -> str:
    return f"p50 {np.quantile(seconds, 0.5):.2f} s, p99 {np.quantile(seconds, 0.99):.2f} s"


class Memory:
    """The server's resident set, looked at every 20 ms; `highest` since the last reset."""

    def __init__(self, pid: int) -> None:
        self._pages, self.highest = Path(f"/proc/{pid}/statm"), 0.0

    @property
    def now(self) -> float:
        return int(self._pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    async def watch(self) -> None:
        while True:
            self.highest = max(self.highest, self.now)
            await asyncio.sleep(0.02)


async def timed(act: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await act()
    return time.perf_counter() - started


async def post(client: httpx.AsyncClient, picture: bytes, statuses: list[int], *, patient: bool) -> None:
    """A recognition; a patient client that is told to come back later does."""
    while True:
        answer = await client.post("/api/recognise", files={"image": ("photo.jpg", picture, "image/jpeg")})
        statuses.append(answer.status_code)
        if answer.status_code != 429 or not patient:
            return
        await asyncio.sleep(float(answer.headers["Retry-After"]))


async def many(
    url: str, pictures: list[bytes], *, at_once: int, patient: bool = True
) -> tuple[list[float], list[int]]:
    statuses: list[int] = []
    limits = httpx.Limits(max_connections=at_once)
    async with httpx.AsyncClient(base_url=url, timeout=600, limits=limits) as client:
        acts = [partial(post, client, picture, statuses, patient=patient) for picture in pictures]
        seconds = await asyncio.gather(*map(timed, acts))
    return list(seconds), statuses


async def health(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        (await client.get("/api/health")).raise_for_status()


async def session(url: str, seconds: list[float]) -> None:
    """Opens every page once, as the browser does: each answer ends with the message that the script is done."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    address = url.replace("http", "ws") + "/_stcore/stream"
    async with connect(address, subprotocols=["streamlit"], origin=url, max_size=None) as socket:  # type: ignore[list-item,arg-type]
        for page in PAGES:
            asked = BackMsg()
            asked.rerun_script.page_script_hash = ""
            asked.rerun_script.page_name = page
            started = time.perf_counter()
            await socket.send(asked.SerializeToString())
            while True:
                answer = ForwardMsg()
                answer.ParseFromString(bytes(await socket.recv()))  # type: ignore[arg-type]
                if answer.WhichOneof("type") == "script_finished":
                    break
            seconds.append(time.perf_counter() - started)


def server_pid() -> int:
    """The child that serves; its own child works on jobs."""
    me = os.getpid()
    children = Path(f"/proc/{me}/task/{me}/children").read_text().split()
    return next(int(child) for child in children if b"serve" in Path(f"/proc/{child}/cmdline").read_bytes())


async def measure(url: str, photos: list[bytes]) -> None:
    memory = Memory(server_pid())
    await many(url, photos[:2], at_once=1)  # everything is loaded
    watching = asyncio.create_task(memory.watch())
    idle = memory.now
    print(f"idle after the first recognition: {idle:.0f} MB; load average {os.getloadavg()[0]:.1f}", flush=True)
    bombs = {"TIFF": tiff_bomb(), "WebP": webp_bomb()}
    bombs |= {f"padded {name}": bomb + bytes(PADDING) for name, bomb in bombs.items()}
    for name, bomb in bombs.items():
        memory.highest = 0.0
        bombing = asyncio.create_task(many(url, [bomb] * BOMBS, at_once=BOMBS, patient=False))
        await asyncio.sleep(1)
        beside = await asyncio.gather(timed(partial(health, url)), timed(partial(many, url, photos[:1], at_once=1)))
        seconds, statuses = await bombing
        print(f"{BOMBS} {name} bombs of {len(bomb):,} bytes at once: highest {memory.highest - idle:+.0f} MB over "
              f"idle, afterwards {memory.now - idle:+.0f} MB, {quantiles(seconds)}, {Counter(statuses)}; "
              f"beside them, health took {beside[0]:.2f} s and a photo {beside[1]:.2f} s", flush=True)  # fmt: skip
    memory.highest, before = 0.0, memory.now
    waits: list[float] = []
    await asyncio.gather(*(session(url, waits) for _ in range(SESSIONS)))
    print(f"{SESSIONS} sessions x {len(PAGES)} pages at once: {quantiles(waits)} a page, "
          f"memory {before:.0f} -> {memory.now:.0f} MB, highest {memory.highest:.0f}; "
          f"load average {os.getloadavg()[0]:.1f}", flush=True)  # fmt: skip
    memory.highest, before = 0.0, memory.now
    pictures = [photos[at % len(photos)] for at in range(RECOGNITIONS)]
    seconds, statuses = await many(url, pictures, at_once=RECOGNITIONS)
    print(f"{RECOGNITIONS} recognitions at once: {quantiles(seconds)}, statuses {Counter(statuses)}, "
          f"memory {before:.0f} -> {memory.now:.0f} MB, highest {memory.highest:.0f}; "
          f"load average {os.getloadavg()[0]:.1f}", flush=True)  # fmt: skip
    watching.cancel()


def main() -> None:
    library = Path(sys.argv[1])
    photos = [path.read_bytes() for path in sorted((library / "sample-album").glob("*.jpg"))[:20]]
    with running_server(library) as url:
        asyncio.run(measure(url, photos))


if __name__ == "__main__":
    main()
