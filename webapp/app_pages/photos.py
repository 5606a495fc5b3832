"""Photos: bring photos in by folder or upload, follow the import, look at what is there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from faceid_core import frame_path
from faceid_core.steps.export import size_in_words
from faceid_core.steps.plan_import import plan_import
from faceid_core.values import PhotoStatus, Role
from webapp import uploads
from webapp.context import library, may
from webapp.feedback import boundary, toast
from webapp.parts.dialog import dialog
from webapp.parts.job_progress import job_progress, last_failure
from webapp.parts.left_out import left_out_by_last_import
from webapp.parts.menu import close_menu, menu
from webapp.parts.names import names_menu
from webapp.parts.pager import Pager
from webapp.parts.photo_dialog import show_addressed
from webapp.parts.photo_filter import photo_filter
from webapp.parts.photo_grid import photo_grid
from webapp.parts.photo_selection import forget_selection, photo_selection
from webapp.parts.search_again import search_again
from webapp.parts.share_dialog import share_button
from webapp.parts.undo import undo_bar
from webapp.parts.watched_folders import watched_folders
from webapp.wording import count, duration

if TYPE_CHECKING:
    from faceid_core.library import Counts, PhotoView
    from faceid_core.settings import SmallestFace
    from faceid_core.steps.plan_import import ImportPlan

PAGE_PHOTOS = 48
ALL, FAILED = "All photos", "Could not be read"
SIZES: dict[SmallestFace, str] = {"fast": "Fast", "normal": "Normal", "every": "Every"}


def page() -> None:
    counts = library().counts()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Photos")
        if may(Role.OWNER) and counts.photos:
            _toolbar(counts)
    busy = job_progress("import", "cluster", "map", "names", "write-names", "undo-names")
    if may(Role.OWNER):
        if not busy:
            _last_time()
        if not counts.photos:
            _add_photos()
    elif not counts.photos:
        st.caption("No photos yet. Ask an owner of this library to import some.")
    if counts.photos:
        _browse(counts)
    undo_bar()


# --- bringing photos in -----------------------------------------------------------------------------------------
def _toolbar(counts: Counts) -> None:
    if counts.faces:
        names_menu(gives=bool(counts.people))
    with menu("Add photos", icon=":material/add_photo_alternate:", key="add-photos", type="primary"):
        _add_photos()


def _last_time() -> None:
    """What is left to say or do after the latest import and the latest writing of names."""
    last_failure("import")
    last_failure("write-names")
    left_out_by_last_import()
    search_again()


@dataclass(frozen=True, slots=True)
class _Options:
    """What is chosen for an import. smallest_face: None where the detector has no such choice; watch: whether what
    comes into the folder later is to be imported, too; poll: for a network drive."""

    video_seconds: float
    smallest_face: SmallestFace | None
    watch: bool = False
    poll: bool = False

    def given(self) -> dict[str, object]:
        """The parameters of the job."""
        given = {"video_seconds": self.video_seconds, "smallest_face": self.smallest_face}
        return {name: value for name, value in given.items() if value is not None}


def _add_photos() -> None:
    places = st.container()  # first where the photos are, then how they are searched
    with st.expander("Videos and small faces" if _has_sizes() else "Videos", icon=":material/tune:"):
        options = _Options(_video_seconds(), _smallest_face())
    folder, upload = places.tabs([":material/folder: From a folder", ":material/upload: Upload"])
    with folder:
        _from_folder(options)
    with upload:
        _from_upload(options)


def _video_seconds() -> float:
    """Seconds between the pictures of a video that are looked at; 0 leaves videos alone."""
    usual = library().settings.video_seconds
    with st.container(horizontal=True, vertical_alignment="center", key="video-options"):
        if not st.checkbox("Include videos", value=usual > 0, key="videos"):
            return 0.0
        every = st.number_input(
            "Seconds between frames",
            min_value=0.1,
            value=usual or 1.0,
            step=0.5,
            format="%.1f",
            key="video-seconds",
            help="Shorter intervals find more faces but take longer. Near-identical faces are kept only once.",
            width=180,
        )
    return float(every)


def _has_sizes() -> bool:
    return library().settings.detector == "centerface"


def _smallest_face() -> SmallestFace | None:
    """Offered only where the detector has it."""
    settings = library().settings
    if not _has_sizes():
        return None
    chosen: SmallestFace | None = st.segmented_control(
        "Smallest face",
        SIZES,
        default=settings.smallest_face,
        format_func=SIZES.__getitem__,
        key="smallest-face",
        help="Fast: only people in front. Normal: groups and crowds too; photos with small faces take longer. "
        "Every: every face that can be seen; takes several times as long.",
    )
    return chosen or settings.smallest_face


def _from_folder(options: _Options) -> None:
    st.caption(
        "A folder on the computer that runs faceid, with its subfolders. Your files are only read, never changed. "
        "Importing it again adds only new and changed photos."
    )
    with st.form("import-folder", border=False):
        path = st.text_input(
            "Folder or file", placeholder="/home/you/Pictures", key="folder", max_chars=4096,
            help="Or an address in object storage, such as s3://bucket/photos; see docs/scaling.md.",
        )  # fmt: skip
        with st.container(horizontal=True, key="watch-options"):
            watch = st.checkbox(
                "Watch this folder", key="watch-folder",
                help="Photos added or changed there later are imported automatically. Photos deleted there stay "
                "in the library.",
            )  # fmt: skip
            poll = st.checkbox(
                "It is on a network drive", key="watch-poll",
                help="Network drives don't report changes, so faceid keeps checking all files.",
            )  # fmt: skip
        submitted = st.form_submit_button("Import", type="primary", icon=":material/download:")
    watched_folders()
    if submitted:
        with boundary():
            options = replace(options, watch=watch, poll=poll)
            _start_or_ask(uploads.checked_path(path, videos=options.video_seconds > 0), options)


def _start_or_ask(path: Path, options: _Options) -> None:
    """A large import is explained before it is started."""
    with st.spinner("Checking the folder"):
        plan = plan_import(library(), [path], videos=options.video_seconds > 0)
    if plan.is_large:
        _ask(plan, path, options)
    else:
        _start([path], options)


@dialog("Import this folder?", icon=":material/download:")
def _ask(plan: ImportPlan, path: Path, options: _Options) -> None:
    plan_form(plan, path, options)


def plan_form(plan: ImportPlan, path: Path, options: _Options) -> None:
    """What the import will do, and the button that starts it."""
    st.markdown("  \n".join(plan_lines(plan)))
    st.caption("You can pause at any time and resume later; finished work is kept.")
    if st.button("Import", type="primary", key="import-planned"):
        _start([path], options)


def plan_lines(plan: ImportPlan) -> list[str]:
    """What an import will do, a line for each kind of file that there is."""
    kinds = (
        (plan.new - plan.videos - plan.moved, "new photo", "new photos", ""),
        (plan.videos, "new video", "new videos", ""),
        (plan.moved, "photo", "photos", " that probably moved here and will keep their names"),
        (plan.changed, "photo", "photos", " that changed since the last import"),
        (plan.known, "photo", "photos", " already imported"),
        (plan.left_out, "kind of file or folder", "kinds of files or folders", " left out"),
    )
    lines = [f"**{count(number, one, many)}**{rest}" for number, one, many, rest in kinds if number > 0]
    takes = f" · about {duration(plan.seconds)} at the pace of the last import" if plan.seconds else ""
    return [*lines, f":gray[{size_in_words(plan.bytes)} to read{takes}]"]


def _from_upload(options: _Options) -> None:
    limit = library().settings.max_upload_mb
    st.caption(
        f"Up to {limit} MB per photo: JPEG, PNG, HEIC, AVIF, TIFF, RAW and most other formats. "
        "Copies are kept in the library's folder."
    )
    with st.form("import-upload", border=False, clear_on_submit=True):
        files = st.file_uploader(
            "Photos",
            accept_multiple_files=True,
            type=uploads.endings(videos=options.video_seconds > 0),
            key="upload",
            label_visibility="collapsed",
        )
        submitted = st.form_submit_button("Import these photos", type="primary", icon=":material/upload:")
    if submitted:
        with boundary():
            _start(uploads.store(library().settings.uploads_folder, files or []), options)


def _start(paths: list[Path], options: _Options) -> None:
    """Queue the import; the worker groups and maps the faces afterwards, and watches folders if asked to."""
    for folder in filter(Path.is_dir, paths if options.watch else []):
        library().watched.add(str(folder), video_seconds=options.video_seconds, poll=options.poll)
    library().jobs.submit("import", {"paths": [str(path) for path in paths], **options.given()})
    close_menu("add-photos")
    toast("Import started. Faces will be grouped when it is done.", icon=":material/download:")
    st.rerun()


# --- looking at them --------------------------------------------------------------------------------------------
def _browse(counts: Counts) -> None:
    pager = Pager("photos")
    with st.container(horizontal=True, vertical_alignment="center", key="photo-filter"):
        status = PhotoStatus.FAILED if _status_filter(counts, pager) == FAILED else PhotoStatus.DONE
        query = photo_filter(status, on_change=pager.first)
        if not query.is_empty and status is PhotoStatus.DONE and may(Role.OWNER):
            share_button(query, key="share-search")
        choosing = _choosing() if status is PhotoStatus.DONE else False
    found = library().photos.page(after=pager.after, limit=PAGE_PHOTOS + 1, query=query)
    if found and not query.is_empty:
        st.caption(f"{count(library().photos.number(query), 'photo')} found.")
    if not found and pager.has_earlier:  # what was here has gone
        pager.first()
        st.rerun()
    if not found:
        st.caption("No photos match. Remove a condition." if not query.is_empty else "Nothing here yet.")
    elif status is PhotoStatus.FAILED:
        _failures(found[:PAGE_PHOTOS])
    elif choosing:
        photo_selection(found[:PAGE_PHOTOS], query)
    else:
        photo_grid(found[:PAGE_PHOTOS], query=query)
    if found:
        pager.buttons(last=found[:PAGE_PHOTOS][-1].id, has_more=len(found) > PAGE_PHOTOS)
    show_addressed(query)


def _choosing() -> bool:
    """Whether photos are to be chosen instead of opened by a click."""
    return may(Role.EDITOR) and st.toggle(
        "Select", key="photos-choosing", on_change=forget_selection,
        help="Choose photos to tag, export or erase: click, Shift+click, drag, or arrow keys and Space",
    )  # fmt: skip


def _status_filter(counts: Counts, pager: Pager) -> str:
    if not counts.failed:
        return ALL
    labels = {ALL: f"{ALL} · {counts.photos - counts.failed:,}", FAILED: f"{FAILED} · {counts.failed:,}"}
    return st.segmented_control(
        "Show",
        [ALL, FAILED],
        default=ALL,
        required=True,
        format_func=labels.__getitem__,
        key="photo-status",
        on_change=pager.first,
        label_visibility="collapsed",
    )


def _failures(photos: list[PhotoView]) -> None:
    files = [photo.path if may(Role.OWNER) else frame_path.shown(photo.path) for photo in photos]
    st.dataframe({"File": files, "Reason": [photo.error or "" for photo in photos]}, hide_index=True)
    if may(Role.OWNER):
        st.caption("Repair or replace a file, then import its folder again.")
