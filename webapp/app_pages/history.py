"""History: every decision and grouping, newest first; each can be taken back, alone or with all after it."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import streamlit as st

from webapp.context import actor, library
from webapp.feedback import guarded, toast
from webapp.markup import escaped_markdown
from webapp.parts.history import decision_line, do_again, take_back
from webapp.parts.pager import Pager
from webapp.parts.undo import withdraw
from webapp.wording import count, day

if TYPE_CHECKING:
    from faceid_core.library import EventView

PER_PAGE = 40
_TAKEN = "_history_taken"


def page() -> None:
    st.title("What was decided")
    st.markdown("Every name, merge, removal and grouping. What you take back is not lost: it can be done again.")
    _forward_again()
    pager = Pager("history")
    events = library().journal.recent(PER_PAGE + 1, before=pager.after)
    if not events:
        st.info("Nothing yet: name a group of faces, and it is noted here.", icon=":material/history:")
        return
    shown = events[:PER_PAGE]
    newest = shown[0].id if pager.after is None else None
    for title, decisions in groupby(shown, lambda event: day(event.at)):
        st.subheader(title)
        for event in decisions:
            with decision_line(event):
                _back_to(event, disabled=event.id == newest)
                do_again(event)
                take_back(event)
    pager.buttons(last=shown[-1].id, has_more=len(events) > PER_PAGE)


def _back_to(event: EventView, *, disabled: bool) -> None:
    if event.undone:
        return
    if st.button(
        "Back to here",
        key=f"back-{event.id}",
        icon=":material/settings_backup_restore:",
        type="tertiary",
        help="Take back everything that was decided after this",
        disabled=disabled,
    ):
        _ask(event, library().journal.later(event.id))


@st.dialog("Back to here?", icon=":material/settings_backup_restore:")
def _ask(event: EventView, later: int) -> None:
    st.markdown(
        f"**{count(later, 'decision')}** made after “{escaped_markdown(event.summary)}” will be taken back. "
        "You can do them again afterwards."
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        kept = st.button("Keep them", key="back-no")
        gone = st.button(
            f"Take back {count(later, 'decision')}",
            key="back-yes",
            type="primary",
            on_click=_go_back,
            args=(event.id,),
        )
    if kept or gone:
        st.rerun()


@guarded
def _go_back(event_id: int) -> None:
    withdraw()
    taken = library().journal.undo_to(event_id, actor=actor())
    st.session_state[_TAKEN] = [event.id for event in taken]


def _forward_again() -> None:
    taken: list[int] = st.session_state.get(_TAKEN, [])
    if not taken:
        return
    with st.container(horizontal=True, vertical_alignment="center", border=True, key="card-forward"):
        st.markdown(f":material/check_circle: Took back {count(len(taken), 'decision')}.", width="stretch")
        st.button("Do them again", icon=":material/redo:", key="forward", on_click=_go_forward, args=(taken,))


@guarded
def _go_forward(taken: list[int]) -> None:
    st.session_state.pop(_TAKEN, None)
    again = library().journal.redo_all(taken)
    toast(f"Did {count(len(again), 'decision')} again.", icon=":material/redo:")
