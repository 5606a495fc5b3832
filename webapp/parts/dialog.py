"""Dialogs that stay open while something happens on the page behind them.

Whatever runs the whole page again closes an open dialog, so what runs by itself, such as the progress of jobs, asks
`is_open` first and leaves the page for later.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Literal, ParamSpec

import streamlit as st

P = ParamSpec("P")

_OPEN = "_dialog_is_open"


def dialog(
    title: str,
    *,
    icon: str,
    width: Literal["small", "medium", "large"] = "small",
    on_dismiss: Callable[[], object] | None = None,
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Like st.dialog. The page runs again when the dialog is dismissed, after on_dismiss."""

    def dismissed() -> None:
        closed()
        if on_dismiss is not None:
            on_dismiss()

    def decorate(function: Callable[P, None]) -> Callable[P, None]:
        shown = st.dialog(title, icon=icon, width=width, on_dismiss=dismissed)(function)

        @wraps(function)
        def opened(*args: P.args, **kwargs: P.kwargs) -> None:
            st.session_state[_OPEN] = True
            shown(*args, **kwargs)

        return opened

    return decorate


def is_open() -> bool:
    """Whether a dialog is open in this browser session."""
    return bool(st.session_state.get(_OPEN))


def closed() -> None:
    """No dialog is open: the whole page runs again, or the user dismissed it."""
    st.session_state[_OPEN] = False
