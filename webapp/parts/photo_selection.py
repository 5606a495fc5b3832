"""Photos chosen on the page Photos, and what is done with them: tag, add a person, export, write names, erase."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

import streamlit as st

from faceid_core import frame_path
from faceid_core.errors import FaceIdError
from faceid_core.library import PhotoQuery
from faceid_core.values import Presence, Role
from webapp.components.face_grid import pick_grid, selection
from webapp.context import in_words, library, may
from webapp.feedback import toast
from webapp.markup import escaped_markdown, on_server, photo_url
from webapp.parts.dialog import dialog
from webapp.parts.erase_dialog import erase_dialog
from webapp.parts.photo_dialog import show_photo
from webapp.parts.undo import offer_undo
from webapp.wording import count

if TYPE_CHECKING:
    from faceid_core.library import Act, PhotoView

TILE_PX = 416
_EVERY = "_every_photo"
"""The search whose photos are all chosen, where somebody chose all that match."""

HOW = {Presence.UNSEEN: "No face visible", Presence.BEHIND: "From behind"}
ORIGINALS = "originals.zip"
EXPORTS = {
    ORIGINALS: "Photos as they are",
    "albums.zip": "Albums: a folder for each person",
    "coco.zip": "Photos with boxes (COCO)",
    "faces.csv": "Table of the faces (CSV)",
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is chosen. query: asks for just these photos; number: how many they are."""

    query: PhotoQuery
    number: int

    @property
    def ids(self) -> list[int]:
        return list(self.query.only) or library().photos.ids(self.query)

    @property
    def in_words(self) -> str:
        return count(self.number, "photo")


def photo_selection(photos: Sequence[PhotoView], query: PhotoQuery) -> None:
    """The photos as tiles to be chosen, and above them what can be done with those that are. query: the search that
    gave them."""
    grid = f"choose-photos-{photos[0].id}-{len(photos)}"
    ids = [photo.id for photo in photos]
    chosen = _chosen(grid, ids, query)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="choice-photos"):
        _which(chosen, query)
        _acts(chosen)
    opened = pick_grid(
        [_tile(photo) for photo in photos], key=grid, label="Photos", noun=("photo", "photos"), tile="11rem",
        ratio="4 / 3", openable=True,
    ).opened  # fmt: skip
    if opened in ids:
        show_photo(opened, query=query)


def _chosen(grid: str, ids: Sequence[int], query: PhotoQuery) -> Chosen:
    if st.session_state.get(_EVERY) == query:
        return Chosen(query, library().photos.number(query))
    some = tuple(selection(grid, ids))
    return Chosen(PhotoQuery(only=some, status=query.status), len(some))


def _tile(photo: PhotoView) -> dict[str, object]:
    name = frame_path.shown(photo.path)
    faces = count(photo.faces, "face") if photo.faces else "no face"
    return {
        "id": photo.id, "src": photo_url(photo.id, TILE_PX), "name": faces, "low": None,
        "title": f"{name}, {faces}",
    }  # fmt: skip


def _which(chosen: Chosen, query: PhotoQuery) -> None:
    every = st.session_state.get(_EVERY) == query
    if every:
        st.markdown(f"**All {chosen.in_words} that match**", width="content")
        st.button("Choose only some", key="photos-some", type="tertiary", on_click=_choose_all, args=(None,))
    else:
        number = library().photos.number(query)
        st.markdown(f"**{chosen.in_words}** chosen", width="content")
        st.button(
            f"All {number:,} that match", key="photos-all", type="tertiary", on_click=_choose_all, args=(query,),
            help="Also those on other pages",
        )  # fmt: skip


def _choose_all(query: PhotoQuery | None) -> None:
    st.session_state[_EVERY] = query


def forget_selection() -> None:
    """No search is chosen as a whole any more."""
    st.session_state.pop(_EVERY, None)


def _acts(chosen: Chosen) -> None:
    none = not chosen.number
    acts: list[tuple[str, str, str, Callable[[Chosen], None]]] = [
        ("Tag", "label", "tag-photos", _tag),
        ("Add a person without a face", "person_add", "present-on-photos", _add_person),
    ]
    if may(Role.OWNER):
        acts += [
            ("Export", "download", "export-photos", _export),
            ("Write names", "edit_document", "names-of-photos", _write_names),
            ("Erase", "delete_forever", "erase-photos", _erase),
        ]
    for label, icon, key, act in acts:
        if st.button(label, icon=f":material/{icon}:", key=key, disabled=none):
            act(chosen)


# --- tags and people --------------------------------------------------------------------------------------------
@dialog("Tag photos", icon=":material/label:")
def _tag(chosen: Chosen) -> None:
    tag_form(chosen)


def tag_form(chosen: Chosen) -> None:
    """A tag, new or known, to be added or removed."""
    known = dict(library().tags.all())
    tag = st.selectbox(
        "Tag", list(known), index=None, accept_new_options=True, key="photo-tag-name",
        placeholder="Type a tag, or choose one", format_func=lambda one: one,
    )  # fmt: skip
    with st.container(horizontal=True):
        add = st.button(f"Tag {chosen.in_words}", type="primary", key="tag-add", disabled=not tag)
        remove = st.button("Remove tag", key="tag-remove", disabled=tag not in known)
    if tag and (add or remove):
        tags = library().tags
        _do(lambda: tags.add(chosen.ids, tag) if add else tags.remove(chosen.ids, tag))


@dialog("Add a person without a face", icon=":material/person_add:")
def _add_person(chosen: Chosen) -> None:
    person_form(chosen)


def person_form(chosen: Chosen) -> None:
    """Who is in the photos, and how they appear. Photos that show their face are left out."""
    st.caption("For people in the photos whose faces can't be seen. This has no effect on recognition.")
    people = {person.name: person.id for person in library().people.all() if not person.hidden}
    name = st.selectbox(
        "Person", list(people), index=None, accept_new_options=True, key="present-name",
        placeholder="Type a name, or choose one",
    )  # fmt: skip
    how = st.segmented_control(
        "How they appear",
        list(HOW),
        format_func=HOW.__getitem__,
        default=Presence.UNSEEN,
        required=True,
        key="present-how",
    )
    if st.button(f"Add to {chosen.in_words}", type="primary", key="present-add", disabled=not name) and name:
        _do(lambda: library().tags.add_person(chosen.ids, people.get(name, name), how))


def _do(act: Callable[[], Act]) -> None:
    try:
        offer_undo(act())
    except FaceIdError as error:
        st.error(escaped_markdown(in_words(error)), icon=":material/error:")
    else:
        st.rerun()


# --- for owners -------------------------------------------------------------------------------------------------
@dialog("Export photos", icon=":material/download:")
def _export(chosen: Chosen) -> None:
    export_form(chosen)


def export_form(chosen: Chosen) -> None:
    """The format to download them in; the page Export has all formats."""
    name = st.radio("Format", list(EXPORTS), format_func=EXPORTS.__getitem__, key="photos-form")
    st.caption(
        "The photos are not changed. Hidden people and those who refused consent are left out of tables and albums."
    )
    st.link_button(
        f"Download {chosen.in_words}",
        export_address(name, chosen.query),
        icon=":material/download:",
        type="primary",
    )


def export_address(name: str, query: PhotoQuery) -> str:
    """The address of a download of these photos."""
    folder = "" if name == ORIGINALS else "exports/"
    search = json.dumps(query.as_json(), separators=(",", ":"))
    return on_server(f"/api/{folder}{name}?search={quote(search)}")


def _write_names(chosen: Chosen) -> None:
    library().jobs.submit("write-names", {"photos": replace(chosen.query, status=None).as_json()})
    toast(f"Writing names beside {chosen.in_words}. You can undo this in the list below.", icon=":material/edit:")
    st.rerun()


def _erase(chosen: Chosen) -> None:
    ids = chosen.ids
    gone = library().erasing.photos(ids, preview=True)
    erase_dialog(
        f"**{count(gone.photos, 'photo')}** with **{count(gone.faces, 'face')}**",
        gone,
        lambda: library().erasing.photos(ids, seen=gone),
        trace=lambda: library().erasing.trace(photos=ids),
    )
