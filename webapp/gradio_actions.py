"""What the recognisers in Gradio do with a picture: for the page, and for programs.

Both call the one `recognise` of faceid_core; nothing that is shown here is stored.
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
from faceid_core.media import annotate, images
from faceid_core.settings import Settings
from faceid_core.values import Image, Recognised
from webapp import theme
from webapp.context import decoded, in_words, library
from webapp.feedback import APOLOGY
from webapp.markup import escaped_html, escaped_markdown

log = logging.getLogger(__name__)

LIVE_SIDE_PX = 640
"""Webcam frames are searched at this size: quick enough to feel live."""

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


def as_json(faces: list[Recognised]) -> dict[str, Any]:
    """The same shape as `faceid recognise --json` and POST /api/recognise."""
    from faceid_core.recognition.recogniser import as_dict

    return {"faces": [as_dict(face) for face in faces]}


def title_of(face: Recognised) -> str:
    return face.name or "Unknown"


def candidates(face: Recognised) -> dict[str, float]:
    """Name -> probability, best first, as gr.Label shows them. Someone unknown leads the list as such."""
    named = {guess.name: guess.probability for guess in face.runners_up}
    if face.name is None:
        return {"Unknown": max(0.0, 1.0 - sum(named.values())), **named}
    return {face.name: face.probability, **named}


def largest(faces: list[Recognised]) -> Recognised:
    return max(faces, key=lambda face: face.box.area)


def draw(image: Image, faces: list[Recognised]) -> Image:
    """The picture with a box and a name for every face."""
    return annotate.draw(image, [_label(face) for face in faces], theme.label_font)


def _label(face: Recognised) -> annotate.Label:
    if face.name is None:
        return annotate.Label(face.box, "Unknown", theme.UNKNOWN)
    return annotate.Label(face.box, f"{face.name}  {face.probability:.0%}", theme.ACCENT)


# --- what the apps do -------------------------------------------------------------------------------------------
def uploaded(path: str, settings: Settings) -> str:
    """The path, if it is that of a picture that was uploaded here. Raises BadInput, in the same words for a
    file that is elsewhere and for one that is nowhere: nobody learns from it what is on this disk."""
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(settings.temporary_folder.resolve()) or not real.is_file():
        raise BadInput(NO_PICTURE)
    return str(real)


@contextmanager
def _read(path: str, settings: Settings) -> Iterator[Image]:
    """The picture (H, W, 3), which has its room among those that are decoded during the block."""
    with decoded(uploaded(path, settings), settings) as photo:
        yield photo.pixels


def _safely(action: Callable[P, R]) -> Callable[P, R]:
    """An expected failure becomes Gradio's message; anything else is logged with an apology."""
    import gradio as gr

    @functools.wraps(action)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return action(*args, **kwargs)
        except FaceIdError as error:
            unreadable = isinstance(error, UnreadableImage)
            sentence = f"This file can't be read as a photo: {error}." if unreadable else in_words(error)
            raise gr.Error(escaped_html(sentence), title="That did not work", print_exception=False) from error
        except Exception as error:
            log.exception("a recogniser failed")
            raise gr.Error(APOLOGY, title="Sorry", print_exception=False) from error

    return wrapped


def _one_note(count: int) -> str:
    if count == 1:
        return ""
    return NO_FACE if not count else f"{count} faces were found; this is the largest. See “Several faces” for all."


def one(settings: Settings) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """(for the page, for the API) of the single-face app."""

    def show(path: str | None) -> tuple[Image | None, dict[str, float] | None, str]:
        if not path:
            return None, None, ""
        with _read(path, settings) as image:
            faces = recognised(image)
            if not faces:
                return None, None, NO_FACE
            face = largest(faces)
            return annotate.close_up(image, face.box), candidates(face), _one_note(len(faces))

    def answer(path: str | None) -> dict[str, Any]:
        if not path:
            raise BadInput(NO_PICTURE)
        with _read(path, settings) as image:
            faces = recognised(image)
        best = as_json([largest(faces)])["faces"][0] if faces else None
        return {"face": best, "faces_found": len(faces), "note": _one_note(len(faces))}

    return _safely(show), _safely(answer)


def several(settings: Settings) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """(for the page, for the API) of the multi-face app."""

    def show(path: str | None) -> tuple[Image | None, list[list[str]] | None, str]:
        if not path:
            return None, None, ""
        with _read(path, settings) as image:
            faces = recognised(image)
            return draw(image, faces), [_row(face) for face in faces], _several_note(faces)

    def answer(path: str | None) -> dict[str, Any]:
        if not path:
            raise BadInput(NO_PICTURE)
        with _read(path, settings) as image:
            return as_json(recognised(image))

    return _safely(show), _safely(answer)


def _row(face: Recognised) -> list[str]:
    others = ", ".join(f"{guess.name} {guess.probability:.0%}" for guess in face.runners_up[:2])
    return [title_of(face), f"{face.probability:.0%}" if face.name else "–", others or "–"]


def _several_note(faces: list[Recognised]) -> str:
    if not faces:
        return NO_FACE
    known = sum(face.name is not None for face in faces)
    return f"{len(faces)} {'face' if len(faces) == 1 else 'faces'}, {known} recognised; listed from left to right."


def live(settings: Settings) -> Callable[[str | None], tuple[Image | None, str]]:
    """What is done with a webcam frame, given as the file that the browser sent."""

    def show(path: str | None) -> tuple[Image | None, str]:
        if not path:
            return None, ""
        try:
            with _read(path, settings) as image:
                frame = images.thumbnail(image, LIVE_SIDE_PX)
        except FaceIdError as error:
            return None, escaped_markdown(in_words(error))
        return _seen(frame)

    return show


def _seen(frame: Image) -> tuple[Image | None, str]:
    """Failures become the line under the picture: a message a frame would bury the page."""
    try:
        faces = recognised(frame)
    except FaceIdError as error:
        return frame, escaped_markdown(in_words(error))
    except Exception:
        log.exception("the live recogniser failed")
        return frame, APOLOGY
    return draw(frame, faces), ", ".join(escaped_markdown(title_of(face)) for face in faces) or "No face in view."


def missing_model() -> str:
    """What the apps say at the top while there is no recogniser; nothing once there is."""
    try:
        library().models.latest()
    except FaceIdError as error:
        return f"ℹ️ {escaped_markdown(in_words(error))}"
    return ""
