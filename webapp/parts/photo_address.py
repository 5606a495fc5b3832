"""The photo that is open, in the page's address."""

from __future__ import annotations

import streamlit as st

from webapp.wording import number_in

PHOTO = "photo"
"""The query parameter: the number of the photo and, after a dash, of the face that it was opened for."""

_SEEN = "_opened_by_address"


def worded(photo: int, face: int | None) -> str:
    """
    >>> worded(12, None), worded(12, 345)
    ('12', '12-345')
    """
    return f"{photo}" if face is None else f"{photo}-{face}"


def parsed(text: str) -> tuple[int, int | None]:
    """The photo and the face. What is no such address, as it may be typed, asks for photo 0, which is nowhere.

    >>> parsed("12-345"), parsed("12"), parsed("twelve")
    ((12, 345), (12, None), (0, None))
    """
    photo, _, face = text.partition("-")
    return number_in(photo) or 0, number_in(face)


def look() -> str:
    """The photo that the address asks for, once: empty where it is the one that was there at the last look."""
    asked, before = st.query_params.get(PHOTO, ""), st.session_state.get(_SEEN, "")
    st.session_state[_SEEN] = asked
    return asked if asked != before else ""
