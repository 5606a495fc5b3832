"""Offers to search photos again that a different face detector searched."""

from __future__ import annotations

import streamlit as st

from webapp.context import library
from webapp.feedback import guarded
from webapp.wording import count

JOB = {"paths": [], "searched_otherwise": True}


def search_again() -> None:
    """Nothing where all photos were searched by the current detector."""
    current = library()
    if not (number := current.photos.number_searched_otherwise(current.settings.detector)):
        return
    photos = count(number, "photo")
    with st.container(border=True, key="search-again"):
        st.markdown(
            f":material/person_search: **There may be more faces in {photos}.** A different face detector was "
            "used for them. Searching again finds what it missed, such as small faces. Names stay with their faces."
        )
        st.button(
            f"Search {photos} again", icon=":material/refresh:", key="search-again-now", on_click=_start,
            help="Runs in the background and can be stopped; your files are only read",
        )  # fmt: skip


@guarded
def _start() -> None:
    library().jobs.submit("import", JOB)
