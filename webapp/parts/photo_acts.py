"""What is done in the photo viewer: the next photo, a name, a box drawn, moved or taken away, and undo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from faceid_core.errors import BadInput, FaceIdError, InvalidName, NotFound, OutOfDate, TwiceOnPhoto
from faceid_core.library import PhotoQuery
from faceid_core.values import Box, Flag, Presence
from webapp.context import in_words, library
from webapp.feedback import guarded, toast
from webapp.markup import escaped_markdown
from webapp.parts.undo import offer_undo, undo_event

_VIEWING = "_photo_viewing"


@dataclass
class Viewing:
    """Where the viewer is. query: the search that it goes through, None for a photo alone; adding: whether the next
    person without a face is asked for; turn: counts what was drawn; twice: a name that was refused because somebody
    would be on the photo twice; events: what was done here, to be undone by keys."""

    photo: int
    chosen: int | None = None
    query: PhotoQuery | None = None
    naming: bool = False
    adding: bool = False
    error: str = ""
    status: str = ""
    turn: int = 0
    twice: tuple[object, ...] | None = None
    events: list[int] = field(default_factory=list)


def view(photo: int, face: int | None, query: PhotoQuery | None) -> None:
    """Begin with this photo; the face stands out."""
    before = viewing()
    turn = before.turn + 1 if before else 0
    st.session_state[_VIEWING] = Viewing(photo, face, query, turn=turn)


def viewing() -> Viewing | None:
    """Where the viewer is; None where it was never opened."""
    found: Viewing | None = st.session_state.get(_VIEWING)
    return found


@guarded
def act(given: Mapping[str, Any]) -> None:
    """Do what was asked for in the viewer; the sentence of a refusal is shown there, and spoken."""
    at = viewing()
    if at is None or at.photo != given["photo"]:
        return
    at.turn += 1
    at.error = at.status = ""
    if given["act"] not in ("present", "absent"):
        at.adding = False
    try:
        _ACTS[given["act"]](at, given)
    except (BadInput, InvalidName, NotFound, OutOfDate) as error:
        _refuse(at, error)


def _refuse(at: Viewing, error: FaceIdError) -> None:
    at.error = at.status = in_words(error)
    if not at.naming and not at.adding:
        toast(escaped_markdown(at.error), icon=":material/error:")


def _go(at: Viewing, given: Mapping[str, Any]) -> None:
    before, behind = library().photos.beside(at.photo, at.query or PhotoQuery())
    target = behind if given["act"] == "next" else before
    if target is not None:
        at.photo, at.chosen, at.twice = target, None, None
        at.naming = at.adding = False


def _name(at: Viewing, given: Mapping[str, Any]) -> None:
    at.chosen, at.naming = int(given["face"]), True
    person = given.get("person")
    text = library().people.get(int(person)).name if person is not None else str(given.get("name") or "")
    wanted = (at.photo, at.chosen, text)
    once, at.twice = at.twice != wanted, None
    try:
        done = library().people.name_faces([at.chosen], text, once=once)
    except TwiceOnPhoto:
        at.twice = wanted
        raise
    at.naming = False
    _done(at, done)


def _present(at: Viewing, given: Mapping[str, Any]) -> None:
    at.adding = True
    who = int(given["person"]) if given.get("person") is not None else str(given.get("name") or "")
    done = library().tags.add_person([at.photo], who, Presence(given["presence"]))
    at.adding, at.naming = False, False
    _done(at, done)


def _absent(at: Viewing, given: Mapping[str, Any]) -> None:
    at.adding, at.naming = False, False
    _done(at, library().tags.remove_person([at.photo], int(given["person"])))


def _add(at: Viewing, given: Mapping[str, Any]) -> None:
    placed = library().faces.add(at.photo, _box(given["box"]))
    at.chosen, at.naming = placed.face_id, True
    _done(at, placed)


def _move(at: Viewing, given: Mapping[str, Any]) -> None:
    face = int(given["face"])
    _done(at, library().faces.move(face, _box(given["box"]), drawn=_box(given["was"])))
    at.chosen, at.naming = face, False


def _set_aside(at: Viewing, given: Mapping[str, Any]) -> None:
    flag = Flag.NOT_A_FACE if given["act"] == "remove" else Flag.STRANGER
    _done(at, library().faces.flag([int(given["face"])], flag))
    at.chosen, at.naming = None, False


def _undo(at: Viewing, _: Mapping[str, Any]) -> None:
    at.naming = at.adding = False
    if not at.events:
        at.status = "Nothing to undo here."
        toast(at.status, icon=":material/info:")
        return
    at.status = undo_event(at.events.pop())


def _done(at: Viewing, done: Any) -> None:
    offer_undo(done)
    at.twice = None
    if done.event is not None:
        at.events.append(done.event.id)
        at.status = done.event.summary


def _box(edges: Any) -> Box:
    return Box(*(float(edge) for edge in edges))


_ACTS = {
    "next": _go,
    "previous": _go,
    "name": _name,
    "add": _add,
    "present": _present,
    "absent": _absent,
    "move": _move,
    "remove": _set_aside,
    "ignore": _set_aside,
    "undo": _undo,
}
