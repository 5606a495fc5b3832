"""Recognise: who is in a new photo, or in front of the camera? Two Gradio apps and the camera, in tabs."""

from __future__ import annotations

import streamlit as st

from faceid_core.errors import NoModel
from webapp.components.gradio_frame import gradio_frame
from webapp.components.live_camera import live_camera
from webapp.context import library
from webapp.markup import escaped_markdown, on_server
from webapp.parts.blank import no_recogniser
from webapp.wording import count

SINGLE, GROUP = "/gradio/single/", "/gradio/group/"


def page() -> None:
    st.title("Recognise")
    try:
        model = library().models.latest()
    except NoModel as missing:
        no_recogniser(escaped_markdown(str(missing)))
        return
    st.markdown(
        "Choose or drop a photo to see who is in it. The recogniser knows "
        f"{count(len(model.classes), 'person', 'people')} and answers “unknown” for everyone else. Photos you try "
        "here are not kept, unless you add one to the library."
    )
    one, several, live = st.tabs(
        [":material/person: One face", ":material/groups: Several faces", ":material/videocam: Live camera"]
    )
    with one:
        _embedded(SINGLE, title="Recognise one face", key="one-face")
    with several:
        _embedded(GROUP, title="Recognise several faces", key="several-faces")
    with live:
        live_camera(key="live-camera")
    st.caption(f"Programs can use it too: see the [API]({on_server('/api/docs')}).")


def _embedded(path: str, *, title: str, key: str) -> None:
    gradio_frame(path, title=title, key=key)
    address = on_server(path)
    st.caption(f"Also available at [{address}]({address}), and to programs via gradio_client.")
