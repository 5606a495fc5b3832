"""Shows the face under the pointer beside a Plotly chart whose points carry face ids as customdata."""

from __future__ import annotations

from webapp.components.files import component
from webapp.markup import face_url
from webapp.parts.face_map import View

_component = component(__file__)


def crop_hover(container: str) -> View | None:
    """Follow the chart in the st.container of this key; the part of it in view, None while it is untouched."""
    data = {"container": container, "src": face_url(0)}
    view: View | None = _component(key=f"hover-{container}", data=data, on_view_change=lambda: None).view
    return view
