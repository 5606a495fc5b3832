"""Export what the library knows: a table of faces or vectors, or a folder for other programs or for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from faceid_core import frame_path
from faceid_core.errors import BadInput, NoFaces, UnknownChoice, UnreadableImage
from faceid_core.exchange import saving
from faceid_core.exchange.embedding_table import EMBEDDING_EXPORTERS, Embeddings
from faceid_core.exchange.export_content import Content, Entry
from faceid_core.exchange.export_formats import FORMATS, Format
from faceid_core.exchange.face_table import EXPORTERS
from faceid_core.exchange.saving import Link, save, save_folder, save_zip
from faceid_core.library import EVERY_FACE, ExportPreview, ExportQuery, Library, PhotoQuery
from faceid_core.media import annotate, images
from faceid_core.recognition.holdout import hold_out
from faceid_core.steps.load_vectors import load_embedder
from faceid_core.values import Box, ExportedFace, ExportedPhoto, Flag, Progress, Role, no_progress
from faceid_core.wording import count

TABLE, EMBEDDINGS = "table", "embeddings"
"""The forms that are one file, whose suffix says which."""

FILES: Mapping[str, Mapping[str, Callable[..., int]]] = {TABLE: EXPORTERS, EMBEDDINGS: EMBEDDING_EXPORTERS}
CHOICES = (TABLE, EMBEDDINGS, *FORMATS)

ROW_BYTES = {TABLE: 200, EMBEDDINGS: 700}
"""About what a face takes: a path and numbers; a vector of 128 numbers and some more."""

SPLIT = 0.2
"""Share of each person's photos that is held out to validate with."""

SEED = 1
"""Of the split: the same library gives the same one."""

JPEG_QUALITY = 92
"""Of photos that are written anew: hardly any difference can be seen, and networks see none."""

CHANGED = "its file was changed since its import; import it again"


@dataclass(slots=True)
class ExportReport:
    """What was written. bytes: without what links lead to. problems: clauses on what was left out."""

    form: str
    faces: int
    files: int
    bytes: int
    problems: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        return asdict(self)


def export(library: Library, file: Path, query: ExportQuery = EVERY_FACE) -> int:
    """Write faces to `file`, one row each, whose suffix chooses the format; an existing file is replaced only when
    done.

    Returns the number of faces. Raises UnknownChoice, PathNotFound, NotWritable.
    """
    library.actor.require(Role.OWNER)
    return save((_row(face) for face in library.exports.faces(query)), file, EXPORTERS, what="export")


def export_as(
    library: Library,
    target: Path,
    form: str | None = None,
    query: ExportQuery = EVERY_FACE,
    *,
    split: float = SPLIT,
    link: Link = "copy",
    progress: Progress = no_progress,
) -> ExportReport:
    """Write the faces of a query in one of the CHOICES, by default the one of the target's suffix.

    A folder must be new or empty; with the ending .zip, its files go into an archive. split: share of photos to
    validate with, 0 for none, where the form has such a part. link: for albums.

    Raises UnknownChoice, BadInput, NoFaces, PathNotFound, NotWritable; nothing is left then.
    """
    library.actor.require(Role.OWNER)
    form = form or form_of(target)
    if form == TABLE:
        faces = export(library, target, query)
        return ExportReport(form, faces, 1, target.stat().st_size)
    if form == EMBEDDINGS:
        faces = save(_embeddings(library, query), target, EMBEDDING_EXPORTERS, what="export")
        return ExportReport(form, faces, 1, target.stat().st_size)
    check_target(form, target)
    is_zip = target.suffix.lower() == ".zip"
    if is_zip and link != "copy":
        raise BadInput("An archive can't hold links; export to a folder, or take copies.")
    content = content_of(library, form, query, split=split)
    entries = _with_progress(FORMATS[form], content, progress)
    files, size = save_zip(entries, target) if is_zip else save_folder(entries, target, link=link)
    return ExportReport(form, len(content.faces), files, size, content.problems)


def check_target(form: str, target: Path) -> None:
    """Raises PathNotFound, BadInput or NotWritable for a place where this form can't be written."""
    _chosen(form)
    saving.check_parent(target) if target.suffix.lower() == ".zip" else saving.check_folder(target)


def form_of(target: Path) -> str:
    """The form that a file's suffix stands for. Raises UnknownChoice."""
    suffix = target.suffix.lower()
    found = [form for form, writers in FILES.items() if suffix in writers]
    if not found:
        endings = dict.fromkeys(f"*{each}" for writers in FILES.values() for each in writers)
        wrong = f"{target} is a directory" if target.is_dir() else f"{target.name} does not say what to write"
        raise UnknownChoice(
            f"{wrong}; name a file like {' or '.join(endings)}, or choose a form with --as: {', '.join(FORMATS)}."
        )
    return found[0]


def as_query(
    form: str,
    *,
    people: Iterable[int] = (),
    photos: PhotoQuery | None = None,
    quality: float = 0.0,
    flags: Iterable[str] = (),
) -> ExportQuery:
    """What somebody asks for who chose nothing but this. Without flags: a table has the faces of every flag, all
    others those without one. Raises ValueError for an unknown flag."""
    usual = EVERY_FACE.flags if form == TABLE else (Flag.NONE,)
    chosen = tuple(map(Flag, flags)) or usual
    return ExportQuery(tuple(people), photos or PhotoQuery(), quality, chosen)


def preview(library: Library, form: str, query: ExportQuery) -> tuple[ExportPreview, int]:
    """What an export would hold, and about how many bytes it takes. Raises UnknownChoice."""
    if form in FILES:
        found = library.exports.preview(query)
        return found, found.faces * ROW_BYTES[form]
    wanted = _chosen(form)
    found = library.exports.preview(_narrowed(query, wanted), whole_photos=wanted.whole_photos)
    return found, found.crop_bytes if wanted.holds == "faces" else found.photo_bytes


def content_of(library: Library, form: str, query: ExportQuery, *, split: float = SPLIT) -> Content:
    """What the writer of a form is given. Raises UnknownChoice, BadInput, NoFaces, NotAllowed."""
    wanted = _chosen(form)
    if wanted.one_person and len(query.people) != 1:
        raise BadInput(f"Choose one person for the form {form}.")
    if not 0 <= split < 1:
        raise BadInput("The share held out for validation must be at least 0 and below 1.")
    faces = list(library.exports.faces(_narrowed(query, wanted)))
    without = library.exports.without_face(query) if wanted.whole_photos else []
    if not (faces or without):
        raise NoFaces("No face meets these conditions; nothing was exported.")
    problems: list[str] = []
    held = held_out(faces, split) if wanted.splits and split else frozenset()
    return Content(
        faces,
        library.faces.crops,
        _Pictures(library, [*faces, *without], problems),
        without,
        held_out=held,
        split=bool(wanted.splits and split),
        problems=problems,
    )


def archive(library: Library, form: str, query: ExportQuery) -> Iterator[bytes]:
    """A form's files as a zip archive, piece by piece; nothing is stored. Raises as `content_of`, before the first
    piece."""
    return saving.zipped(FORMATS[form].write(content_of(library, form, query)))


def held_out(faces: Iterable[ExportedFace], share: float) -> frozenset[int]:
    """Ids of named faces to validate with: about `share` of each person's photos, whole photos only."""
    named = [face for face in faces if face.person is not None]
    if not named:
        return frozenset()
    _, classes = np.unique([face.person or "" for face in named], return_inverse=True)
    photos = np.array([face.photo_id for face in named], np.int64)
    held = hold_out(classes.astype(np.int64), photos, share, SEED)
    return frozenset(face.id for face, out in zip(named, held, strict=True) if out)


def _chosen(form: str) -> Format:
    if form not in FORMATS:
        raise UnknownChoice(f"There is no form {form}; choose one of {', '.join(CHOICES)}.")
    return FORMATS[form]


def _narrowed(query: ExportQuery, wanted: Format) -> ExportQuery:
    return replace(query, named_only=query.named_only or wanted.named_only)


def _row(face: ExportedFace) -> dict[str, Any]:
    edges = dict(zip(("left", "top", "right", "bottom"), face.box.as_tuple(), strict=True))
    return {
        "photo": face.path, **edges, "score": face.score, "quality": face.quality, "cluster": face.cluster,
        "person": face.person, "label_source": face.label_source,
    }  # fmt: skip


def _embeddings(library: Library, query: ExportQuery) -> Embeddings:
    by_id = {face.id: face for face in library.exports.faces(query)}
    embedder = load_embedder(library.settings).name
    ids, vectors = library.exports.vectors(embedder, by_id)
    return Embeddings([by_id[face] for face in ids], vectors, embedder)


def _with_progress(form: Format, content: Content, progress: Progress) -> Iterator[Entry]:
    total = len(content.faces) if form.holds == "faces" else len({face.photo_id for face in content.faces})
    for done, entry in enumerate(form.write(content)):
        progress(min(done, total), total, "Exporting")
        yield entry
    progress(total, total, "Exported")


class _Pictures:
    """Gives the upright picture of a photo, see Content.picture."""

    def __init__(self, library: Library, faces: list[ExportedFace | ExportedPhoto], problems: list[str]) -> None:
        self._library, self._faces, self._problems = library, faces, problems
        self._to_blur: dict[int, list[Box]] | None = None

    def __call__(self, face: ExportedFace | ExportedPhoto, side_px: int | None) -> bytes | None:
        if self._to_blur is None:
            self._to_blur = self._library.exports.to_blur({each.photo_id for each in self._faces})
        try:
            photo = images.read(face.path, max_megapixels=self._library.settings.max_megapixels, enough_px=side_px)
        except UnreadableImage as error:
            self._leave_out(face, str(error))
            return None
        if (photo.width, photo.height) != (face.width, face.height):
            self._leave_out(face, CHANGED)
            return None
        pixels = images.thumbnail(photo.pixels, side_px) if side_px else photo.pixels
        scale = pixels.shape[1] / face.width
        boxes = [box.scaled(scale) for box in self._to_blur.get(face.photo_id, ())]
        return images.encode_jpeg(annotate.blurred(pixels, boxes) if boxes else pixels, quality=JPEG_QUALITY)

    def _leave_out(self, face: ExportedFace | ExportedPhoto, reason: str) -> None:
        problem = f"{frame_path.shown(face.path)} is left out: {reason}"
        if problem not in self._problems:
            self._problems.append(problem)


def in_words(report: ExportReport, target: Path) -> str:
    """One sentence on what was written.

    >>> in_words(ExportReport("coco", 3, 2, 1500), Path("faces"))
    'Wrote 3 faces to faces: 2 files, 1.5 kB.'
    """
    wrote = f"Wrote {count(report.faces, 'face')} to {target}"
    if report.form in FILES:
        return f"{wrote}."
    return f"{wrote}: {count(report.files, 'file')}, {size_in_words(report.bytes)}."


def size_in_words(number: int) -> str:
    """
    >>> size_in_words(900), size_in_words(1500), size_in_words(2_340_000), size_in_words(5_000_000_000)
    ('900 bytes', '1.5 kB', '2.3 MB', '5.0 GB')
    """
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return count(number, "byte")
