"""Shows the face under the pointer beside a Plotly chart whose points carry face ids as customdata."""

from __future__ import annotations

import streamlit as st

from webapp.components.files import component
from webapp.markup import face_url
from webapp.parts.face_map import View

_component = component(__file__)
_WEBGL, _NARROW = "_webgl", "_narrow"


def crop_hover(container: str) -> View | None:
    """Follow the chart in the st.container of this key; the part of it in view, None while it is untouched."""
    key, data = f"hover-{container}", {"container": container, "src": face_url(0)}

    def told() -> None:
        known = st.session_state[key]
        st.session_state[_WEBGL], st.session_state[_NARROW] = known.get("webgl"), known.get("narrow")

    view: View | None = _component(
        key=key, data=data, on_view_change=lambda: None, on_webgl_change=told, on_narrow_change=told
    ).view
    return view


def has_webgl() -> bool:
    """Whether this browser has WebGL, as far as is known: Plotly needs it for large charts."""
    return st.session_state.get(_WEBGL) is not False


def is_narrow() -> bool:
    """Whether the page is too narrow for something beside the chart, as far as is known."""
    return st.session_state.get(_NARROW) is True
