"""A photo in full: its faces in boxes, who they are, and a place to say so."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from faceid_core import frame_path
from faceid_core.library import DrawnFaces, Erasure
from faceid_core.values import Flag, Role
from webapp.components.face_grid import face_grid, selection
from webapp.context import library, may
from webapp.feedback import boundary, guarded
from webapp.markup import escaped_html, escaped_markdown, photo_url
from webapp.parts.erase_dialog import erase_now
from webapp.parts.naming import Target, naming
from webapp.parts.undo import offer_undo, undo_bar
from webapp.wording import count

if TYPE_CHECKING:
    from faceid_core.library import FaceView, PhotoView

DETAIL_PX = 1400
CONFIRMED = "_faces_to_erase"


@st.dialog("Photo", width="large", icon=":material/photo:", on_dismiss="rerun")
def show_photo(photo_id: int) -> None:
    """The photo with a box around every face, who they are, and a box to name them."""
    with boundary():
        photo, faces = library().photos.get(photo_id), library().faces.of_photo(photo_id)
        grid, ids = _grid(photo_id), [face.id for face in faces]
        st.html(shot_html(photo, faces, chosen=selection(grid, ids)))
        st.markdown(f"**{escaped_markdown(frame_path.shown(photo.path))}** · {facts(photo)}")
        if folder := _folder(photo):
            st.caption(escaped_markdown(folder))
        if faces:
            _faces(photo_id, faces)
        else:
            st.info("No faces found in this photo.", icon=":material/search_off:")
        with st.container(horizontal=True, key="photo-acts"):
            if may(Role.EDITOR):
                _ignore_background(photo)
            if may(Role.OWNER):
                _erase(photo)
    undo_bar("photo")


def _folder(photo: PhotoView) -> str:
    """Where the photo lies: for owners all of it, for editors the folder's name, for viewers nothing."""
    folder = Path(photo.path).parent
    if may(Role.OWNER):
        return str(folder)
    return folder.name if may(Role.EDITOR) else ""


def _grid(photo_id: int) -> str:
    """The key of the grid of faces: another one after each name, so that nothing stays selected."""
    return f"photo-faces-{photo_id}-{st.session_state.get('photo-names', 0)}"


def _next_face(_: list[int]) -> None:
    st.session_state["photo-names"] = st.session_state.get("photo-names", 0) + 1


def _faces(photo_id: int, faces: list[FaceView]) -> None:
    """The faces, to be selected and named; a single one needs no selecting."""
    grid, drawn = _grid(photo_id), DrawnFaces.of(faces)
    alone = len(faces) == 1
    target = Target(grid=grid, shown=drawn, every=drawn if alone else None, then=_next_face)
    naming(target, key=f"photo-name-{photo_id}")
    face_grid(faces, key=grid, label="Faces of this photo", selectable=not alone, tile="5.5rem")


def _ignore_background(photo: PhotoView) -> None:
    small = library().faces.background(photo.id)
    if small:
        st.button(
            f"Ignore {count(len(small), 'small face')} in the background",
            icon=":material/visibility_off:",
            type="tertiary",
            key="ignore-background",
            help="Set them aside; you won't be asked about them again",
            on_click=_set_aside,
            args=(small,),
        )


@guarded
def _set_aside(faces: list[int]) -> None:
    offer_undo(library().faces.flag(faces, Flag.STRANGER, drawn=DrawnFaces.alike(faces)))


def _erase(photo: PhotoView) -> None:
    with st.popover("Erase", icon=":material/delete_forever:", type="tertiary"):
        st.markdown(
            f"The photo and its {count(photo.faces, 'face')} will be erased from the library, with their "
            "history and any recogniser trained on them. The file stays, and so do older backups. "
            "**This can't be undone.**"
        )
        # This script reads the photo anew before it sees the click: the callback knows what the user saw.
        if st.button("Erase for good", type="primary", key="erase-photo", on_click=_confirm, args=(photo.faces,)):
            seen = Erasure(faces=st.session_state.pop(CONFIRMED), photos=1)
            erase_now(partial(library().erasing.photos, [photo.id], seen=seen))


def _confirm(faces: int) -> None:
    st.session_state[CONFIRMED] = faces


def facts(photo: PhotoView) -> str:
    parts = [f"{photo.width:,} × {photo.height:,} px"]
    if photo.taken_at:
        parts.append(f"taken {photo.taken_at:%d %B %Y, %H:%M}")
    return " · ".join([*parts, count(photo.faces, "face")])


def shot_html(photo: PhotoView, faces: list[FaceView], *, chosen: Sequence[int] = ()) -> str:
    """The upright photo; boxes are placed in percent, so that they fit at every size. chosen: to point out."""
    known = faces if photo.width and photo.height else []
    boxes = "".join(_box_html(photo, face, chosen=face.id in chosen) for face in known)
    return f'<div class="shot"><img src="{photo_url(photo.id, DETAIL_PX)}" alt="The photo">{boxes}</div>'


def _box_html(photo: PhotoView, face: FaceView, *, chosen: bool) -> str:
    left, top = 100 * face.box.left / photo.width, 100 * face.box.top / photo.height
    width, height = 100 * face.box.width / photo.width, 100 * face.box.height / photo.height
    name = f"<span>{escaped_html(face.person)}</span>" if face.person else ""
    place = f"left:{left:.2f}%;top:{top:.2f}%;width:{width:.2f}%;height:{height:.2f}%"
    return f'<div class="box{" chosen" * chosen}" style="{place}">{name}</div>'
