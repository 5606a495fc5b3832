"""Says to screen readers what an act did."""

from __future__ import annotations

from webapp.components.files import component

_component = component(__file__)


def announcer(turn: int, text: str) -> None:
    """Draw it, once a page. turn: another one is another sentence, be it the same in words."""
    _component(key="announcer", data={"turn": turn, "text": text})
