"""A photo as a tile of the grid, and in full with its faces and their names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from faceid_core import moments
from faceid_core.tables import Flag
from webapp.state import (
    actor,
    boundary,
    escaped_html,
    escaped_markdown,
    face_url,
    guarded,
    library,
    photo_url,
    toast,
)
from webapp.wording import count

if TYPE_CHECKING:
    from faceid_core.library import FaceView, PhotoView

DETAIL_PX = 1400


def photo_grid(photos: Iterable[PhotoView], *, key: str = "") -> None:
    """Tiles that open the photo when they are clicked. key: tells grids on one page apart."""
    with st.container(key=f"photo-grid{key}"):
        for photo in photos:
            if photo_tile(photo):
                show_photo(photo.id)


def photo_tile(photo: PhotoView) -> bool:
    """Draw the tile; True when it was clicked."""
    name = moments.shown(photo.path)
    with st.container(key=f"tile-{photo.id}"):
        st.html(tile_html(photo, name))
        return st.button(f"Open {escaped_markdown(name)}", key=f"photo-{photo.id}")


def tile_html(photo: PhotoView, name: str) -> str:
    label, text = count(photo.faces, "face") if photo.faces else "no face", escaped_html(name)
    return (
        f'<div class="tile"><img loading="lazy" src="{photo_url(photo.id, 416)}" alt="">'
        f'<span class="count">{label}</span></div><div class="tile-name" title="{text}">{text}</div>'
    )


@st.dialog("Photo", width="large", icon=":material/photo:")
def show_photo(photo_id: int) -> None:
    """The photo with a box around every face, and who they are."""
    with boundary():
        photo, faces = library().photos.get(photo_id), library().faces.of_photo(photo_id)
        st.html(shot_html(photo, faces))
        st.markdown(f"**{escaped_markdown(moments.shown(photo.path))}** · {facts(photo)}")
        st.caption(escaped_markdown(str(Path(photo.path).parent)))
        if faces:
            st.html(faces_html(faces))
        else:
            st.info("No face was found in this photo.", icon=":material/search_off:")
        with st.container(horizontal=True, key="photo-acts"):
            _ignore_background(photo)
            _erase(photo)


def _ignore_background(photo: PhotoView) -> None:
    small = library().faces.background(photo.id)
    if small:
        st.button(
            f"Ignore {count(len(small), 'small face')} in the background",
            icon=":material/visibility_off:",
            type="tertiary",
            key="ignore-background",
            help="Set them aside: you are not asked about them again",
            on_click=_set_aside,
            args=(small,),
        )


@guarded
def _set_aside(faces: list[int]) -> None:
    library().faces.flag(faces, Flag.STRANGER, actor=actor())
    toast(f"{count(len(faces), 'face')} set aside.", icon=":material/visibility_off:")


def _erase(photo: PhotoView) -> None:
    with st.popover("Erase", icon=":material/delete_forever:", type="tertiary"):
        st.markdown(
            f"The photo and its {count(photo.faces, 'face')} are erased from the library, with what was decided "
            "about them and with recognisers that learned from them. The file stays. **This can't be undone.**"
        )
        if st.button("Erase for good", type="primary", key="erase-photo"):
            library().erasing.photos([photo.id], actor=actor())
            st.rerun()


def facts(photo: PhotoView) -> str:
    parts = [f"{photo.width:,} × {photo.height:,} px"]
    if photo.taken_at:
        parts.append(f"taken {photo.taken_at:%d %B %Y, %H:%M}")
    return " · ".join([*parts, count(photo.faces, "face")])


def shot_html(photo: PhotoView, faces: list[FaceView]) -> str:
    """The upright photo; boxes are placed in percent, so that they fit at every size."""
    boxes = "".join(_box_html(photo, face) for face in faces if photo.width and photo.height)
    return f'<div class="shot"><img src="{photo_url(photo.id, DETAIL_PX)}" alt="The photo">{boxes}</div>'


def _box_html(photo: PhotoView, face: FaceView) -> str:
    left, top = 100 * face.box.left / photo.width, 100 * face.box.top / photo.height
    width, height = 100 * face.box.width / photo.width, 100 * face.box.height / photo.height
    name = f"<span>{escaped_html(face.person)}</span>" if face.person else ""
    place = f"left:{left:.2f}%;top:{top:.2f}%;width:{width:.2f}%;height:{height:.2f}%"
    return f'<div class="box" style="{place}">{name}</div>'


def faces_html(faces: list[FaceView]) -> str:
    figures = (
        f'<figure><img src="{face_url(face.id)}" alt=""><figcaption>{_caption(face)}</figcaption></figure>'
        for face in faces
    )
    return f'<div class="faces">{"".join(figures)}</div>'


def _caption(face: FaceView) -> str:
    if face.person:
        return escaped_html(face.person)
    return f"Group {face.cluster}" if face.cluster else "Unnamed"
