"""Suggestions: photos of the same moment, of which one is enough to review."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from faceid_core.library import DrawnFaces
from faceid_core.review.near_duplicates import Duplicates
from faceid_core.steps import answer
from webapp.context import library
from webapp.feedback import guarded
from webapp.parts.blank import blank
from webapp.parts.photo_grid import photo_grid
from webapp.parts.undo import offer_undo
from webapp.wording import count

SHOWN = 12


def same_moment(moments: Sequence[Duplicates], place: int, skip: Callable[[], None]) -> None:
    """Ask about the one at this place. skip: draws the button that leads to the next one."""
    if not moments:
        blank("No duplicate moments", "Photos of the same moment appear here.", icon="task_alt")
        return
    moment = moments[place]
    with st.container(border=True, key="card-moment"):
        _question(moment, f"{place + 1:,} of {len(moments):,}", skip)
        st.caption(
            f"The first photo shows everyone who is in the others. “Yes” hides "
            f"{count(len(moment.unnamed), 'unnamed face')} of the others from groups, map and suggestions. "
            "Photos and names stay."
        )
        shown = [moment.best, *moment.others][:SHOWN]
        photo_grid([library().photos.get(photo) for photo in shown], key="-moment")
        if more := len(moment.others) + 1 - len(shown):
            st.caption(f"… and {count(more, 'more photo')}")


def _question(moment: Duplicates, place: str, skip: Callable[[], None]) -> None:
    photos = count(len(moment.others) + 1, "photo")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Do these {photos} show the same moment? :gray[:small[{place}]]", anchor=False)
        st.space("stretch")
        st.button(
            "Yes, one is enough", type="primary", icon=":material/filter_1:", key="moment-yes",
            on_click=_set_aside, args=(moment,), help="You can undo this",
        )  # fmt: skip
        st.button(
            "No, keep all", icon=":material/close:", key="moment-no", on_click=_keep_all, args=(moment,),
            help="You won't be asked again",
        )  # fmt: skip
        skip()


@guarded
def _set_aside(moment: Duplicates) -> None:
    drawn = DrawnFaces.alike(moment.unnamed)
    offer_undo(answer.set_aside(library(), moment, drawn=drawn))


@guarded
def _keep_all(moment: Duplicates) -> None:
    offer_undo(answer.keep_all(library(), moment))
