"""A box to type a new name or pick a person, with faces beside the suggestions.

st.selectbox(accept_new_options=True) drops typed text when the focus leaves it, so that typing a name and clicking
"Name" would name nobody; this box keeps it.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from webapp.components.files import component

_component = component(__file__)


def name_box(
    people: str,
    *,
    key: str,
    label: str = "Name",
    placeholder: str = "Type a name",
    focus: bool = False,
    on_enter: Callable[[str], None] | None = None,
) -> str:
    """Draw the box; what is in it. on_enter gets the text when Enter is pressed, before the page runs again.

    people: the address of those whom it offers, see people_address. focus: put the cursor into the box when it
    first appears.
    """
    text = typed(key)

    def entered() -> None:
        entry = (st.session_state.get(key) or {}).get("entered") or {}
        if on_enter is not None and entry.get("revision") == _revision(key):
            on_enter(str(entry.get("text", "")))

    _component(
        key=key,
        data={
            "people": people,
            "label": label,
            "placeholder": placeholder,
            "revision": _revision(key),
            "error": _complaint(key, text),
            "text": text,
            "focus": focus if _revision(key) == 0 else st.session_state.get(f"{key}-focus") == _revision(key),
        },
        on_typed_change=lambda: None,
        on_entered_change=entered,
    )
    return text


def typed(key: str) -> str:
    """What is in the box of this key, also before it is drawn."""
    entry = (st.session_state.get(key) or {}).get("typed") or {}
    return str(entry.get("text", "")) if entry.get("revision") == _revision(key) else ""


def clear(key: str, *, focus: bool = False) -> None:
    """Empty the box; focus: put the cursor into it, for the next name."""
    revision = st.session_state[f"{key}-revision"] = _revision(key) + 1
    if focus:
        st.session_state[f"{key}-focus"] = revision


def blame(key: str, text: str, sentence: str) -> None:
    """Show under the box why this text can't be used, for as long as it is in there."""
    st.session_state[f"{key}-error"] = (text, sentence)


def _complaint(key: str, text: str) -> str | None:
    wrong, sentence = st.session_state.get(f"{key}-error", (None, None))
    return sentence if wrong == text else None


def _revision(key: str) -> int:
    return int(st.session_state.get(f"{key}-revision", 0))
