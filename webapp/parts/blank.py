"""What a page shows when it has nothing to show: what is missing, and where to get it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from faceid_core.values import Role
from webapp.context import library, may
from webapp.markup import page_link


def blank(
    title: str,
    sentence: str,
    *,
    icon: str,
    link: tuple[str, str] | None = None,
    button: tuple[str, Callable[[], None]] | None = None,
) -> None:
    """link: (page module, label). button: (label, what it does)."""
    with st.container(border=True, key="card-blank", horizontal_alignment="center", gap="small"):
        st.space("small")
        st.markdown(f"## :gray[:material/{icon}:]", text_alignment="center")
        st.markdown(f"**{title}**", text_alignment="center")
        st.markdown(f":gray[{sentence}]", text_alignment="center", width=460)
        if button:
            st.button(button[0], type="primary", on_click=button[1], key="blank-button")
        if link:
            page_link(link[0], link[1], icon=":material/arrow_forward:")
        st.space("small")


def nothing_found() -> None:
    """Shown while no photo has a face."""
    if not may(Role.OWNER):
        blank("No faces yet", "Ask an owner of this library to import photos.", icon="add_photo_alternate")
        return
    blank(
        "No faces yet",
        "Import photos first. faceid finds the faces in them and groups those of the same person.",
        icon="add_photo_alternate",
        link=("photos", "Import photos"),
    )


def no_recogniser(sentence: str) -> None:
    """Nothing is trained, perhaps as there is nothing to learn from. sentence: what a recogniser would be good for
    here."""
    if not library().counts().faces:
        nothing_found()
    elif may(Role.OWNER):
        blank("No recogniser yet", sentence, icon="model_training", link=("train", "Train a recogniser"))
    else:
        blank("No recogniser yet", "Ask an owner of this library to train one.", icon="model_training")
