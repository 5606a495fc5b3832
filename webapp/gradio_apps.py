"""The recognisers as Gradio apps, how they look: one face and several faces, by upload, webcam or gradio_client."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from faceid_core.settings import Settings
from webapp import gradio_actions, theme

if TYPE_CHECKING:
    import gradio

LIVE_SECONDS = 0.6
"""Time between two webcam frames that are looked at."""

CACHE_CLEANING = (600, 3600)
"""Every 10 minutes, pictures older than an hour are deleted; at the end of the server, all."""

TOP = 4
"""Candidates shown for one face."""


def _photo_input(**options: Any) -> gradio.Image:
    """An image input that hands over the file itself, so that our reader, with its limits, is the only decoder."""
    import gradio as gr

    photo = gr.Image(type="filepath", sources=["upload", "webcam", "clipboard"], buttons=[], **options)
    photo.preprocess = lambda payload: payload.path if payload else None  # type: ignore[method-assign]  # this one only
    return photo


def _offer_api(photo: gradio.Image, answer: Callable[..., Any]) -> None:
    """The endpoint `/recognise` for gradio_client: a picture in, JSON out."""
    import gradio as gr

    gr.Button(visible=False).click(
        answer, photo, gr.JSON(visible=False), api_name="recognise", concurrency_limit=2, concurrency_id="recognise"
    )


@contextmanager
def _blocks(title: str) -> Iterator[gradio.Blocks]:
    """An app that says at its top when there is no recogniser."""
    import gradio as gr

    with gr.Blocks(title=title, analytics_enabled=False, fill_width=True, delete_cache=CACHE_CLEANING) as app:
        app.load(
            gradio_actions.missing_model, None, gr.Markdown(), api_visibility="private", show_progress="hidden"
        )
        yield app


_RUN: dict[str, Any] = {"api_visibility": "private", "concurrency_limit": 2, "concurrency_id": "recognise"}


def single_app(settings: Settings) -> gradio.Blocks:
    """One face: who is it most likely?"""
    import gradio as gr

    show, answer = gradio_actions.one(settings)
    with _blocks("faceid: one face") as app:
        with gr.Row(equal_height=True):
            photo = _photo_input(label="Photo", height=380)
            crop = gr.Image(label="Face", height=380, interactive=False, buttons=[])
            label = gr.Label(label="Who is it?", num_top_classes=TOP)
        note = gr.Markdown()
        photo.input(show, photo, [crop, label, note], **_RUN)
        _offer_api(photo, answer)
    return app


def group_app(settings: Settings) -> gradio.Blocks:
    """Several faces: who is in the picture, or in front of the webcam?"""
    import gradio as gr

    show, answer = gradio_actions.several(settings)
    with _blocks("faceid: several faces") as app:
        with gr.Tab("Photo"):
            with gr.Row():
                photo = _photo_input(label="Photo", height=420)
                drawn = gr.Image(label="Faces", height=420, interactive=False, buttons=["fullscreen"])
            note = gr.Markdown()
            headers = ["Name", "Probability", "Runners-up"]
            table = gr.Dataframe(headers=headers, datatype="str", interactive=False, buttons=[], label="People")
            photo.input(show, photo, [drawn, table, note], **_RUN)
        with gr.Tab("Webcam"):
            _webcam()
        _offer_api(photo, answer)
    return app


def _webcam() -> None:
    import gradio as gr

    with gr.Row():
        camera = gr.Image(sources=["webcam"], streaming=True, label="Webcam", height=420, buttons=[])
        seen = gr.Image(label="Faces", height=420, interactive=False, buttons=[])
    names = gr.Markdown("Start the webcam to see names appear; nothing is recorded.")
    camera.stream(
        gradio_actions.live,
        camera,
        [seen, names],
        stream_every=LIVE_SECONDS,
        show_progress="hidden",
        trigger_mode="once",
        **_RUN,
    )


def build(settings: Settings) -> FastAPI:
    """The sub-application for /gradio. Enter its lifespan before the first request."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str((settings.library / "temporary").resolve())
    import gradio as gr

    host = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    for path, make in {"/single": single_app, "/group": group_app}.items():
        gr.mount_gradio_app(
            host,
            make(settings),
            path,
            footer_links=[],
            run_history=False,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            enable_monitoring=False,
            max_file_size=f"{settings.max_upload_mb}mb",
            theme=theme.gradio_theme(),
            css=theme.gradio_css(),
        )
    return host
