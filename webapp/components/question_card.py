"""One question of the queue: faces, their photo, answers with keys, and a box for a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from webapp.components.files import as_data, component

_component = component(__file__)


@dataclass(frozen=True, slots=True)
class Answer:
    """A button. answer: what comes back; keys: in capitals, the first one is shown; kind: primary, plain or quiet;
    person: who is meant; hint: its tooltip; chosen: its label once faces were chosen, where none are at first."""

    answer: str
    label: str
    keys: tuple[str, ...] = ()
    kind: str = "plain"
    person: int | None = None
    hint: str = ""
    chosen: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is drawn. question: its key; place: how far one is. faces, photo, beside: as question_card.js says;
    people: the address of those to choose from, see people_address; selectable: whether faces can be chosen;
    preselected: whether all are at first; naming: whether there is a box for a name; error: what was wrong with
    the last answer; next: addresses of pictures to load ahead; keys: the answer whose key can be chosen, or "", the
    key, and what it does."""

    question: str
    title: str
    reason: str
    place: str
    faces: Sequence[Mapping[str, Any]]
    answers: Sequence[Answer]
    people: str
    photo: Mapping[str, Any] | None = None
    beside: Sequence[Mapping[str, Any]] = ()
    selectable: bool = False
    preselected: bool = True
    naming: bool = True
    error: str = ""
    next: Sequence[str] = ()
    keys: Sequence[tuple[str, str, str]] = ()


def question_card(
    shown: Shown,
    *,
    key: str,
    turn: int,
    on_answer: Callable[[dict[str, Any]], None],
    on_key: Callable[[dict[str, Any]], None],
) -> None:
    """Draw the question. turn: another one redraws it; on_answer gets what was answered in this turn, before the
    page runs again: question, answer, and where they apply left_out, person, name; on_key gets another key that was
    chosen: action, key."""

    def answered() -> None:
        given = (st.session_state.get(key) or {}).get("answered") or {}
        if given.get("turn") == turn:
            on_answer(given)

    def rebound() -> None:
        on_key((st.session_state.get(key) or {}).get("rebound") or {})

    _component(
        key=key, data={**as_data(shown), "turn": turn}, on_answered_change=answered, on_rebound_change=rebound
    )
