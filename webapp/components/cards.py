"""Cards with a picture: a strip to move along (groups), or a grid to open from (people, photos)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import streamlit as st

from webapp.components.files import component

_component = component(__file__)


@dataclass(frozen=True, slots=True)
class Card:
    """src: the picture's address, None for head and shoulders. hint: the tooltip, if it says more than the
    title."""

    id: int
    title: str
    src: str | None = None
    detail: str = ""
    hint: str | None = None


def cards(
    shown: Sequence[Card],
    *,
    key: str,
    label: str,
    on_choose: Callable[[int], None],
    layout: Literal["grid", "strip", "photos"] = "grid",
    current: int | None = None,
) -> None:
    """Draw the cards; on_choose gets the id of one that is clicked, before the page runs again."""

    def chosen() -> None:
        choice = (st.session_state.get(key) or {}).get("chosen")
        if choice is not None and any(card.id == choice for card in shown):
            on_choose(int(choice))

    data = {"cards": [asdict(card) for card in shown], "layout": layout, "current": current, "label": label}
    _component(key=key, data=data, on_chosen_change=chosen)
