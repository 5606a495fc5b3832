"""Escaped text, the addresses of pictures, and links between pages."""

from __future__ import annotations

import html
import re
import secrets

import streamlit as st

from faceid_core.values import Box
from webapp import context

CACHE_TOKEN = secrets.token_hex(4)
"""Part of every picture's address: browsers keep pictures for as long as this server runs, and no longer."""


# --- text and addresses -------------------------------------------------------------------------------------
_MARKDOWN = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]<>#+-!|~:$"})


_WOULD_LINK = re.compile(r"(?<=www)(?=\.)|(?<=://)|(?=@)", re.IGNORECASE)
WORD_JOINER = "\u2060"
"""Takes no room and can't be seen."""


def escaped_markdown(text: str) -> str:
    """Text that Streamlit's markdown shows as it is: a name like `*Ann* :red[x]` stays just that.

    What looks like an address becomes a link even where its signs are escaped, so WORD_JOINER breaks it up.
    """
    return _WOULD_LINK.sub(WORD_JOINER, text).translate(_MARKDOWN)


def escaped_html(text: str) -> str:
    """Text for an HTML fragment or attribute."""
    return html.escape(text, quote=True)


def on_server(path: str) -> str:
    """The address of `path`, such as /api/counts, on this server: below the public path, where there is one."""
    return context.settings().public_path + path


def face_url(face_id: int, size: int | None = None, *, box: Box | None = None) -> str:
    """Address of a face's portrait on this server; size in px (see portraits.SIDE_PX). box: where it is now, so
    that a browser that knows it from another place asks again."""
    at = "&at=" + "-".join(f"{edge:.0f}" for edge in box.as_tuple()) if box else ""
    return _picture_url("faces", face_id, size) + "&portrait=true" + at


def photo_url(photo_id: int, size: int | None = None) -> str:
    """Address of a photo's upright thumbnail on this server; size is the longer side in px."""
    return _picture_url("photos", photo_id, size)


def _picture_url(kind: str, number: int, size: int | None) -> str:
    return on_server(f"/api/{kind}/{number}.jpg?v={CACHE_TOKEN}" + (f"&size={size}" if size else ""))


def page_link(module: str, label: str, *, icon: str | None = None) -> None:
    """A link to another page by its module's name, such as `page_link("people", "All people")`."""
    page = st.session_state.get("_pages", {}).get(module)
    if page is not None:  # a page that runs alone, in a test, has no navigation to link into
        st.page_link(page, label=label, icon=icon)
