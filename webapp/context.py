"""The library that this server serves, and who is acting."""

from __future__ import annotations

import asyncio
import io
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

import streamlit as st
from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime.scriptrunner import get_script_run_ctx

from faceid_core.errors import FaceIdError, IsVideo, NotSignedIn, TooBusy, UnreadableImage
from faceid_core.media import images
from faceid_core.media.admission import BYTES_PER_PIXEL, PATIENCE_S, WAITING, Admission, default_megapixels
from faceid_core.media.source import Borrowed, Photograph, Source
from faceid_core.settings import Settings
from faceid_core.values import LOCAL_OWNER, Actor, Role
from faceid_core.wording import without_folders
from webapp.access.identity import HEADER, Identity, Kind, Visitors

if TYPE_CHECKING:
    from faceid_core.library import Library, UserView

Value = TypeVar("Value")

_lock = threading.Lock()
_settings: Settings | None = None
_visitors: dict[str, Visitors] = {}
_asking: ContextVar[str | None] = ContextVar("faceid_asking", default=None)


# --- the library --------------------------------------------------------------------------------------------
def configure(settings: Settings) -> None:
    """Say which library this process serves. The server calls it once; tests call it for each library."""
    global _settings  # noqa: PLW0603 - one process serves one library
    _settings = settings


def settings() -> Settings:
    """The settings that the server was started with, or those of the environment."""
    return _settings or Settings()


def library() -> Library:
    """The one open Library of this process, for whoever acts. Raises NotSignedIn."""
    return visitors().library.acting_as(who())


def visitors() -> Visitors:
    """Who may come into the library, and the library as its owner sees it: for the server, not for pages."""
    from faceid_core.library import Library

    wanted = settings()
    with _lock:
        if wanted.url not in _visitors:
            _visitors[wanted.url] = Visitors(Library.open(wanted))
        return _visitors[wanted.url]


# --- who acts -----------------------------------------------------------------------------------------------
def who() -> Actor:
    """Who acts in this page, event or request, with the role that they have now. Raises NotSignedIn."""
    user = signed_in()
    if user is None:
        if visitors().must_sign_in():
            raise NotSignedIn
        return LOCAL_OWNER
    return user.actor


def signed_in() -> UserView | None:
    """The user who acts; None where nobody has signed in. Raises NotSignedIn for whose session has ended."""
    text = _identity()
    if text is None:
        return None
    user = visitors().user(Identity.parse(text))
    if user is None:
        raise NotSignedIn
    return user


def came_by() -> Kind | None:
    """How the user came in; None where nobody has signed in."""
    text = _identity()
    return Identity.parse(text).kind if text else None


def may(need: Role) -> bool:
    """Whether whoever acts has this role: a page draws no button that would be refused."""
    return who().role.includes(need)


def in_words(error: FaceIdError) -> str:
    """The error's sentence for whoever acts: only an owner is told where on this machine something lies."""
    try:
        trusted = may(Role.OWNER)
    except FaceIdError:
        trusted = False
    return str(error) if trusted else without_folders(str(error))


def why_unreadable(error: UnreadableImage, what: str) -> str:
    """The sentence about an upload that is no photo. what: what it is called, such as “upload”."""
    reason = "it is a video; send a photo" if isinstance(error, IsVideo) else str(error)
    return f"This {what} can't be read as a photo: {reason}."


def _identity() -> str | None:
    """What the gate wrote into the headers: of the page's connection, of the recogniser's event, of the request."""
    if get_script_run_ctx(suppress_warning=True) is not None:
        return st.context.headers.get(HEADER)
    if "gradio.context" in sys.modules:
        event = sys.modules["gradio.context"].LocalContext.request.get(None)
        if event is not None:
            text: str | None = event.headers.get(HEADER)
            return text
    return _asking.get()


class ForWhomAsks:
    """ASGI middleware of the API: its requests act for whom the gate let in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            _asking.set(Headers(scope=scope).get(HEADER))
        await self._app(scope, receive, send)


# --- pictures -----------------------------------------------------------------------------------------------
@contextmanager
def decoded(
    source: Source | IO[bytes], settings: Settings, *, enough_px: int | None = None
) -> Iterator[Photograph]:
    """A photo that is read once there is room for it, and has the room during the block. An upload is read from its
    file then, too: many that wait may be large. enough_px: of a file, see images.read. Raises UnreadableImage,
    ImageTooLarge, TooBusy."""
    limit = settings.max_megapixels
    if isinstance(source, Path | str | bytes):
        with _admission(settings.decode_megapixels).hold(images.declared_megapixels(source, max_megapixels=limit)):
            yield images.read(source, max_megapixels=limit, enough_px=enough_px)
        return
    megapixels = images.declared_megapixels(Borrowed(source), max_megapixels=limit)
    size_bytes = source.seek(0, io.SEEK_END) or source.tell()
    with _admission(settings.decode_megapixels).hold(megapixels + size_bytes / BYTES_PER_PIXEL / 1e6):
        source.seek(0)
        yield images.read(source.read(), max_megapixels=limit)


class PicturePlaces:
    """Limits how many pictures may be decoded or wait for it at once. One client gets at most half of the places,
    so that the others are left for everybody else. Safe to share between threads."""

    def __init__(self, places: int = WAITING) -> None:
        self._places, self._taken = places, Counter[str]()
        self._lock = threading.Lock()

    def is_free(self, client: str) -> bool:
        """Whether there is a place for this client now."""
        return self._taken.total() < self._places and self._taken[client] < self._places // 2

    @contextmanager
    def taken(self, client: str) -> Iterator[None]:
        """Raises TooBusy."""
        with self._lock:
            if not self.is_free(client):
                raise TooBusy(retry_after_s=PLACE_AFTER_S)
            self._taken[client] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[client] -= 1
                self._taken += Counter()  # forgets who has none


PLACE_AFTER_S = 3
"""Seconds until a place may be free: a photo takes less than one."""

_places = PicturePlaces()


async def on_picture_thread(request: Request, act: Callable[[], Value]) -> Value:
    """What decodes pictures, in a thread of its own: those that wait for room hold up nothing else. A page asks for
    many at once, which wait for a place; an upload does not. Raises TooBusy."""
    client = request.headers.get(HEADER) or (request.client.host if request.client else "")
    if request.method == "GET":
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while not _places.is_free(client):
                    await asyncio.sleep(0.05)
    with _places.taken(client):
        return await to_thread.run_sync(act, limiter=CapacityLimiter(1))  # the usual 40 serve everything else


@cache
def _admission(megapixels: float | None) -> Admission:
    """The one gate of this process, for the API, the recognisers and thumbnails alike."""
    return Admission(megapixels or default_megapixels())


def close_libraries() -> None:
    """Close what `library()` opened; the server does it when it stops."""
    with _lock:
        while _visitors:
            _visitors.popitem()[1].library.close()
