"""A photo as large as it goes, with a box around each face: to be named, drawn, moved, resized and removed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from webapp.components.files import as_data, component

_component = component(__file__)


@dataclass(frozen=True, slots=True)
class ShownPhoto:
    """What is drawn. photo: its id; src, large: addresses of the photo, as it is shown at first and when it is
    zoomed; width, height: in pixels; gone: whether its file is.

    faces: as photo_viewer.js says; people: the address of those to choose from, see people_address; without:
    who is on it without a face, as photo_side.js says; adding: whether to ask for one more of them; chosen: the
    face that stands out; naming: whether to ask for its name.
    previous, next: whether there are photos to go to. error: what was wrong with the last name; status: what
    was done, for screen readers. ahead: addresses of pictures to load ahead.
    """

    photo: int
    src: str
    large: str
    width: int
    height: int
    gone: bool
    faces: Sequence[Mapping[str, Any]]
    people: str
    chosen: int | None
    naming: bool
    editable: bool
    previous: bool
    next: bool
    error: str = ""
    status: str = ""
    ahead: Sequence[str] = ()
    without: Sequence[Mapping[str, Any]] = ()
    adding: bool = False


def photo_viewer(shown: ShownPhoto, *, key: str, turn: int, on_act: Callable[[dict[str, Any]], None]) -> None:
    """Draw the photo. turn: another one redraws it; on_act gets what was done in this turn, before the page runs
    again: act, and where they apply face, box, was, person, name, presence."""

    def acted() -> None:
        given = (st.session_state.get(key) or {}).get("acted") or {}
        if given.get("turn") == turn and given.get("photo") == shown.photo:
            on_act(given)

    _component(key=key, data={**as_data(shown), "turn": turn}, on_acted_change=acted)
