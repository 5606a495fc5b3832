"""A photo in full: its faces in boxes, who they are, and a place to say so."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from faceid_core import frame_path
from faceid_core.errors import NotFound
from faceid_core.library import DrawnFaces, Erasure, PhotoQuery
from faceid_core.steps.find_missing import find_missing
from faceid_core.values import Flag, PhotoStatus, Role
from webapp import uploads
from webapp.components.face_grid import describe
from webapp.components.in_address import in_address, not_in_address
from webapp.components.photo_viewer import ShownPhoto, photo_viewer
from webapp.context import library, may
from webapp.feedback import boundary, guarded, show_toasts, toast
from webapp.markup import escaped_markdown, face_url, photo_url
from webapp.parts import photo_acts, photo_address
from webapp.parts.dialog import dialog, is_open
from webapp.parts.erase_dialog import erase_now
from webapp.parts.undo import offer_undo, undo_bar
from webapp.people_list import people_address
from webapp.wording import count, long_date

if TYPE_CHECKING:
    from faceid_core.library import FaceView, PersonView, PhotoView, WithoutFace

DETAIL_PX, LARGE_PX = 1400, 4096
CONFIRMED = "_faces_to_erase"


def show_photo(photo_id: int, face: int | None = None, *, query: PhotoQuery | None = None) -> None:
    """Open the photo. face: the one that it was opened for, which stands out; query: the search that the arrow keys
    go through, None for this photo alone."""
    photo_acts.view(photo_id, face, query)
    _dialog()


def show_addressed(query: PhotoQuery | None = None) -> None:
    """Open the photo that the address asks for, as by a link, Forward or a reload, unless the page has opened one.
    query: as in show_photo. The frame does it for pages that have no search."""
    asked = photo_address.look()
    if asked and not is_open():
        show_photo(*photo_address.parsed(asked), query=query)


def tidy_address() -> None:
    """No photo stays in the address that isn't open: it may have been closed before it had its entry there."""
    if photo_address.PHOTO in st.query_params and not is_open():
        not_in_address(photo_address.PHOTO)


@dialog("Photo", width="large", icon=":material/photo:", on_dismiss=photo_address.look)
def _dialog() -> None:
    photo_address.look()
    at = photo_acts.viewing()
    if at is not None:
        in_address(photo_address.PHOTO, photo_address.worded(at.photo, at.chosen))
        with boundary():
            _photo(at)
    undo_bar("photo")
    show_toasts()  # the frame, which shows them elsewhere, isn't drawn after an act here


def _photo(at: photo_acts.Viewing) -> None:
    photo = _found(at.photo)
    shown = shown_photo(at, photo, library().faces.of_photo(photo.id), library().people.all())
    folder = f" · :gray[{escaped_markdown(_folder(photo))}]" if _folder(photo) else ""
    st.markdown(f"**{escaped_markdown(frame_path.shown(photo.path))}** · {facts(photo)}{folder}")
    if may(Role.EDITOR) and (tags := library().tags.of(photo.id)):
        st.markdown(tags_in_words(tags))
    if shown.gone:
        _repair(photo)
    photo_viewer(shown, key="photo-viewer", turn=at.turn, on_act=photo_acts.act)
    if may(Role.EDITOR):
        with st.container(horizontal=True, key="photo-acts"):
            _ignore_others(photo)
            if may(Role.OWNER):
                _erase(photo)


def _found(photo_id: int) -> PhotoView:
    """Raises NotFound for an address of something else than a photo that can be seen."""
    try:
        photo = library().photos.get(photo_id)
    except NotFound:
        photo = None
    if photo is None or photo.status != PhotoStatus.DONE:
        raise NotFound("There is no such photo in this library. It was erased, or the address is not right.")
    return photo


def shown_photo(
    at: photo_acts.Viewing, photo: PhotoView, faces: list[FaceView], people: list[PersonView]
) -> ShownPhoto:
    """What the viewer draws: all but faces that are none."""
    query = at.query
    before, behind = library().photos.beside(photo.id, query) if query is not None else (None, None)
    return ShownPhoto(
        photo=photo.id,
        src=photo_url(photo.id, DETAIL_PX),
        large=photo_url(photo.id, LARGE_PX),
        width=photo.width,
        height=photo.height,
        gone=not photo.width or library().photos.is_gone(photo.id),
        faces=[_face(face) for face in faces if face.flag not in (Flag.NOT_A_FACE, Flag.HIDDEN)],
        people=people_address(people) if may(Role.EDITOR) else "",
        chosen=at.chosen,
        naming=at.naming,
        editable=may(Role.EDITOR) and library().read_only is None,
        previous=before is not None,
        next=behind is not None,
        error=at.error if at.naming or at.adding else "",
        status=at.status,
        without=[_without_face(one) for one in library().tags.people_on(photo.id)],
        adding=at.adding,
        ahead=[photo_url(one, DETAIL_PX) for one in (behind, before) if one is not None],
    )


def _face(face: FaceView) -> dict[str, Any]:
    return {
        "id": face.id,
        "box": [round(edge, 2) for edge in face.box.as_tuple()],
        "name": face.person or "",
        "title": describe(face),
        "src": face_url(face.id, box=face.box),
        "isAside": face.flag is Flag.STRANGER,
    }


def _without_face(one: WithoutFace) -> dict[str, Any]:
    return {"person": one.person_id, "name": one.name, "presence": one.presence.value}


def tags_in_words(tags: Iterable[str]) -> str:
    """In markdown.

    >>> tags_in_words(["Sea", "2019"])
    ':gray-badge[Sea] :gray-badge[2019]'
    """
    return " ".join(f":gray-badge[{escaped_markdown(tag)}]" for tag in tags)


def _folder(photo: PhotoView) -> str:
    """Where the photo lies: for owners all of it, for editors the folder's name, for viewers nothing."""
    folder = Path(photo.path).parent
    if may(Role.OWNER):
        return str(folder)
    return folder.name if may(Role.EDITOR) else ""


def facts(photo: PhotoView) -> str:
    parts = [f"{photo.width:,} × {photo.height:,} px"]
    if photo.taken_at:
        parts.append(f"taken {long_date(photo.taken_at)}, {photo.taken_at:%H:%M}")
    return " · ".join([*parts, count(photo.faces, "face")])


# --- a file that is gone ----------------------------------------------------------------------------------------
def _repair(photo: PhotoView) -> None:
    """Say so, and to the owner where it was, with a way to say where it is now."""
    if not may(Role.OWNER):
        st.warning(
            "This photo is no longer there. Ask an owner of this library.", icon=":material/image_not_supported:"
        )
        return
    path = escaped_markdown(str(frame_path.file_of(photo.path)))
    st.warning(f"This photo is no longer at {path}. Was it moved?", icon=":material/image_not_supported:")
    with st.form("find-photo", border=False):
        folder = st.text_input(
            "New location", placeholder="/home/you/Pictures", key="moved-to", max_chars=4096,
            help="A folder or file on the computer that runs faceid. The photo keeps its names.",
        )  # fmt: skip
        if st.form_submit_button("Find photo", icon=":material/search:", type="primary"):
            with boundary():
                _look_in(folder, photo)


def _look_in(folder: str, photo: PhotoView) -> None:
    """Every photo that is missing and found there comes back, this one first of all."""
    place = uploads.checked_path(folder, videos=True)
    with st.spinner("Comparing files"):
        found = find_missing(library(), [place]).found
    if not any(one.id == photo.id for one, _ in found):
        others = f"; {count(len(found), 'other missing photo')} found" if found else ""
        st.error(f"It is not in this folder{others}.", icon=":material/search_off:")
        return
    toast(f"{count(len(found), 'missing photo')} found.", icon=":material/image:")
    if (at := photo_acts.viewing()) is not None:
        at.turn += 1
    st.rerun(scope="fragment")


# --- acts beside the viewer -------------------------------------------------------------------------------------
def _ignore_others(photo: PhotoView) -> None:
    small, strangers = library().faces.background(photo.id), library().faces.strangers_on(photo.id)
    if small:
        _offer_to_ignore(f"Ignore {count(len(small), 'small face')} in the background", small, "ignore-background")
    if len(strangers) > len(small):
        _offer_to_ignore(f"Ignore all {count(len(strangers), 'unnamed face')}", strangers, "ignore-strangers")


def _offer_to_ignore(label: str, faces: list[int], key: str) -> None:
    st.button(
        label,
        icon=":material/visibility_off:",
        type="tertiary",
        key=key,
        help="Set them aside; you won't be asked about them again",
        on_click=_set_aside,
        args=(faces,),
    )


@guarded
def _set_aside(faces: list[int]) -> None:
    offer_undo(library().faces.flag(faces, Flag.STRANGER, drawn=DrawnFaces.alike(faces)))
    if (at := photo_acts.viewing()) is not None:
        at.turn += 1


def _erase(photo: PhotoView) -> None:
    with st.popover("Erase", icon=":material/delete_forever:", type="tertiary"):
        st.markdown(
            f"The photo and its {count(photo.faces, 'face')} will be erased from the library, with their "
            "history and any recogniser trained on them. The file stays, and so do older backups. "
            "**This can't be undone.**"
        )
        # This script reads the photo anew before it sees the click: the callback knows what the user saw.
        if st.button(
            "Erase permanently", type="primary", key="erase-photo", on_click=_confirm, args=(photo.faces,)
        ):
            seen = Erasure(faces=st.session_state.pop(CONFIRMED), photos=1)
            erase_now(partial(library().erasing.photos, [photo.id], seen=seen))


def _confirm(faces: int) -> None:
    st.session_state[CONFIRMED] = faces
