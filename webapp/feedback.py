"""Messages and error sentences: toasts, and the boundary around pages and callbacks."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec

import streamlit as st

from faceid_core.errors import FaceIdError
from webapp.context import in_words
from webapp.markup import escaped_markdown

log = logging.getLogger(__name__)

P = ParamSpec("P")

_ANNOUNCED = "_announced"

APOLOGY = "Something went wrong. The details are in the log; reload the page to continue."


# --- messages -----------------------------------------------------------------------------------------------
def toast(sentence: str, *, icon: str | None = ":material/check_circle:") -> None:
    """Say it in the corner of the page, also when the script reruns right after this call."""
    st.session_state.setdefault("_toasts", []).append((sentence, icon))
    announce(sentence)


def announce(sentence: str) -> None:
    """Let screen readers say it, once the page is drawn. sentence: may be markdown."""
    turn, _ = announced()
    st.session_state[_ANNOUNCED] = (turn + 1, re.sub(r"\\(.)", r"\1", sentence))


def announced() -> tuple[int, str]:
    """The number of the last sentence, and the sentence."""
    last: tuple[int, str] = st.session_state.get(_ANNOUNCED, (0, ""))
    return last


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
        st.error(escaped_markdown(in_words(error)), icon=":material/error:")
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
            toast(escaped_markdown(in_words(error)), icon=":material/error:")
        except Exception:
            log.exception("a callback failed")
            toast(APOLOGY, icon=":material/sentiment_dissatisfied:")

    return wrapped
