"""The library that this server serves, and who is acting."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, ParamSpec

import streamlit as st

from faceid_core.settings import Settings

if TYPE_CHECKING:
    from faceid_core.library import Library


log = logging.getLogger(__name__)
OWNER = "owner"
"""Who acts while there is no sign-in: the person whose library this is."""

P = ParamSpec("P")

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


def close_libraries() -> None:
    """Close what `library()` opened; the server does it when it stops."""
    with _lock:
        while _libraries:
            _libraries.popitem()[1].close()


def actor() -> str:
    """Who decides: goes into every journal entry."""
    return str(st.session_state.get("actor") or OWNER)
