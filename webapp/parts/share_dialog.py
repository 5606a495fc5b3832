"""Making a link that shows one person or one search to whoever has it."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from faceid_core.errors import FaceIdError
from faceid_core.library import DEFAULT_DAYS, LONGEST_DAYS, PhotoQuery
from webapp.context import library, settings
from webapp.markup import escaped_markdown, on_server
from webapp.parts.dialog import dialog


def link_of(secret: str) -> str:
    """The address to send: of the public name, where there is one, else of the page's own."""
    page = urlsplit(st.context.url or "")
    origin = settings().public_origin or f"{page.scheme}://{page.netloc}"
    return origin + on_server(f"/share/{secret}")


def share_button(query: PhotoQuery, *, name: str | None = None, key: str) -> None:
    """A button that opens the dialog. name: of the person whom the link shows, None for a search."""
    if st.button("Share", icon=":material/share:", key=key, help="Create a link that shows these photos to others"):
        _dialog(query, name)


@dialog("Share", icon=":material/share:")
def _dialog(query: PhotoQuery, name: str | None) -> None:
    share_form(query, name)


def share_form(query: PhotoQuery, name: str | None) -> None:
    """The form and, in its place, the link that was made: it is shown once, as nobody can read it afterwards."""
    place = st.empty()
    with place.container():
        secret = _make(query, name)
    if secret is not None:
        with place.container():
            _show_link(link_of(secret))


def _make(query: PhotoQuery, name: str | None) -> str | None:
    """The secret of the link, once the form was sent."""
    whom = f"photos of **{escaped_markdown(name)}**" if name else "the photos of this search"
    st.markdown(f"Anyone with the link can see {whom} without signing in, including any added later.")
    with st.form("share-form", border=False):
        days = st.number_input("Days until the link expires", 1, LONGEST_DAYS, DEFAULT_DAYS, key="share-days")
        password = st.text_input(
            "Password", type="password", key="share-password", placeholder="None", max_chars=256,
            autocomplete="new-password", help="Optional, at least 8 characters. Send it separately from the link.",
        )  # fmt: skip
        title = st.text_input("Title", key="share-title", placeholder="Shared photos", max_chars=100)
        show_name = bool(name) and st.checkbox("Show the name", key="share-name", help="Instead of the title")
        blur = st.checkbox(
            "Blur everyone else", value=True, key="share-blur",
            help="Only faces that faceid has found can be blurred; check the photos first.",
        )  # fmt: skip
        downloads = st.checkbox(
            "Allow downloads",
            key="share-downloads",
            help="In a larger size. Anything on a screen can be saved anyway.",
        )
        if not st.form_submit_button("Create link", type="primary"):
            return None
    try:
        _, secret = library().shares.add(
            query, title=title, days=days, password=password or None, show_name=show_name,
            blur_others=blur, downloads=downloads,
        )  # fmt: skip
    except FaceIdError as error:
        st.error(escaped_markdown(str(error)), icon=":material/error:")
        return None
    return secret


def _show_link(link: str) -> None:
    st.markdown("Copy this link now; it won't be shown again.")
    st.code(link, language=None, wrap_lines=True)
    st.caption("The Sharing page lists all links; remove one there and it stops working.")
