"""The live camera: a WebSocket that takes frames and answers each with the faces on it. Nothing is stored.

Only the newest frame is looked at. A page sends one and waits for its answer; what somebody sends meanwhile takes
the place of the frame that waits, so that no queue can grow.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from faceid_core.errors import BadInput, FaceIdError, ImageTooLarge, UnreadableImage
from faceid_core.media import images
from faceid_core.steps.recognise_live import Camera, as_dict
from faceid_core.values import Image
from webapp.access.identity import HEADER
from webapp.context import in_words, library
from webapp.feedback import APOLOGY

log = logging.getLogger(__name__)

MOST_BYTES, MOST_MEGAPIXELS = 2_000_000, 2.1
"""Of a frame: full HD as JPEG. The page sends 640 pixels, about 50 kB."""

CAMERAS, PER_CLIENT = 8, 2
"""Cameras at once: altogether, and of one user or address."""

JPEG = b"\xff\xd8\xff"

SILENT_S = 60.0
"""A connection without frames is closed after this time, and gives its place to others."""

TOO_LARGE = "This frame is too large; send JPEGs of at most 2 megapixels and 2 MB."
NOT_A_FRAME = "Send frames as binary messages, each a JPEG."
FULL = "Too many cameras are running; stop another one, or try again later."

POLICY_VIOLATION, GOING_AWAY, TRY_LATER = 1008, 1001, 1013
"""Close codes of RFC 6455 and IANA's registry."""


class Cameras:
    """Places for cameras. Used from the event loop alone."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    @contextmanager
    def place(self, client: str) -> Iterator[None]:
        """Raises BadInput where there is none."""
        if self._open.total() >= CAMERAS or self._open[client] >= PER_CLIENT:
            raise BadInput(FULL)
        self._open[client] += 1
        try:
            yield
        finally:
            self._open[client] -= 1
            self._open += Counter()


class Newest:
    """The frame that is looked at next. None: the connection has ended."""

    def __init__(self) -> None:
        self._frame: bytes | None = None
        self._there, self._ended = asyncio.Event(), False

    async def fill(self, socket: WebSocket) -> None:
        """Take frames until the other side goes, or says nothing for SILENT_S."""
        try:
            while True:
                async with asyncio.timeout(SILENT_S):
                    message = await socket.receive()
                if message["type"] != "websocket.receive":
                    return
                self._frame = message.get("bytes") or b""
                self._there.set()
        except (TimeoutError, WebSocketDisconnect, RuntimeError):  # RuntimeError: closed from this side
            return
        finally:
            self._ended = True
            self._there.set()

    async def get(self) -> bytes | None:
        """Wait for the next one."""
        await self._there.wait()
        self._there.clear()
        frame, self._frame = self._frame, None
        return None if self._ended else frame


def add_live(api: FastAPI) -> None:
    """The address /v1/live."""
    cameras = Cameras()

    @api.websocket("/v1/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        client = socket.headers.get(HEADER) or (socket.client.host if socket.client else "")
        try:
            with cameras.place(client):
                code = await _watch(socket)
        except BadInput as full:
            await _end(socket, str(full), TRY_LATER)
            return
        with suppress(RuntimeError):  # the other side was first
            await socket.close(code)


async def _watch(socket: WebSocket) -> int:
    """Answer frames until the end; the code to close with."""
    newest, camera, one = Newest(), Camera(library), CapacityLimiter(1)
    filling = asyncio.create_task(newest.fill(socket))
    try:
        while (frame := await newest.get()) is not None:
            answer = await to_thread.run_sync(_answer, camera, frame, limiter=one)
            await socket.send_json(answer)
            if "error" in answer:
                return POLICY_VIOLATION
    except (WebSocketDisconnect, RuntimeError):
        return GOING_AWAY
    finally:
        filling.cancel()
        with suppress(asyncio.CancelledError):
            await filling
    return GOING_AWAY


def _answer(camera: Camera, frame: bytes) -> dict[str, Any]:
    """What is on a frame, or {"error": a sentence}."""
    try:
        pixels = _pixels(frame)
        faces = camera.see(pixels)
    except FaceIdError as error:
        return {"error": in_words(error)}
    except Exception:
        log.exception("the live camera failed")
        return {"error": APOLOGY}
    return {"width": pixels.shape[1], "height": pixels.shape[0], "faces": [as_dict(face) for face in faces]}


def _pixels(frame: bytes) -> Image:
    """Raises BadInput for all but a JPEG of a camera's size: no other decoder is let near it."""
    if len(frame) > MOST_BYTES:
        raise BadInput(TOO_LARGE)
    if not frame.startswith(JPEG):
        raise BadInput(NOT_A_FRAME)
    try:
        return images.read(frame, max_megapixels=MOST_MEGAPIXELS).pixels
    except ImageTooLarge as error:
        raise BadInput(TOO_LARGE) from error
    except UnreadableImage as error:
        raise BadInput(NOT_A_FRAME) from error


async def _end(socket: WebSocket, sentence: str, code: int) -> None:
    with suppress(RuntimeError, WebSocketDisconnect):
        await socket.send_json({"error": sentence})
        await socket.close(code)
