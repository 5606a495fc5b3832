"""The recognisers as Gradio apps, how they look: one face and several faces, by upload, webcam or gradio_client."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.routing import Mount

from faceid_core.atomic import PRIVATE_FOLDER
from faceid_core.settings import Settings
from webapp import gradio_actions, theme

if TYPE_CHECKING:
    import gradio

log = logging.getLogger(__name__)

LIVE_SECONDS = 0.6
"""Time between two webcam frames that are looked at."""

CACHE_CLEANING = (600, 3600)
"""Every 10 minutes, pictures older than an hour are deleted; at the end of the server, all."""

SOURCES = ["upload", "webcam", "clipboard"]

WAITING, PER_SESSION = 32, 3
"""Pictures that may wait: altogether, and of one browser tab."""

NONSENSE = "This request can't be understood; reload the page and try again."

TOP = 4
"""Candidates shown for one face."""


def _picture_input(**options: Any) -> gradio.Image:
    """An image input that hands over the file itself, so that our reader, with its limits, is the only decoder."""
    import gradio as gr

    photo = gr.Image(type="filepath", buttons=[], **options)
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
            photo = _picture_input(label="Photo", height=380, sources=SOURCES)
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
                photo = _picture_input(label="Photo", height=420, sources=SOURCES)
                drawn = gr.Image(label="Faces", height=420, interactive=False, buttons=["fullscreen"])
            note = gr.Markdown()
            headers = ["Name", "Probability", "Runners-up"]
            table = gr.Dataframe(headers=headers, datatype="str", interactive=False, buttons=[], label="People")
            photo.input(show, photo, [drawn, table, note], **_RUN)
        with gr.Tab("Webcam"):
            _webcam(settings)
        _offer_api(photo, answer)
    return app


def _webcam(settings: Settings) -> None:
    import gradio as gr

    with gr.Row():
        camera = _picture_input(sources=["webcam"], streaming=True, label="Webcam", height=420)
        seen = gr.Image(label="Faces", height=420, interactive=False, buttons=[])
    names = gr.Markdown("Start the webcam to see names appear; nothing is recorded.")
    camera.stream(
        gradio_actions.live(settings),
        camera,
        [seen, names],
        stream_every=LIVE_SECONDS,
        show_progress="hidden",
        trigger_mode="once",
        **_RUN,
    )


def build(settings: Settings) -> FastAPI:
    """The sub-application for /gradio. Enter its lifespan before the first request."""
    shutil.rmtree(settings.temporary_folder, ignore_errors=True)  # what a server that was killed has left
    settings.temporary_folder.mkdir(PRIVATE_FOLDER, parents=True)
    os.environ["GRADIO_TEMP_DIR"] = str(settings.temporary_folder.resolve())
    import gradio as gr

    host = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    for path, make in {"/single": single_app, "/group": group_app}.items():
        app = make(settings).queue(max_size=WAITING, default_concurrency_limit=2)
        gr.mount_gradio_app(
            host,
            app,
            path,
            show_error=False,
            footer_links=[],
            run_history=False,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            enable_monitoring=False,
            max_file_size=f"{settings.max_upload_mb}mb",
            theme=theme.gradio_theme(),
            css=theme.gradio_css(settings.public_path),
        )
        app.has_launched = True  # only then does Gradio refuse paths that nobody uploaded
        _share_out(app)
    for route in host.routes:
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            _refuse_rubbish(route.app)
    return host


def _refuse_rubbish(app: FastAPI) -> None:
    """What Gradio can't make sense of is the sender's mistake, not the server's: 400 instead of 500."""

    def refuse(request: Request, error: Exception) -> JSONResponse:
        log.info("a request to %s made no sense", request.url.path, exc_info=error)
        return JSONResponse({"detail": NONSENSE}, status_code=400)

    for kind in (RequestValidationError, LookupError, TypeError, ValueError):
        app.add_exception_handler(kind, refuse)


def _share_out(app: gradio.Blocks) -> None:
    """Let no browser tab have more than PER_SESSION pictures waiting: others would wait for all of them."""
    queue, push = app._queue, app._queue.push

    async def push_if_fair(body: Any, request: Any, username: str | None) -> Any:
        if len(queue.pending_event_ids_session.get(body.session_hash, ())) >= PER_SESSION:
            return False, "Wait for your other pictures first.", "queue_full"
        return await push(body, request, username)

    queue.push = push_if_fair  # type: ignore[method-assign]  # Gradio has no setting for it
