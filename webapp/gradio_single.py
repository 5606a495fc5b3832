"""One face: who is it most likely, whom is it near to, and, for editors, who it really is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from faceid_core.errors import BadInput
from faceid_core.media import images
from faceid_core.settings import Settings
from faceid_core.steps.name_new_photo import name_new_photo
from faceid_core.steps.recognise import find_faces, name_faces, nearest
from faceid_core.values import Recognised, Role
from webapp import gradio_actions, gradio_markup, gradio_parts, uploads
from webapp.context import library, may
from webapp.gradio_parts import QUICK, RUN, STATE_SECONDS, Update, saying

if TYPE_CHECKING:
    import gradio

    from faceid_core.recognition.recogniser import EmbeddedFaces

OFFERED = 300
"""Names that the box offers; any other can be typed."""

SHOWN = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif", ".bmp"})
"""Endings of pictures that every browser can show; of others it gets a copy."""

ADD = (
    "Type the person's name, even if the answer is right. This adds the photo to the library under that name, and "
    "the next training learns from it."
)


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """The photo on show. path: of the upload; crops: addresses of its faces; chosen: place of the one that is
    shown; event: of the name that was given last."""

    path: str
    found: EmbeddedFaces
    faces: tuple[Recognised, ...]
    crops: tuple[str, ...]
    chosen: int
    event: int | None = None


def single_app(settings: Settings) -> gradio.Blocks:
    """The app at /gradio/single."""
    return _Single(settings).app


class _Single:
    """The components, and what happens to them."""

    def __init__(self, settings: Settings) -> None:
        import gradio as gr

        self._settings = settings
        with gradio_parts.blocks("faceid: one face") as self.app:
            self.shown = gr.State(None, time_to_live=STATE_SECONDS)
            with gr.Row():
                with gr.Column(scale=1, min_width=300):
                    self.photo = gradio_parts.picture_input(label="Photo", height=380)
                with gr.Column(scale=1, min_width=300):
                    self.note = gr.HTML()
                    self.strip = gr.HTML(js_on_load=gradio_markup.CHOOSE)
                    self.answer = gr.HTML()
                    self._editor()
            self.near = gr.HTML()
            self._events()
            gradio_parts.offer_api(self.photo, gradio_actions.one(settings))

    def _editor(self) -> None:
        import gradio as gr

        with gr.Column(visible=False, elem_classes="editor") as self.editor:
            with gr.Row(equal_height=False):
                self.name = gr.Dropdown([], label="Who is it?", info=ADD, allow_custom_value=True, scale=3)
            with gr.Row():
                self.add = gr.Button("Add to the library", variant="primary", size="md")
                self.undo = gr.Button("Undo", visible=False, size="md")
            self.done = gr.HTML()

    def _events(self) -> None:
        face = [self.shown, self.photo, self.note, self.strip, self.answer, self.near, self.editor, self.name,
                self.undo, self.done]  # fmt: skip
        guarded = saying(self.note, lambda: {**self._nothing(), self.photo: None})
        self.photo.input(guarded(self.show), self.photo, face, show_progress_on=self.photo, **RUN)
        self.strip.click(self._chosen(), self.shown, face, **QUICK)
        named = [self.shown, self.done, self.undo]
        self.add.click(
            saying(self.done)(self.name_face), [self.shown, self.name], named, show_progress_on=self.done, **RUN
        )
        self.undo.click(saying(self.done)(self.take_back), self.shown, named, **QUICK)

    # --- the answer ---------------------------------------------------------------------------------------------
    def show(self, path: str | None) -> Update:
        """Find the faces of an upload, and answer about the largest."""
        if not path:
            return self._nothing()
        with gradio_actions.reading(path, self._settings) as pixels:
            found = find_faces(library(), pixels, go_on=gradio_actions.go_on)
            crops = tuple(gradio_markup.crop(pixels, face.box) for face in found.faces)
            preview: Update = {}
            if Path(path).suffix.lower() not in SHOWN:
                preview[self.photo] = images.thumbnail(pixels, gradio_markup.PREVIEW_PX)
        faces = name_faces(library(), found)
        if not faces:
            return {**self._nothing(), **preview, self.note: gradio_markup.sentence(gradio_actions.NO_FACE)}
        shown = Shown(path, found, tuple(faces), crops, gradio_actions.largest(faces))
        return {**self._about(shown), **preview}

    def _chosen(self) -> Callable[..., Update]:
        """The event of the strip, whose annotation tells Gradio to hand over what its script sent."""
        import gradio as gr

        choose = saying(self.note)(self.choose)

        def chosen(shown: Shown | None, event: gradio.EventData) -> Update:
            data = event._data
            result: Update = choose(shown, data.get("face") if isinstance(data, dict) else None)
            return result

        chosen.__annotations__ = {"event": gr.EventData}
        return chosen

    def choose(self, shown: Shown | None, place: object) -> Update:
        """Answer about another face of the photo. Raises BadInput, OutOfDate."""
        if shown is None or not isinstance(place, int) or not 0 <= place < len(shown.faces):
            raise BadInput(gradio_actions.NO_PICTURE)
        return self._about(replace(shown, chosen=place, event=None))

    def _about(self, shown: Shown) -> Update:
        import gradio as gr

        face = shown.faces[shown.chosen]
        names = [each for each in (face.name, *(guess.name for guess in face.runners_up)) if each]
        editor = may(Role.EDITOR)
        offered = [] if not editor else [*names, *(name for name in _names() if name not in names)]
        return {
            self.shown: shown,
            self.note: "",
            self.strip: gradio_markup.strip(shown.crops, shown.faces, shown.chosen),
            self.answer: gradio_markup.answer(face, shown.crops[shown.chosen]),
            self.near: gradio_markup.near(nearest(library(), shown.found, shown.chosen, face)),
            self.editor: gr.update(visible=editor),
            self.name: gr.update(choices=offered, value=face.name),
            self.undo: gr.update(visible=False),
            self.done: "",
        }

    def _nothing(self) -> Update:
        """As at the beginning."""
        import gradio as gr

        empty = dict.fromkeys((self.note, self.strip, self.answer, self.near, self.done), "")
        return {**empty, self.shown: None, self.editor: gr.update(visible=False)}

    # --- a name for it ------------------------------------------------------------------------------------------
    def name_face(self, shown: Shown | None, name: str | None) -> Update:
        """Add the photo to the library with this name for its face. Raises as name_new_photo, BadInput."""
        import gradio as gr

        if shown is None:
            raise BadInput(gradio_actions.NO_PICTURE)
        file = Path(gradio_actions.uploaded(shown.path, self._settings))
        naming = name_new_photo(
            library(),
            file.read_bytes(),
            name if isinstance(name, str) else "",
            shown.faces[shown.chosen].box,
            keep_as=uploads.safe_name(file.name),
        )
        event = naming.event
        said = "It already has this name." if event is None else f"{event.summary}."
        return {
            self.shown: replace(shown, event=None if event is None else event.id),
            self.done: gradio_markup.sentence(said),
            self.undo: gr.update(visible=event is not None),
        }

    def take_back(self, shown: Shown | None) -> Update:
        """Undo the name that was given last. Raises as Journal.undo, BadInput."""
        import gradio as gr

        if shown is None or shown.event is None:
            raise BadInput("There is nothing to undo here; see the History page.")
        event = library().journal.undo(shown.event)
        return {
            self.shown: replace(shown, event=None),
            self.done: gradio_markup.sentence(f"Undone: {event.summary}. The photo stays in the library."),
            self.undo: gr.update(visible=False),
        }


def _names() -> list[str]:
    return [person.name for person in library().people.all()[:OFFERED]]
