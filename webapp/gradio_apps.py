"""The recognisers as Gradio apps: one face and several faces, by upload, webcam or gradio_client.

Both call the one `recognise` of faceid_core; nothing that is shown here is stored.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np
from fastapi import FastAPI

from faceid_core.errors import FaceIdError, UnreadableImage
from faceid_core.media import images
from faceid_core.settings import Settings
from faceid_core.values import Box, Image, Recognised
from webapp import theme
from webapp.context import library
from webapp.feedback import APOLOGY
from webapp.markup import escaped_html, escaped_markdown

if TYPE_CHECKING:
    import gradio

log = logging.getLogger(__name__)

LIVE_SECONDS = 0.6
"""Time between two webcam frames that are looked at."""

LIVE_SIDE_PX = 640
"""Webcam frames are searched at this size: quick enough to feel live."""

CACHE_CLEANING = (600, 3600)
"""Every 10 minutes, pictures older than an hour are deleted; at the end of the server, all."""

P = ParamSpec("P")
R = TypeVar("R")

TOP = 4
NO_FACE = "No face was found in this picture; try one that shows a face from the front."
NO_PICTURE = "Choose a picture first."


# --- one recognition --------------------------------------------------------------------------------------------
def recognised(image: Image) -> list[Recognised]:
    """Everybody in the picture, left to right. Raises FaceIdError, such as NoModel."""
    from faceid_core.steps.recognise import load_recogniser

    return load_recogniser(library()).recognise(image)


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


def cut_out(image: Image, box: Box, margin: float = 0.35) -> tuple[Image, tuple[int, int]]:
    """The face with some room around it, within the image, and the (left, top) where that part begins."""
    height, width = image.shape[:2]
    x, y = box.width * margin, box.height * margin
    left, top = max(0, int(box.left - x)), max(0, int(box.top - y))
    return image[top : min(height, int(box.bottom + y)), left : min(width, int(box.right + x))], (left, top)


def draw(image: Image, faces: list[Recognised]) -> Image:
    """The picture with a box and a name for every face; lines and letters grow with the picture."""
    from PIL import Image as Pillow
    from PIL import ImageDraw

    canvas = Pillow.fromarray(image)
    pen = ImageDraw.Draw(canvas)
    unit = max(2, round(max(image.shape[:2]) / 400))
    font = theme.label_font(10 * unit)
    for face in faces:
        colour = theme.ACCENT if face.name else "#57534e"
        pen.rounded_rectangle(face.box.as_tuple(), radius=3 * unit, outline="white", width=unit + 1)
        text = f"{face.name}  {face.probability:.0%}" if face.name else "Unknown"
        _write(pen, text, face.box, font, colour, image.shape[:2], unit)
    return np.asarray(canvas)


def _write(pen: Any, text: str, box: Box, font: Any, colour: str, size: tuple[int, int], unit: int) -> None:
    """A label under the box, moved into the picture where it would stick out."""
    left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
    width, height = right - left + 6 * unit, bottom - top + 5 * unit
    x = min(max(0, box.left), max(0, size[1] - width))
    y = min(box.bottom + unit, size[0] - height)
    pen.rounded_rectangle((x, y, x + width, y + height), radius=3 * unit, fill=colour)
    pen.text((x + 3 * unit - left, y + 2 * unit - top), text, font=font, fill="white")


# --- what the apps do -------------------------------------------------------------------------------------------
def _read(path: str, settings: Settings) -> Image:
    try:
        return images.read(path, max_megapixels=settings.max_megapixels).pixels
    except UnreadableImage as error:
        raise UnreadableImage(f"This file can't be read as a photo: {error}.") from error


def _safely(action: Callable[P, R]) -> Callable[P, R]:
    """An expected failure becomes Gradio's message; anything else is logged with an apology."""
    import gradio as gr

    @functools.wraps(action)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return action(*args, **kwargs)
        except FaceIdError as error:
            raise gr.Error(escaped_html(str(error)), title="That did not work", print_exception=False) from error
        except Exception as error:
            log.exception("a recogniser failed")
            raise gr.Error(APOLOGY, title="Sorry", print_exception=False) from error

    return wrapped


def _one_note(count: int) -> str:
    if count == 1:
        return ""
    return NO_FACE if not count else f"{count} faces were found; this is the largest. See “Several faces” for all."


def _one(settings: Settings) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """(for the page, for the API) of the single-face app."""

    def show(path: str | None) -> tuple[Image | None, dict[str, float] | None, str]:
        if not path:
            return None, None, ""
        image = _read(path, settings)
        faces = recognised(image)
        if not faces:
            return None, None, NO_FACE
        face = largest(faces)
        return _drawn_close_up(image, face), candidates(face), _one_note(len(faces))

    def answer(path: str | None) -> dict[str, Any]:
        if not path:
            raise UnreadableImage(NO_PICTURE)
        faces = recognised(_read(path, settings))
        best = as_json([largest(faces)])["faces"][0] if faces else None
        return {"face": best, "faces_found": len(faces), "note": _one_note(len(faces))}

    return _safely(show), _safely(answer)


def _drawn_close_up(image: Image, face: Recognised) -> Image:
    """The face with some room around it, its box drawn. Names stand beside it, in the list of candidates."""
    from PIL import Image as Pillow
    from PIL import ImageDraw

    crop, (left, top) = cut_out(image, face.box)
    scale = max(1, round(320 / max(crop.shape[:2])))
    canvas = Pillow.fromarray(np.ascontiguousarray(crop)).resize((crop.shape[1] * scale, crop.shape[0] * scale))
    box = [scale * (edge - origin) for edge, origin in zip(face.box.as_tuple(), (left, top) * 2, strict=True)]
    width = max(2, round(max(canvas.size) / 130))
    ImageDraw.Draw(canvas).rounded_rectangle(box, radius=4 * width, outline="white", width=width)
    return np.asarray(canvas)


def _several(settings: Settings) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """(for the page, for the API) of the multi-face app."""

    def show(path: str | None) -> tuple[Image | None, list[list[str]] | None, str]:
        if not path:
            return None, None, ""
        image = _read(path, settings)
        faces = recognised(image)
        return draw(image, faces), [_row(face) for face in faces], _several_note(faces)

    def answer(path: str | None) -> dict[str, Any]:
        if not path:
            raise UnreadableImage(NO_PICTURE)
        return as_json(recognised(_read(path, settings)))

    return _safely(show), _safely(answer)


def _row(face: Recognised) -> list[str]:
    others = ", ".join(f"{guess.name} {guess.probability:.0%}" for guess in face.runners_up[:2])
    return [title_of(face), f"{face.probability:.0%}" if face.name else "–", others or "–"]


def _several_note(faces: list[Recognised]) -> str:
    if not faces:
        return NO_FACE
    known = sum(face.name is not None for face in faces)
    return (
        f"{len(faces)} {'face' if len(faces) == 1 else 'faces'}, {known} recognised; the table reads left to right."
    )


def _live(frame: Image | None) -> tuple[Image | None, str]:
    """One webcam frame. Failures become the line under the picture: a message a frame would bury the page."""
    if frame is None:
        return None, ""
    frame = images.thumbnail(frame, LIVE_SIDE_PX)
    try:
        faces = recognised(frame)
    except FaceIdError as error:
        return frame, escaped_markdown(str(error))
    except Exception:
        log.exception("the live recogniser failed")
        return frame, APOLOGY
    return draw(frame, faces), ", ".join(escaped_markdown(title_of(face)) for face in faces) or "No face in view."


def _missing_model() -> str:
    """What the apps say at the top while there is no recogniser; nothing once there is."""
    try:
        library().models.latest()
    except FaceIdError as error:
        return f"ℹ️ {escaped_markdown(str(error))}"
    return ""


# --- how the apps look ------------------------------------------------------------------------------------------
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


def _banner(app: gradio.Blocks) -> None:
    import gradio as gr

    app.load(_missing_model, None, gr.Markdown(), api_visibility="private", show_progress="hidden")


_RUN: dict[str, Any] = {"api_visibility": "private", "concurrency_limit": 2, "concurrency_id": "recognise"}


def single_app(settings: Settings) -> gradio.Blocks:
    """One face: who is it most likely?"""
    import gradio as gr

    show, answer = _one(settings)
    app = gr.Blocks(title="faceid: one face", analytics_enabled=False, fill_width=True, delete_cache=CACHE_CLEANING)
    with app:
        _banner(app)
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

    show, answer = _several(settings)
    app = gr.Blocks(
        title="faceid: several faces", analytics_enabled=False, fill_width=True, delete_cache=CACHE_CLEANING
    )
    with app:
        _banner(app)
        with gr.Tab("Photo"):
            with gr.Row():
                photo = _photo_input(label="Photo", height=420)
                drawn = gr.Image(label="Faces", height=420, interactive=False, buttons=["fullscreen"])
            note = gr.Markdown()
            headers = ["Name", "Probability", "Next best"]
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
        _live, camera, [seen, names], stream_every=LIVE_SECONDS, show_progress="hidden", trigger_mode="once", **_RUN
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
