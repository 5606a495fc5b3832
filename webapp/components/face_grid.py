"""A grid of faces to look at and choose from: click, shift-click, drag or keys; hundreds without lag.

A components-v2 component: no frame, no build step. It draws from data alone (text is set as text, never as HTML);
crops come from the server by address, so the browser loads what is in view and keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from faceid_core.values import LOW_QUALITY, Role
from faceid_core.vision.quality import weaknesses
from webapp.components.files import component
from webapp.context import may
from webapp.markup import face_url

if TYPE_CHECKING:
    from faceid_core.library import FaceView


@dataclass(frozen=True, slots=True)
class Note:
    """What else to say of a face: short, written on it instead of a name; long, a sentence in its tooltip."""

    short: str = ""
    long: str = ""


NO_NOTE = Note()

_component = component(__file__)


def face_grid(
    faces: Sequence[FaceView],
    *,
    key: str,
    label: str = "Faces",
    selectable: bool = True,
    preselected: Sequence[int] = (),
    names: bool = True,
    notes: Mapping[int, Note] | None = None,
    tile: str = "6.5rem",
    on_open: Callable[[int, int], None] | None = None,
) -> list[int]:
    """Draw the faces; the ids of the selected ones, in the order of `faces`.

    preselected: what is selected when the grid of this key first appears. A face that leaves the grid leaves the
    selection. names: write the name on faces that have one. notes: what else to say of faces, by their ids. tile:
    smallest width of a face, in CSS units. on_open: gets the ids of the photo and the face when a face's corner is
    clicked, or, without `selectable`, the face. Whoever may only look selects nothing.
    """
    result = pick_grid(
        [face_data(face, named=names, note=(notes or {}).get(face.id, NO_NOTE)) for face in faces],
        key=key, label=label, selectable=selectable, preselected=preselected, tile=tile,
        openable=on_open is not None,
    )  # fmt: skip
    photos = {face.id: face.photo_id for face in faces}
    if on_open is not None and result.opened in photos:
        on_open(photos[result.opened], result.opened)
    return [face.id for face in faces if face.id in result.chosen]


@dataclass(frozen=True, slots=True)
class Picked:
    """chosen: ids of the selected tiles; opened: of the one that was just opened."""

    chosen: frozenset[int]
    opened: int | None


def pick_grid(
    items: Sequence[Mapping[str, Any]],
    *,
    key: str,
    label: str,
    noun: tuple[str, str] = ("face", "faces"),
    selectable: bool = True,
    preselected: Sequence[int] = (),
    tile: str = "6.5rem",
    ratio: str = "1",
    openable: bool = False,
) -> Picked:
    """Pictures of any kind to choose from, see `face_grid`. items: as `face_data` gives them; noun: one and several
    of them; ratio: width to height of a tile."""
    selectable = selectable and may(Role.EDITOR)
    result = _component(
        key=key,
        data={
            "faces": list(items),
            "selected": _state(key).get("selected", list(preselected)),
            "selectable": selectable,
            "openable": openable,
            "label": label,
            "noun": list(noun),
            "tile": tile,
            "ratio": ratio,
        },
        default={"selected": list(preselected)},
        on_selected_change=_nothing,
        on_opened_change=_nothing,
    )
    return Picked(frozenset(result.selected or ()) if selectable else frozenset(), result.opened)


def face_data(face: FaceView, *, named: bool = True, note: Note = NO_NOTE) -> dict[str, Any]:
    """What the browser needs to draw one face."""
    return {
        "id": face.id,
        "src": face_url(face.id, box=face.box),
        "name": note.short or (face.person if named else None),
        "low": _flaw(face) if face.quality < LOW_QUALITY else None,
        "title": ". ".join(part for part in (describe(face), note.long) if part),
    }


def describe(face: FaceView) -> str:
    """Such as "Ada, group 3, quality 32% (blurred)": the tooltip, and what a screen reader says."""
    parts = [face.person or "Unnamed face"]
    if face.cluster:
        parts.append(f"group {face.cluster}")
    weak = weaknesses(face.quality_parts)
    reason = f" ({', '.join(weak)})" if weak else ""
    return ", ".join([*parts, f"quality {100 * face.quality:.0f}%{reason}"])


def _flaw(face: FaceView) -> str:
    """The worst of what makes it hard to recognise, in a word or two."""
    return next(iter(weaknesses(face.quality_parts)), "low quality")


def selection(key: str, shown: Sequence[int]) -> list[int]:
    """What is selected in the grid of this key, of the faces that it shows; also in a callback."""
    chosen = set(_state(key).get("selected") or ())
    return [face for face in shown if face in chosen]


def _state(key: str) -> dict[str, Any]:
    return dict(st.session_state.get(key) or {})


def _nothing() -> None:
    """Streamlit wants a callback for every value that comes back."""
