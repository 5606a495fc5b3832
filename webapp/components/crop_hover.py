"""Shows the face under the pointer beside a Plotly chart whose points carry face ids as customdata."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from webapp.markup import face_url
from webapp.parts.face_map import View

_HERE = Path(__file__)
_component = st.components.v2.component(
    "faceid_crop_hover",
    html='<div class="root"></div>',
    css=_HERE.with_suffix(".css").read_text(encoding="utf-8"),
    js=_HERE.with_suffix(".js").read_text(encoding="utf-8"),
)


def crop_hover(container: str) -> View | None:
    """Follow the chart in the st.container of this key; the part of it in view, None while it is untouched."""
    data = {"container": container, "src": face_url(0)}
    view: View | None = _component(key=f"hover-{container}", data=data, on_view_change=lambda: None).view
    return view
