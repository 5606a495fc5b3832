"""What every page shares: the library, who is acting, messages, error sentences and addresses.

A page is a module in `webapp.app_pages` with one function `page() -> None`; `webapp.app` runs it inside
`boundary()`.

>>> from webapp.state import actor, face_url, library, toast
>>> library().people.rename(3, "Ada", actor=actor())       # doctest: +SKIP
>>> toast("Renamed to Ada", icon=":material/edit:")        # doctest: +SKIP

Messages: `toast()` survives an `st.rerun()`, because it is queued in the session and shown by the next full
run. Inside a fragment that does not rerun the whole app, call `st.toast` itself.
Callbacks (`on_click=`) run outside the page's error boundary: decorate them with `@guarded`.
"""

from __future__ import annotations

import functools
import html
import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec

import streamlit as st

from faceid_core.errors import FaceIdError
from faceid_core.settings import Settings

if TYPE_CHECKING:
    from faceid_core.library import Library

log = logging.getLogger(__name__)

APOLOGY = "Something went wrong on our side. The details are in the program's log; reload the page to go on."
OWNER = "owner"
"""Who acts while there is no sign-in: the person whose library this is."""

CACHE_TOKEN = secrets.token_hex(4)
"""Part of every picture's address: browsers keep pictures for as long as this server runs, and no longer."""

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


# --- messages -----------------------------------------------------------------------------------------------
def toast(sentence: str, *, icon: str | None = ":material/check_circle:") -> None:
    """Say it in the corner of the page, also when the script reruns right after this call."""
    st.session_state.setdefault("_toasts", []).append((sentence, icon))


def show_toasts() -> None:
    """Show what is queued. The frame calls it before and after the page."""
    for sentence, icon in st.session_state.pop("_toasts", []):
        st.toast(sentence, icon=icon)


# --- errors -------------------------------------------------------------------------------------------------
@contextmanager
def boundary() -> Iterator[None]:
    """Show an expected failure as its one sentence; anything else is logged and gets an apology."""
    try:
        yield
    except FaceIdError as error:
        st.error(escaped_markdown(str(error)), icon=":material/error:")
    except Exception:
        log.exception("a page failed")
        st.error(APOLOGY, icon=":material/sentiment_dissatisfied:")


def guarded(callback: Callable[P, Any]) -> Callable[P, None]:
    """The same for a callback (`on_click=`): the sentence appears as a toast."""

    @functools.wraps(callback)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            callback(*args, **kwargs)
        except FaceIdError as error:
            toast(escaped_markdown(str(error)), icon=":material/error:")
        except Exception:
            log.exception("a callback failed")
            toast(APOLOGY, icon=":material/sentiment_dissatisfied:")

    return wrapped


# --- text and addresses -------------------------------------------------------------------------------------
_MARKDOWN = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]<>#+-!|~:$"})


def escaped_markdown(text: str) -> str:
    """Text that Streamlit's markdown shows as it is: a name like `*Ann* :red[x]` stays just that."""
    return text.translate(_MARKDOWN)


def escaped_html(text: str) -> str:
    """Text for an HTML fragment or attribute."""
    return html.escape(text, quote=True)


def face_url(face_id: int, size: int | None = None) -> str:
    """Address of a face's crop on this server; size in px (default 150)."""
    return _picture_url("faces", face_id, size)


def photo_url(photo_id: int, size: int | None = None) -> str:
    """Address of a photo's upright thumbnail on this server; size is the longer side in px."""
    return _picture_url("photos", photo_id, size)


def _picture_url(kind: str, number: int, size: int | None) -> str:
    return f"/api/{kind}/{number}.jpg?v={CACHE_TOKEN}" + (f"&size={size}" if size else "")


def page_link(module: str, label: str, *, icon: str | None = None) -> None:
    """A link to another page by its module's name, such as `page_link("people", "All people")`."""
    page = st.session_state.get("_pages", {}).get(module)
    if page is not None:  # a page that runs alone, in a test, has no navigation to link into
        st.page_link(page, label=label, icon=icon)


def go_to(module: str) -> None:
    """Leave for another page."""
    page = st.session_state.get("_pages", {}).get(module)
    if page is not None:
        st.switch_page(page)
