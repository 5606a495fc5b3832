"""What the two recognisers in Gradio share: the input, the endpoint for programs, events that never fail aloud."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webapp import gradio_actions, gradio_markup

if TYPE_CHECKING:
    import gradio

SOURCES = ["upload", "webcam", "clipboard"]

CACHE_CLEANING = (600, 3600)
"""Every 10 minutes, pictures older than an hour are deleted; at the end of the server, all."""

STATE_SECONDS = 3600.0
"""Seconds that the server remembers what it found in a picture."""

RUN: dict[str, Any] = {"api_visibility": "private", "concurrency_limit": 2, "concurrency_id": "recognise"}
"""Of events that search pictures."""

QUICK: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
"""Of events that do not."""

NO_CAMERA = "Browsers allow the camera only on pages opened with https, or with http://localhost on this computer."

Update = dict[Any, Any]
"""Component -> its new value; the others stay as they are."""


def picture_input(**options: Any) -> gradio.Image:
    """An image input that hands over the file itself, so that our reader, with its limits, is the only decoder.

    Give it values, never `gr.update`: from then on Gradio uses a copy for the session, which decodes by itself.
    """
    import gradio as gr

    photo = gr.Image(type="filepath", buttons=[], sources=SOURCES, **options)  # type: ignore[arg-type]
    photo.preprocess = lambda payload: payload.path if payload else None  # type: ignore[method-assign]  # this one only
    return photo


def offer_api(photo: gradio.Image, answer: Callable[..., Any]) -> None:
    """The endpoint `/recognise` for gradio_client: a picture in, JSON out."""
    import gradio as gr

    gr.Button(visible=False).click(
        answer, photo, gr.JSON(visible=False), api_name="recognise", concurrency_limit=2, concurrency_id="recognise"
    )


@contextmanager
def blocks(title: str) -> Iterator[gradio.Blocks]:
    """An app that says at its top when there is no recogniser."""
    import gradio as gr

    with gr.Blocks(title=title, analytics_enabled=False, fill_width=True, delete_cache=CACHE_CLEANING) as app:
        app.load(gradio_actions.missing_model, None, gr.HTML(), **QUICK)
        yield app


def saying(note: gradio.HTML, otherwise: Callable[[], Update] = dict) -> Callable[[Callable[..., Update]], Any]:
    """An event whose failures become the one sentence of `note`. otherwise: what else is shown then."""

    def decorate(act: Callable[..., Update]) -> Callable[..., Update]:
        @functools.wraps(act)
        def wrapped(*args: Any, **kwargs: Any) -> Update:
            try:
                return act(*args, **kwargs)
            except Exception as error:
                return {**otherwise(), note: gradio_markup.sentence(gradio_actions.explained(error), wrong=True)}

        return wrapped

    return decorate


def name_of(path: str) -> str:
    """The file's own name."""
    return Path(path).name
