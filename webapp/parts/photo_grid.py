"""Photos as tiles of a grid."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING

import streamlit as st

from faceid_core import frame_path
from webapp.components.cards import Card, cards
from webapp.markup import photo_url
from webapp.parts.photo_dialog import show_photo
from webapp.wording import count

if TYPE_CHECKING:
    from faceid_core.library import PhotoQuery, PhotoView

_OPENED = "_opened_photo"
"""The photo that was clicked, until all is drawn."""


def photo_grid(photos: Iterable[PhotoView], *, query: PhotoQuery | None = None) -> None:
    """Tiles that open the photo when they are clicked. query: the search that
    gave the photos, for going on from one to the next; months are headed where it asks for their order."""
    by_month, shown = query is not None and query.by_date, list(photos)
    for month, some in groupby(shown, _month if by_month else lambda _: ""):
        if month:
            st.markdown(f"#### {month}")
        cards(
            [_card(photo) for photo in some], key=f"photo-grid-{month or 'all'}", layout="photos",
            label=f"Photos of {month}" if month else "Photos", on_choose=_open,
        )  # fmt: skip
    # Once all is drawn: what is done in the photo must not meet a page that is at work.
    if st.session_state.get(_OPENED) in {photo.id for photo in shown}:
        show_photo(st.session_state.pop(_OPENED), query=query)


def _open(photo_id: int) -> None:
    st.session_state[_OPENED] = photo_id


def _month(photo: PhotoView) -> str:
    return f"{photo.taken_at:%B %Y}" if photo.taken_at else "Without a date"


def _card(photo: PhotoView) -> Card:
    name = frame_path.shown(photo.path)
    detail = count(photo.faces, "face") if photo.faces else "no face"
    return Card(photo.id, name, photo_url(photo.id, 416), detail, hint=f"Open {name}")
