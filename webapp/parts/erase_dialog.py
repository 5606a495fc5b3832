"""Permanent erasure: the dialog says what will go and asks for a second click."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from faceid_core.errors import FaceIdError
from faceid_core.steps import backups
from webapp.context import in_words, library
from webapp.feedback import toast
from webapp.markup import escaped_markdown
from webapp.parts.dialog import dialog
from webapp.parts.undo import withdraw
from webapp.wording import count

if TYPE_CHECKING:
    from faceid_core.library import ErasedTrace, Erasure


@dialog("Erase permanently", icon=":material/delete_forever:")
def erase_dialog(
    what: str, gone: Erasure, erase: Callable[[], Erasure], *, trace: Callable[[], ErasedTrace]
) -> None:
    """what: the beginning of the sentence, in markdown; gone: what would be erased; erase: erases it, and the page
    is redrawn; trace: tells which backups hold it."""
    models = f", including {count(gone.models, 'recogniser')} trained on them" if gone.models else ""
    st.markdown(
        f"{what} will be erased from the library and its history, along with all data derived from them{models}. "
        "Your photo files stay. **This can't be undone.**"
    )
    known = backups.all_backups(library().settings)
    with_backups = bool(known) and st.checkbox(
        "Also delete the backups that contain them",
        key="erase-backups",
        help=f"faceid checks the {count(len(known), 'backup')} it has made and deletes any that do",
    )
    st.caption(_ON_BACKUPS[bool(known)])
    with st.container(horizontal=True):
        if st.button("Erase permanently", type="primary", key="erase-confirm"):
            erase_now(erase, trace if with_backups else None)
        if st.button("Cancel", key="erase-keep"):
            st.rerun()


_ON_BACKUPS = {
    True: "Backups that you copied elsewhere still contain them; delete those yourself.",
    False: "faceid knows of no backups. Any copies you made elsewhere still contain them.",
}
"""Key: whether a backup that faceid made still exists."""


def erase_now(erase: Callable[[], Erasure], trace: Callable[[], ErasedTrace] | None = None) -> None:
    """Do what was confirmed and redraw the page, or say why not. trace: also delete the backups that hold it."""
    settings = library().settings
    try:
        holding = backups.holding(settings, trace()) if trace is not None else []
        gone = erase()
        if holding:
            backups.delete(settings, holding)
            library().journal.note(f"Deleted {count(len(holding), 'backup')}")
            toast(f"{count(len(holding), 'backup')} deleted, too.")
    except FaceIdError as error:
        st.error(escaped_markdown(in_words(error)), icon=":material/error:")
    else:
        withdraw()
        say_what_remains(gone)
        st.rerun()


def say_what_remains(gone: Erasure) -> None:
    """After an erasure: says so where other programs keep it from being complete."""
    if gone.bytes_remain:
        from faceid_core.library import BYTES_REMAIN

        toast(f"Erased. {BYTES_REMAIN}", icon=":material/warning:")
