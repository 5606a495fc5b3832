"""Erasing for good: the dialog says what will go and asks for a second click."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from faceid_core.errors import FaceIdError
from webapp.context import in_words
from webapp.feedback import toast
from webapp.markup import escaped_markdown
from webapp.parts.undo import withdraw
from webapp.wording import count

if TYPE_CHECKING:
    from faceid_core.library import Erasure


@st.dialog("Erase for good", icon=":material/delete_forever:")
def erase_dialog(what: str, gone: Erasure, erase: Callable[[], Erasure]) -> None:
    """what: the beginning of the sentence, in markdown; gone: what would go; erase: does it, and the page is drawn
    anew."""
    models = f", including {count(gone.models, 'recogniser')} trained on them" if gone.models else ""
    st.markdown(
        f"{what} will be erased from the library and its history, with all data derived from them{models}. Your "
        "photo files stay. **This can't be undone.** Older backups still contain them."
    )
    with st.container(horizontal=True):
        if st.button("Erase for good", type="primary", key="erase-confirm"):
            erase_now(erase)
        if st.button("Cancel", key="erase-keep"):
            st.rerun()


def erase_now(erase: Callable[[], Erasure]) -> None:
    """Do what was confirmed and draw the page anew, or say why not."""
    try:
        gone = erase()
    except FaceIdError as error:
        st.error(escaped_markdown(in_words(error)), icon=":material/error:")
    else:
        withdraw()
        say_what_remains(gone)
        st.rerun()


def say_what_remains(gone: Erasure) -> None:
    """After an erasure: that others keep it from being complete, where they do."""
    if gone.bytes_remain:
        from faceid_core.library import BYTES_REMAIN

        toast(f"Erased. {BYTES_REMAIN}", icon=":material/warning:")
