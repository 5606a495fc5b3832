"""Which photos to show: by name, by who is in them and who is not, by day and by folder."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from faceid_core.library import PhotoQuery
from faceid_core.values import EARLIEST, PhotoStatus, Role
from webapp.context import library, may
from webapp.wording import count


def photo_filter(status: PhotoStatus, *, on_change: Callable[[], None]) -> PhotoQuery:
    """The search field and, in a popover, the other conditions; on_change is called before a new query is shown."""
    text = st.text_input(
        "Search",
        placeholder="File or folder name" if may(Role.EDITOR) else "File name",
        key="photo-search",
        icon=":material/search:",
        width=280,
        on_change=on_change,
        label_visibility="collapsed",
    )
    chosen = sum(bool(st.session_state.get(key)) for key in KEYS)
    label = f"Filter · {count(chosen, 'condition')}" if chosen else "Filter"
    with st.popover(label, icon=":material/filter_list:", key="photo-conditions"):
        query = _conditions(text.strip(), status, on_change)
        st.button("Clear", icon=":material/close:", disabled=not chosen, on_click=_clear, args=(on_change,))
    return query


KEYS = ("photo-with", "photo-without", "photo-from", "photo-to", "photo-folder", "photo-only")
BLURRED, COPIES, SCREENSHOTS = "Blurred faces", "Copies of other photos", "Screenshots"


def _conditions(text: str, status: PhotoStatus, on_change: Callable[[], None]) -> PhotoQuery:
    names = {person.id: person.name for person in library().people.all()}
    people, without = (
        st.multiselect(
            label,
            list(names),
            format_func=lambda person: names.get(person, "?"),
            key=key,
            placeholder=placeholder,
            on_change=on_change,
        )
        for label, key, placeholder in (
            ("With all of these people", "photo-with", "Anyone"),
            ("Without any of these people", "photo-without", "No one"),
        )
    )
    with st.container(horizontal=True):
        first, last = (
            st.date_input(label, value=None, key=key, min_value=EARLIEST, max_value="today", on_change=on_change)
            for label, key in (("Taken from", "photo-from"), ("Taken until", "photo-to"))
        )
    only = st.pills(
        "Only", [BLURRED, COPIES, SCREENSHOTS], selection_mode="multi", key="photo-only", on_change=on_change,
        help="Blurred: no face on the photo is sharp. Copies: the same picture saved twice; new photos are "
        "compared within a minute. “Name faces” asks which of them to keep. Screenshots: by their files' names.",
    )  # fmt: skip
    folder = _folder(on_change) if may(Role.OWNER) else ""
    return PhotoQuery(
        people=tuple(people),
        without=tuple(without),
        taken_from=first,
        taken_to=last,
        folder=folder.strip() or None,
        text=text or None,
        status=status,
        blurred=BLURRED in only,
        copies=COPIES in only,
        screenshots=SCREENSHOTS in only,
    )


def _folder(on_change: Callable[[], None]) -> str:
    """Where photos lie on this machine is the owner's business."""
    return st.text_input(
        "In this folder or its subfolders", key="photo-folder", max_chars=4096, on_change=on_change
    )


def _clear(on_change: Callable[[], None]) -> None:
    for key in KEYS:
        st.session_state.pop(key, None)
    on_change()
