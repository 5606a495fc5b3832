"""Several faces, or many photos: who is in them? One picture with boxes, and the names beside it."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceid_core.errors import BadInput
from faceid_core.exchange.recognition_table import PhotoAnswer
from faceid_core.media import annotate, images, zipped
from faceid_core.settings import Settings
from faceid_core.steps.recognise import find_faces, name_faces
from faceid_core.steps.recognise_many import recognise_many
from faceid_core.values import Recognised
from webapp import gradio_actions, gradio_markup, gradio_parts
from webapp.context import decoded, library
from webapp.gradio_parts import QUICK, RUN, STATE_SECONDS, Update, saying

if TYPE_CHECKING:
    import gradio

    from faceid_core.recognition.recogniser import EmbeddedFaces

ANNOTATED_PX, ANNOTATED_QUALITY = 3000, 92
"""Longer side of the picture to download."""

SAVE = "() => setTimeout(() => document.querySelector('#annotated a')?.click(), 200)"
MANY: dict[str, Any] = {"api_visibility": "private", "concurrency_limit": 1, "concurrency_id": "many"}
"""Many photos take long: one such search at a time, beside those of single photos."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """The photo on show. path: of the upload; size: (width, height) px."""

    path: str
    size: tuple[int, int]
    found: EmbeddedFaces


def group_app(settings: Settings) -> gradio.Blocks:
    """The app at /gradio/group."""
    return _Group(settings).app


class _Group:
    """The components, and what happens to them."""

    def __init__(self, settings: Settings) -> None:
        import gradio as gr

        self._settings = settings
        with gradio_parts.blocks("faceid: several faces") as self.app:
            self.shown = gr.State(None, time_to_live=STATE_SECONDS)
            with gr.Column() as self.entry:  # hidden instead of the input itself, see picture_input
                self.photo = gradio_parts.picture_input(label="Photo", height=300)
                with gr.Row():
                    self.folder = gr.UploadButton("A folder of photos", file_count="directory", size="md")
                    self.files = gr.UploadButton("Many photos, or a zip", file_count="multiple", size="md")
            self.note = gr.HTML()
            self._result()
            self.batch = gr.HTML(js_on_load=gradio_markup.COPY)
            self.again = gr.Button("Other photos", visible=False, size="md", elem_classes="again")
            self._events()
            gradio_parts.offer_api(self.photo, gradio_actions.several(settings))

    def _result(self) -> None:
        import gradio as gr

        with gr.Row(visible=False, elem_classes="result") as self.result:
            with gr.Column(scale=3, min_width=320, elem_classes="stage"):
                self.picture = gr.HTML()
                self.boxes = gr.HTML(elem_classes="boxes")
            with gr.Column(scale=2, min_width=300):
                self.threshold = gr.Slider(
                    0.01, 0.99, 0.5, step=0.01, label="Lowest probability at which a face gets a name", buttons=[]
                )
                self.list = gr.HTML(js_on_load=gradio_markup.COPY)
                self.save = gr.Button("Download with names", size="md", elem_classes="again")
        self.annotated = gr.HTML(visible="hidden", elem_id="annotated")

    def _events(self) -> None:
        everything = [self.shown, self.entry, self.photo, self.note, self.result, self.picture, self.boxes,
                      self.threshold, self.list, self.batch, self.again]  # fmt: skip
        guarded = saying(self.note, self._nothing)
        self.photo.input(guarded(self.show), self.photo, everything, show_progress_on=self.photo, **RUN)
        at = [self.shown, self.threshold]
        renamed = [self.note, self.boxes, self.list]
        self.threshold.release(saying(self.note)(self.rename), at, renamed, **QUICK)
        self.again.click(self._nothing, None, everything, **QUICK)
        drawn = self.save.click(saying(self.note)(self.draw), at, [self.annotated, self.note], **QUICK)
        drawn.then(None, None, None, js=SAVE)
        for button in (self.folder, self.files):
            outputs = [self.note, self.entry, self.batch, self.again]
            button.upload(self.show_many, button, outputs, show_progress="hidden", **MANY)

    # --- one photo ----------------------------------------------------------------------------------------------
    def show(self, path: str | None) -> Update:
        """Find and name the faces of an upload."""
        import gradio as gr

        if not path:
            return self._nothing()
        with gradio_actions.reading(path, self._settings) as pixels:
            found = find_faces(library(), pixels, go_on=gradio_actions.go_on)
            shown = Shown(path, (pixels.shape[1], pixels.shape[0]), found)
            preview = gradio_markup.jpeg(pixels, gradio_markup.PREVIEW_PX)
        faces = name_faces(library(), found)
        return {
            self.shown: shown,
            self.photo: None,
            self.entry: gr.update(visible=False),
            self.again: gr.update(value="Another photo", visible=True),
            self.result: gr.update(visible=True),
            self.picture: gradio_markup.picture(preview, gradio_parts.name_of(path)),
            self.threshold: gr.update(value=round(library().models.latest().threshold, 2), visible=bool(faces)),
            self.batch: "",
            **self._named(shown, faces),
        }

    def rename(self, shown: Shown | None, threshold: float) -> Update:
        """Name the same faces at another threshold."""
        return self._named(*self._at(shown, threshold))

    def draw(self, shown: Shown | None, threshold: float) -> Update:
        """The picture with boxes and names, for the browser to save."""
        shown, faces = self._at(shown, threshold)
        with gradio_actions.reading(shown.path, self._settings) as pixels:
            drawn = images.thumbnail(annotate.draw_names(pixels, faces), ANNOTATED_PX)
        data = gradio_markup.data_uri(images.encode_jpeg(drawn, quality=ANNOTATED_QUALITY), "image/jpeg")
        return {self.annotated: gradio_markup.download("faces.jpg", data)}

    def _at(self, shown: Shown | None, threshold: float) -> tuple[Shown, list[Recognised]]:
        """Raises BadInput, OutOfDate."""
        if shown is None:
            raise BadInput(gradio_actions.NO_PICTURE)
        return shown, name_faces(library(), shown.found, threshold=min(max(float(threshold), 0), 1))

    def _named(self, shown: Shown, faces: list[Recognised]) -> Update:
        return {
            self.note: gradio_markup.sentence(gradio_actions.several_note(faces)),
            self.boxes: gradio_markup.boxes(faces, shown.size),
            self.list: gradio_markup.people(gradio_parts.name_of(shown.path), faces) if faces else "",
        }

    def _nothing(self) -> Update:
        """As at the beginning."""
        import gradio as gr

        return {
            self.shown: None,
            self.photo: None,
            self.entry: gr.update(visible=True),
            self.again: gr.update(visible=False),
            self.result: gr.update(visible=False),
            **dict.fromkeys((self.note, self.picture, self.boxes, self.list, self.batch), ""),
        }

    # --- many photos --------------------------------------------------------------------------------------------
    def show_many(self, paths: Sequence[str] | str | None) -> Iterator[Update]:
        """Name the people on many photos, one after the other, and say how far it is."""
        import gradio as gr

        hidden = {self.entry: gr.update(visible=False)}
        again = {self.again: gr.update(value="Other photos", visible=True)}
        answers: list[PhotoAnswer] = []
        try:
            with ExitStack() as archives:
                photos = _photos([paths] if isinstance(paths, str) else paths or [], self._settings, archives)
                yield {**hidden, self.batch: gradio_markup.progress(0, len(photos)), self.note: ""}
                read = _reader(self._settings)
                for found, _ in recognise_many(library(), photos, read, go_on=gradio_actions.go_on):
                    answers.append(found)
                    yield {self.batch: gradio_markup.progress(len(answers), len(photos))}
        except Exception as error:
            note = gradio_markup.sentence(gradio_actions.explained(error), wrong=True)
            kept = gradio_markup.many(answers, "faces") if answers else ""
            yield {**hidden, **again, self.note: note, self.batch: kept}
            return
        yield {**again, self.batch: gradio_markup.many(answers, "faces")}


def _photos(paths: Sequence[str], settings: Settings, archives: ExitStack) -> list[tuple[str, Any]]:
    """(name, what `_reader` takes) of all photos, also those in archives, which stay open. Raises BadInput."""
    found: list[tuple[str, Any]] = []
    for path in paths:
        file = gradio_actions.uploaded(path, settings)
        if not zipped.is_zip(file):
            found.append((gradio_parts.name_of(file), file))
            continue
        archive: zipfile.ZipFile = archives.enter_context(zipped.opened(Path(file)))
        found += [(photo.name, photo) for photo in zipped.photos_in(archive, settings.max_upload_mb)]
    if not found:
        raise BadInput(gradio_actions.NO_PICTURE)
    if len(found) > zipped.MOST_FILES:
        raise BadInput(f"You chose {len(found):,} photos; send at most {zipped.MOST_FILES:,}.")
    return found


def _reader(settings: Settings) -> Callable[[Any], Any]:
    """Reads an uploaded file, or a photo in an archive, once there is room for it."""

    @contextmanager
    def read(source: str | zipped.PackedPhoto) -> Iterator[Any]:
        given = source if isinstance(source, str) else source.read()
        with decoded(given, settings) as photo:
            yield photo.pixels

    return read
