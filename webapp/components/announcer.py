"""Says to screen readers what an act did."""

from __future__ import annotations

from webapp.components.files import component

_component = component(__file__)


def announcer(turn: int, text: str) -> None:
    """Draw it, once a page. turn: with another one, the sentence is spoken again even if its words are the same."""
    _component(key="announcer", data={"turn": turn, "text": text})
