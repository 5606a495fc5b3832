"""A recogniser of Gradio within the page: as high as what it shows, so that the page alone scrolls."""

from __future__ import annotations

import streamlit as st

from webapp.components.files import component
from webapp.markup import on_server

_component = component(__file__)


def gradio_frame(path: str, *, title: str, key: str) -> None:
    """Draw the app at `path` on this server, in the page's light or dark colours. title: for screen readers."""
    address = f"{on_server(path)}?__theme={st.context.theme.type or 'light'}"
    _component(key=key, data={"address": address, "title": title})
