"""Decisions as lines, each with an Undo or Redo button."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from webapp.context import library
from webapp.markup import escaped_markdown
from webapp.parts.undo import redo, undo
from webapp.wording import ago

if TYPE_CHECKING:
    from faceid_core.library import EventView

RECENT = 10
"""Decisions that are listed."""


def recent_changes() -> None:
    """The latest decisions of everybody, folded."""
    events = library().journal.recent(RECENT)
    if not events:
        return
    with st.expander("Recent changes", icon=":material/history:", key="recent-changes"):
        for event in events:
            with decision_line(event):
                take_back(event)


def decision_line(event: EventView) -> st.delta_generator.DeltaGenerator:
    """What was decided, when and by whom; returns the row, for buttons at its end."""
    row = st.container(horizontal=True, vertical_alignment="center", key=f"decision-{event.id}")
    text = escaped_markdown(event.summary)
    by = [ago(event.at), *([escaped_markdown(event.actor)] if event.actor else [])]
    if event.undone:
        text = f":gray[~~{text}~~]"
        by.append("undone")
    row.markdown(f"{text}  \n:small[:gray[{' · '.join(by)}]]", width="stretch")
    return row


def take_back(event: EventView) -> None:
    """The button that undoes a decision."""
    if not event.undone and library().journal.may_undo(event):
        _button("Undo", "undo", undo, event)


def do_again(event: EventView) -> None:
    """The button that redoes an undone one."""
    if event.undone and library().journal.may_undo(event):
        _button("Redo", "redo", redo, event)


def _button(label: str, icon: str, act: object, event: EventView) -> None:
    st.button(
        label,
        key=f"{icon}-{event.id}",
        icon=f":material/{icon}:",
        type="tertiary",
        on_click=act,  # type: ignore[arg-type]
        args=(event.id,),
    )
