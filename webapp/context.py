"""The library that this server serves, and who is acting."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from faceid_core.media import images
from faceid_core.media.admission import Admission, default_megapixels
from faceid_core.media.source import Photograph, Source
from faceid_core.settings import Settings

if TYPE_CHECKING:
    from faceid_core.library import Library

OWNER = "owner"
"""Who acts while there is no sign-in: the person whose library this is."""

_lock = threading.Lock()
_settings: Settings | None = None
_libraries: dict[str, Library] = {}


# --- the library --------------------------------------------------------------------------------------------
def configure(settings: Settings) -> None:
    """Say which library this process serves. The server calls it once; tests call it for each library."""
    global _settings  # noqa: PLW0603 - one process serves one library
    _settings = settings


def settings() -> Settings:
    """The settings that the server was started with, or those of the environment."""
    return _settings or Settings()


def library() -> Library:
    """The one open Library of this process; sessions and API requests share it."""
    from faceid_core.library import Library

    wanted = settings()
    with _lock:
        if wanted.url not in _libraries:
            _libraries[wanted.url] = Library.open(wanted)
        return _libraries[wanted.url]


@contextmanager
def decoded(source: Source, settings: Settings) -> Iterator[Photograph]:
    """A photo that is read once there is room for it, and has the room during the block. Raises UnreadableImage,
    ImageTooLarge, TooBusy."""
    megapixels = images.declared_megapixels(source, max_megapixels=settings.max_megapixels)
    with _admission(settings.decode_megapixels).hold(megapixels):
        yield images.read(source, max_megapixels=settings.max_megapixels)


@cache
def _admission(megapixels: float | None) -> Admission:
    """The one gate of this process, for the API, the recognisers and thumbnails alike."""
    return Admission(megapixels or default_megapixels())


def close_libraries() -> None:
    """Close what `library()` opened; the server does it when it stops."""
    with _lock:
        while _libraries:
            _libraries.popitem()[1].close()


def actor() -> str:
    """Who decides: goes into every journal entry."""
    return str(st.session_state.get("actor") or OWNER)
