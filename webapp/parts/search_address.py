"""The search for photos in the page's address: to be shared, kept, and gone back to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any

import streamlit as st

from faceid_core.values import Role
from webapp.context import may
from webapp.wording import number_in

KEYS = {
    "q": "photo-search",
    "with": "photo-with",
    "without": "photo-without",
    "from": "photo-from",
    "to": "photo-to",
    "month": "photo-month",
    "folder": "photo-folder",
    "camera": "photo-camera",
    "tag": "photo-tag",
    "only": "photo-only",
    "by": "photo-order",
}
"""Name in the address -> key of the field."""

DEFAULTS = {"by": "import"}
"""What a field holds that the address leaves out."""

_SHOWN = "_photo_address"

Address = dict[str, str]


def read(known: Mapping[str, Collection[Any]], on_change: Callable[[], None]) -> None:
    """Put the address into the fields when the page is opened, and when the address is another one, as by Back; a
    page that is opened without one gets the search of before. known: what may be in fields with a choice."""
    given = {name: value for name, value in st.query_params.items() if name in KEYS}
    before: Address = st.session_state.get(_SHOWN, {})
    is_new = KEYS["q"] not in st.session_state
    if given == before and not is_new:
        return
    wanted = given or before if is_new else given
    fill(wanted, known)
    if wanted != before:
        on_change()


def fill(address: Address, known: Mapping[str, Collection[Any]]) -> None:
    """Put this address into the fields."""
    for name, key in KEYS.items():
        st.session_state[key] = _parsed(name, address.get(name, ""), known.get(name, ()))


def write() -> None:
    """Put the fields into the address."""
    found = {name: _worded(st.session_state.get(key)) for name, key in KEYS.items()}
    wanted = {name: text for name, text in found.items() if text and text != DEFAULTS.get(name)}
    st.session_state[_SHOWN] = wanted
    others = {name: value for name, value in st.query_params.items() if name not in KEYS}
    if {**others, **wanted} != st.query_params.to_dict():
        st.query_params.from_dict({**others, **wanted})


def _worded(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return value.strip()
    return ",".join(str(one) for one in value or ())


def _parsed(name: str, text: str, known: Collection[Any]) -> Any:
    """What is no use, as an address may be typed, is left out."""
    if name in ("with", "without"):
        return [number for part in text.split(",") if (number := number_in(part)) in known]
    if name in ("from", "to"):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return None
    if name == "only":
        return [part for part in text.split(",") if part in known]
    if name in ("camera", "tag", "month", "by"):
        return text if text in known else DEFAULTS.get(name)
    return text if name == "q" or may(Role.OWNER) else ""
