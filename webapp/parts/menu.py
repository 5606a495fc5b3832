"""A button with a panel of controls below it, which the program can close, too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import streamlit as st


@contextmanager
def menu(
    label: str, *, icon: str, key: str, type: Literal["primary", "secondary", "tertiary"] = "secondary"
) -> Iterator[None]:
    """Whatever is drawn in the block appears in the panel."""
    with st.popover(label, icon=icon, type=type, key=f"{key}-{st.session_state.get(_closed(key), 0)}"):
        yield


def close_menu(key: str) -> None:
    """Close the panel: before a dialog opens, which it would cover, and once its purpose is done."""
    st.session_state[_closed(key)] = st.session_state.get(_closed(key), 0) + 1  # another key is another menu


def _closed(key: str) -> str:
    return f"{key}-closed"
