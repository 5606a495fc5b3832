"""A camera of the browser, and the names of those in front of it, drawn over its picture."""

from __future__ import annotations

from webapp.components.files import component
from webapp.markup import on_server

_component = component(__file__)

LIVE = "/api/v1/live"


def live_camera(*, key: str) -> None:
    """Draw the camera; it starts when somebody presses Start."""
    _component(key=key, data={"address": on_server(LIVE)})
