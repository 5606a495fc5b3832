"""The folders whose photos are imported automatically: listed, each with a button to stop watching it."""

from __future__ import annotations

import hashlib

import streamlit as st

from webapp.context import library
from webapp.feedback import guarded, toast
from webapp.markup import escaped_markdown


def watched_folders() -> None:
    """A line for each; nothing where there are none."""
    folders = library().watched.all()
    if not folders:
        return
    st.markdown("**Watched folders**")
    for folder in folders:
        key = hashlib.sha256(folder.path.encode()).hexdigest()[:12]
        with st.container(horizontal=True, vertical_alignment="center", key=f"watched-{key}"):
            drive = " · :gray[network drive]" if folder.poll else ""
            st.markdown(f":material/visibility: {escaped_markdown(folder.path)}{drive}", width="stretch")
            st.button(
                "Stop watching", icon=":material/visibility_off:", type="tertiary", key=f"unwatch-{key}",
                on_click=_stop, args=(folder.path,), help="Photos already imported stay",
            )  # fmt: skip


@guarded
def _stop(path: str) -> None:
    library().watched.remove(path)
    toast("The folder is no longer watched.", icon=":material/visibility_off:")
