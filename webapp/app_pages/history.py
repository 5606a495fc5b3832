"""History: every decision and grouping, newest first; each can be undone, alone or with all after it."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import streamlit as st

from faceid_core.values import Role
from webapp.context import library, may
from webapp.feedback import guarded, toast
from webapp.markup import escaped_markdown, on_server
from webapp.parts.blank import blank
from webapp.parts.dialog import dialog
from webapp.parts.history import decision_line, do_again, take_back
from webapp.parts.pager import Pager
from webapp.parts.undo import withdraw
from webapp.wording import count, day

if TYPE_CHECKING:
    from faceid_core.library import EventView

PER_PAGE = 40
_TAKEN = "_history_taken"


def page() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("History")
        if may(Role.OWNER):
            _audit_button()
    st.markdown("Every decision and grouping, newest first. Anything you undo can be redone.")
    _forward_again()
    pager = Pager("history")
    events = library().journal.recent(PER_PAGE + 1, before=pager.after, actor=_by_whom(pager))
    if not events:
        blank("No decisions yet", "Name a group of faces, and it will appear here.", icon="history")
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


def _by_whom(pager: Pager) -> str | None:
    """Whose decisions to show, None for everybody's; asked as soon as there is a choice."""
    names = library().journal.actors()
    if len(names) < 2:
        return None
    return st.selectbox(
        "By", names, index=None, placeholder="By anyone", key="history-by", on_change=pager.first, width=280,
        label_visibility="collapsed",
    )  # fmt: skip


def _audit_button() -> None:
    told = "Who did what, and when, as a table"
    st.link_button("Audit as CSV", on_server("/api/audit.csv"), icon=":material/download:", help=told)


def _back_to(event: EventView, *, disabled: bool) -> None:
    if event.undone or not may(Role.OWNER):
        return
    if st.button(
        "Go back to here",
        key=f"back-{event.id}",
        icon=":material/settings_backup_restore:",
        type="tertiary",
        help="Undo everything after this decision",
        disabled=disabled,
    ):
        _ask(event, library().journal.later(event.id))


@dialog("Go back to here?", icon=":material/settings_backup_restore:")
def _ask(event: EventView, later: int) -> None:
    st.markdown(
        f"**{count(later, 'decision')}** made after “{escaped_markdown(event.summary)}” will be undone. "
        "You can redo them afterwards."
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        kept = st.button("Cancel", key="back-no")
        gone = st.button(
            f"Undo {count(later, 'decision')}",
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
    taken = library().journal.undo_to(event_id)
    st.session_state[_TAKEN] = [event.id for event in taken]


def _forward_again() -> None:
    taken: list[int] = st.session_state.get(_TAKEN, [])
    if not taken:
        return
    with st.container(horizontal=True, vertical_alignment="center", border=True, key="card-forward"):
        st.markdown(f":material/check_circle: {count(len(taken), 'decision')} undone.", width="stretch")
        st.button("Redo", icon=":material/redo:", key="forward", on_click=_go_forward, args=(taken,))


@guarded
def _go_forward(taken: list[int]) -> None:
    st.session_state.pop(_TAKEN, None)
    again = library().journal.redo_all(taken)
    toast(f"{count(len(again), 'decision')} redone.", icon=":material/redo:")
