"""What the recognisers in Gradio do with a picture, for the pages and for programs.

All call the one recogniser of faceid_core; nothing that is shown here is stored.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from faceid_core.errors import BadInput, FaceIdError, JobCancelled, UnreadableImage
from faceid_core.settings import Settings
from faceid_core.values import Image, Recognised
from faceid_core.wording import count
from webapp.context import decoded, in_words, library, why_unreadable
from webapp.feedback import APOLOGY
from webapp.markup import escaped_html

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

NO_FACE = "No face was found in this photo; try one that shows a face from the front."
NO_PICTURE = "Choose a photo first."


# --- one recognition --------------------------------------------------------------------------------------------
def recognised(image: Image) -> list[Recognised]:
    """Everybody in the picture, left to right. Raises FaceIdError, such as NoModel, and JobCancelled once nobody
    waits for it any more."""
    from faceid_core.steps.recognise import recognise

    return recognise(library(), image, go_on=go_on)


def go_on() -> None:
    """Raises JobCancelled where the page whose event this thread works for was closed."""
    from gradio.context import LocalContext

    app, event_id = LocalContext.blocks.get(None), LocalContext.event_id.get(None)
    running = (event for job in app._queue.active_jobs if job for event in job) if app and event_id else ()
    if any(event._id == event_id and not event.alive for event in running):
        raise JobCancelled("The page was closed.")


def largest(faces: list[Recognised]) -> int:
    """The place of the largest face."""
    return max(range(len(faces)), key=lambda place: faces[place].box.area)


# --- pictures and failures --------------------------------------------------------------------------------------
def uploaded(path: str, settings: Settings) -> str:
    """The path, if it is that of a file that was uploaded here. Raises BadInput, in the same words for a
    file that is elsewhere and for one that is nowhere: nobody learns from it what is on this disk."""
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(settings.temporary_folder.resolve()) or not real.is_file():
        raise BadInput(NO_PICTURE)
    return str(real)


@contextmanager
def reading(path: str, settings: Settings) -> Iterator[Image]:
    """The picture (H, W, 3), which has its room among those that are decoded during the block."""
    with decoded(uploaded(path, settings), settings) as photo:
        yield photo.pixels


def explained(error: Exception) -> str:
    """The sentence for whoever sent the picture; what nobody expected is logged."""
    if isinstance(error, UnreadableImage):
        return why_unreadable(error, "file")
    if isinstance(error, FaceIdError):
        return in_words(error)
    log.error("a recogniser failed", exc_info=error)
    return APOLOGY


def _safely(action: Callable[P, R]) -> Callable[P, R]:
    """For programs: a failure becomes Gradio's error."""
    import gradio as gr

    @functools.wraps(action)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return action(*args, **kwargs)
        except Exception as error:
            title = "That did not work" if isinstance(error, FaceIdError) else "Sorry"
            raise gr.Error(escaped_html(explained(error)), title=title, print_exception=False) from error

    return wrapped


# --- for programs -----------------------------------------------------------------------------------------------
def one(settings: Settings) -> Callable[..., Any]:
    """The endpoint of the single-face app."""

    def answer(path: str | None) -> dict[str, Any]:
        if not path:
            raise BadInput(NO_PICTURE)
        with reading(path, settings) as image:
            faces = recognised(image)
        best = faces[largest(faces)].as_dict() if faces else None
        return {"face": best, "faces_found": len(faces), "note": one_note(len(faces))}

    return _safely(answer)


def one_note(faces: int) -> str:
    """What is said about so many faces where one is wanted."""
    if faces == 1:
        return ""
    return NO_FACE if not faces else f"{faces} faces were found; this is the largest. See “Several faces” for all."


def several(settings: Settings) -> Callable[..., Any]:
    """The endpoint of the multi-face app: the same shape as `faceid recognise --json` and POST /api/recognise."""

    def answer(path: str | None) -> dict[str, Any]:
        if not path:
            raise BadInput(NO_PICTURE)
        with reading(path, settings) as image:
            return {"faces": [face.as_dict() for face in recognised(image)]}

    return _safely(answer)


def several_note(faces: list[Recognised]) -> str:
    """How many were found and known."""
    if not faces:
        return NO_FACE
    known = sum(face.name is not None for face in faces)
    return f"{count(len(faces), 'face')}, {known} recognised; listed from left to right."


def missing_model() -> str:
    """What the apps say at the top while there is no recogniser; nothing once there is."""
    from webapp import gradio_markup

    try:
        library().models.latest()
    except FaceIdError as error:
        return gradio_markup.sentence(in_words(error))
    return ""
