"""Photos as tiles of a grid."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING

import streamlit as st

from faceid_core import frame_path
from webapp.markup import escaped_html, escaped_markdown, photo_url
from webapp.parts.photo_dialog import show_photo
from webapp.wording import count

if TYPE_CHECKING:
    from faceid_core.library import PhotoQuery, PhotoView


def photo_grid(photos: Iterable[PhotoView], *, key: str = "", query: PhotoQuery | None = None) -> None:
    """Tiles that open the photo when they are clicked. key: tells grids on one page apart; query: the search that
    gave the photos, for going on from one to the next; months are headed where it asks for their order."""
    by_month = query is not None and query.by_date
    opened: list[int] = []
    for month, some in groupby(photos, _month if by_month else lambda _: ""):
        if month:
            st.markdown(f"#### {month}")
        with st.container(key=f"photo-grid{key}-{month or 'all'}"):
            opened += [photo.id for photo in some if photo_tile(photo)]
    for photo_id in opened:  # once all is drawn: what is done in the photo must not meet a page that is at work
        show_photo(photo_id, query=query)


def _month(photo: PhotoView) -> str:
    return f"{photo.taken_at:%B %Y}" if photo.taken_at else "Without a date"


def photo_tile(photo: PhotoView) -> bool:
    """Draw the tile; True when it was clicked."""
    name = frame_path.shown(photo.path)
    with st.container(key=f"tile-{photo.id}"):
        st.html(tile_html(photo, name))
        return st.button(f"Open {escaped_markdown(name)}", key=f"photo-{photo.id}")


def tile_html(photo: PhotoView, name: str) -> str:
    label, text = count(photo.faces, "face") if photo.faces else "no face", escaped_html(name)
    return (
        f'<div class="tile"><img loading="lazy" src="{photo_url(photo.id, 416)}" alt="">'
        f'<span class="count">{label}</span></div><div class="tile-name" title="{text}">{text}</div>'
    )
