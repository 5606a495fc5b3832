"""Sharing: all links that show photos to others, and the button that ends one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import streamlit as st

from webapp.context import library
from webapp.feedback import guarded, toast
from webapp.markup import escaped_markdown
from webapp.parts.blank import blank
from webapp.wording import count, long_date

if TYPE_CHECKING:
    from faceid_core.library import PhotoQuery, ShareView


def page() -> None:
    st.title("Sharing")
    shares = library().shares.all()
    if not shares:
        blank(
            "Nothing is shared",
            "Open a person or search for photos, then choose Share. Anyone with the link sees only those photos.",
            icon="share",
            link=("people", "People"),
        )
        return
    names = {person.id: person.name for person in library().people.all()}
    st.caption("Anyone with one of these links can see its photos without signing in.")
    for share in shares:
        _link(share, names)


def _link(share: ShareView, names: dict[int, str]) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"card-share-{share.id}"):
        with st.container(gap=None):
            st.markdown(f"**{escaped_markdown(_what(share, names))}**")
            st.markdown(f":gray[{escaped_markdown(' · '.join(_facts(share)))}]")
        st.button(
            "Remove", icon=":material/link_off:", key=f"remove-share-{share.id}",
            on_click=_remove, args=(share.id,),
            help="The link stops working. This can't be undone",
        )  # fmt: skip


def _what(share: ShareView, names: dict[int, str]) -> str:
    what = share.person or f"Photos {', '.join(_conditions(share.query, names))}"
    return f"{what} (“{share.title}”)" if share.title else what


def _conditions(query: PhotoQuery, names: dict[int, str]) -> Iterator[str]:
    for word, people in (("with", query.people), ("without", query.without)):
        if people:
            yield f"{word} {', '.join(names.get(person, 'somebody since removed') for person in people)}"
    if query.taken_from:
        yield f"from {long_date(query.taken_from)}"
    if query.taken_to:
        yield f"until {long_date(query.taken_to)}"
    if query.folder:
        yield f"in {query.folder}"
    if query.text:
        yield f"“{query.text}”"


def _facts(share: ShareView) -> Iterator[str]:
    yield f"link {share.id}"
    yield f"valid until {long_date(share.expires_at)}" if share.is_valid else "no longer valid"
    yield f"opened {count(share.views, 'time')}"
    yield from (
        text
        for wanted, text in (
            (share.password, "with a password"),
            (share.show_name, "with the name"),
            (share.blur_others, "others blurred"),
            (share.downloads, "with downloads"),
        )
        if wanted
    )
    yield f"made by {share.created_by} on {long_date(share.created_at)}"


@guarded
def _remove(share_id: int) -> None:
    library().shares.remove(share_id)
    toast("The link no longer works.", icon=":material/link_off:")
