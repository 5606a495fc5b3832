"""Export: faces, photos and albums for other programs and for people, with what it comes to first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from faceid_core.exchange.export_formats import FORMATS
from faceid_core.library import ExportQuery, PhotoQuery
from faceid_core.steps import export
from faceid_core.values import EARLIEST, Flag
from webapp import uploads
from webapp.context import library
from webapp.exports import form_of
from webapp.feedback import boundary, toast
from webapp.markup import on_server
from webapp.parts.blank import blank
from webapp.parts.job_progress import job_progress, last_failure
from webapp.wording import count

FILES = {
    "faces.csv": ("Faces as CSV", "One row per face, for spreadsheets"),
    "faces.json": ("Faces as JSON", "The same, for scripts"),
    "faces.parquet": ("Faces as Parquet", "The same, for pandas, DuckDB and others"),
    "vectors.npz": ("Vectors as NumPy", "The vectors of faces with their names, for your own research"),
    "vectors.parquet": ("Vectors as Parquet", "The same, for pandas, DuckDB and others"),
}
KINDS: dict[str, dict[str, tuple[str, str]]] = {
    "For people": {f"{form}.zip": (FORMATS[form].title, FORMATS[form].about) for form in ("albums", "gallery")},
    "For training": {
        f"{form}.zip": (FORMATS[form].title, FORMATS[form].about) for form in FORMATS if FORMATS[form].splits
    },
    "With boxes": {
        f"{form}.zip": (FORMATS[form].title, FORMATS[form].about)
        for form in FORMATS
        if not FORMATS[form].named_only
    },
    "Tables": FILES,
}
"""Purpose of the formats -> name of the download -> title and description."""

FLAGS = {Flag.NONE: "Faces", Flag.STRANGER: "Ignored faces", Flag.NOT_A_FACE: "Not a face"}
LINKS = {"copy": "Copies", "hard": "Hard links", "symbolic": "Symbolic links"}


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen on the page. name: of the download."""

    name: str
    people: tuple[int, ...]
    first: date | None
    last: date | None
    quality: float
    flags: tuple[Flag, ...]

    @property
    def form(self) -> str:
        return form_of(self.name)

    @property
    def address(self) -> str:
        """The address of the download."""
        given = [("person", person) for person in self.people] + [("flag", flag.value) for flag in self.flags]
        days = [(name, day.isoformat()) for name, day in (("first", self.first), ("last", self.last)) if day]
        quality = [("quality", self.quality)] if self.quality else []
        asked = urlencode([*given, *days, *quality])
        return on_server(f"/api/exports/{self.name}{'?' if asked else ''}{asked}")

    @property
    def query(self) -> ExportQuery:
        photos = PhotoQuery(taken_from=self.first, taken_to=self.last)
        return export.as_query(self.form, people=self.people, photos=photos, quality=self.quality, flags=self.flags)

    def params(self, target: str, link: str) -> dict[str, Any]:
        """The parameters of the export job."""
        days = {name: day.isoformat() for name, day in (("first", self.first), ("last", self.last)) if day}
        return {
            "form": self.form, "target": target, "people": list(self.people), "quality": self.quality,
            "flags": [flag.value for flag in self.flags], "link": link, **days,
        }  # fmt: skip


def page() -> None:
    st.title("Export")
    if not library().counts().faces:
        blank(
            "Nothing to export yet",
            "Import photos first. Then you can take their faces, names and albums elsewhere.",
            icon="drive_folder_upload", link=("photos", "Photos"),
        )  # fmt: skip
        return
    st.caption(
        "For other programs and other people. Hidden people and those who refused consent are never exported. "
        "Albums hold your files unchanged; in all other pictures, the faces of these people are blurred."
    )
    if not job_progress("export"):
        last_failure("export")
    name = _form()
    with st.container(border=True, key="card-export"):
        choice = _choice(name)
        found, size = export.preview(library(), choice.form, choice.query)
        people = count(found.people, "person", "people")
        st.markdown(
            f"**{count(found.faces, 'face')}** of **{people}** in **{count(found.photos, 'photo')}** · "
            f"about **{export.size_in_words(size)}**"
        )
        _take(choice, is_empty=not found.faces)


def _form() -> str:
    kind = st.segmented_control("Purpose", list(KINDS), default="For people", required=True, key="export-kind")
    forms = KINDS[kind]
    name: str = st.radio(
        "Format", list(forms), format_func=lambda each: forms[each][0],
        captions=[about for _, about in forms.values()],
        key=f"export-form-{kind}", label_visibility="collapsed",
    )  # fmt: skip
    return name


def _choice(name: str) -> Choice:
    form = FORMATS.get(form_of(name))
    names = {person.id: person.name for person in library().people.all() if not person.hidden}
    if form is not None and form.one_person:
        one = st.selectbox(
            "Person", list(names), format_func=lambda person: names.get(person, "?"), key="export-person",
            index=None, placeholder="Choose a person",
        )  # fmt: skip
        people: tuple[int, ...] = (one,) if one is not None else ()
    else:
        people = tuple(st.multiselect(
            "People", list(names), format_func=lambda person: names.get(person, "?"), key="export-people",
            placeholder="Everyone",
        ))  # fmt: skip
    left, middle, right = st.columns(3)
    first, last = (
        column.date_input(label, value=None, key=key, min_value=EARLIEST, max_value="today")
        for column, label, key in (
            (left, "Taken on or after", "export-from"),
            (middle, "Taken on or before", "export-to"),
        )
    )
    quality = right.slider("Lowest quality", 0.0, 1.0, 0.0, 0.05, key="export-quality", format="percent")
    flags: tuple[Flag, ...] = ()
    if form is None:
        flags = tuple(st.pills(
            "Faces to include", list(FLAGS), selection_mode="multi", format_func=FLAGS.__getitem__,
            default=list(FLAGS) if form_of(name) == export.TABLE else [Flag.NONE],
            key=f"export-flags-{form_of(name)}",
        ))  # fmt: skip
    return Choice(name, people, first, last, float(quality), flags)


def _take(choice: Choice, *, is_empty: bool) -> None:
    form = FORMATS.get(choice.form)
    if form is not None and form.one_person and not choice.people:
        return
    if is_empty:
        st.info("No faces match. Remove a condition.", icon=":material/info:")
        return
    st.link_button("Download", choice.address, icon=":material/download:", type="primary")
    if form is None:
        return
    with st.expander("Save to a folder on the computer that runs faceid", icon=":material/folder:"):
        with st.form("export-folder", border=False):
            target = st.text_input(
                "New folder", placeholder="/home/you/Albums", key="export-target", max_chars=4096
            )
            link = "copy"
            if form.links:
                link = st.radio(
                    "Files", list(LINKS), format_func=LINKS.__getitem__, horizontal=True, key="export-link",
                    help="Links take up no space; the photos stay where they are.",
                )  # fmt: skip
            submitted = st.form_submit_button("Export", icon=":material/drive_folder_upload:")
        if submitted:
            with boundary():
                _start(choice, target, link)


def _start(choice: Choice, target: str, link: str) -> None:
    folder = uploads.typed_path(target, "Type the path of a new folder.")
    export.check_target(choice.form, folder)
    library().jobs.submit("export", choice.params(str(folder), link))
    toast("Export started.", icon=":material/drive_folder_upload:")
    st.rerun()
