"""Home: what is in the library, what to do next, what was decided last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from faceid_core.values import Role
from webapp.context import library, may
from webapp.markup import page_link
from webapp.parts.history import decision_line, take_back
from webapp.parts.job_progress import job_progress
from webapp.parts.next_steps import Step, steps
from webapp.wording import ago, percent

if TYPE_CHECKING:
    from faceid_core.library import Counts

DECISIONS = 8


def page() -> None:
    counts = library().counts()
    if counts.photos:
        st.title("Your library")
        _metrics(counts)
    else:
        _welcome()
    job_progress()
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _next_steps(counts)
    if may(Role.EDITOR):
        with right:
            _decisions()


def _welcome() -> None:
    st.title("Who is in your photos?")
    st.markdown(
        "faceid finds the faces in your photos and groups those of the same person. Name each group once, and "
        "faceid learns to recognise these people in new photos. Nothing leaves this computer."
    )


def _metrics(counts: Counts) -> None:
    with st.container(horizontal=True):
        st.metric("Photos", f"{counts.photos - counts.failed:,}", border=True)
        st.metric("Faces", f"{counts.faces:,}", border=True)
        st.metric("Groups", f"{counts.clusters:,}", border=True)
        st.metric("People", f"{counts.people:,}", border=True)
        st.metric("Unnamed faces", f"{counts.unnamed:,}", border=True)
        st.metric("Recogniser", _recogniser(counts), border=True, help="Share of test faces named correctly")


def _recogniser(counts: Counts) -> str:
    if not counts.models:
        return "none yet"
    return percent(library().models.latest().metrics.get("accuracy"))


# --- what to do next --------------------------------------------------------------------------------------------
def _next_steps(counts: Counts) -> None:
    st.subheader("What to do next")
    trained = ago(library().models.latest().at) if counts.models else ""
    way = [step for step in steps(counts, trained=trained) if may(step.need)]
    current = next(index for index, step in enumerate(way) if not step.done)
    for index, step in enumerate(way):
        _step(step, index + 1, is_current=index == current)


def _step(step: Step, number: int, *, is_current: bool) -> None:
    with st.container(border=is_current, key=f"card-next-{number}" if is_current else f"step-{number}"):
        if step.done:
            st.markdown(f":primary[:material/check_circle:] **{step.title}**  \n:gray[{step.sentence}]")
            return
        icon = ":primary[:material/arrow_circle_right:]" if is_current else ":gray[:material/circle:]"
        st.markdown(f"{icon} **{step.title}**  \n{step.sentence if is_current else f':gray[{step.sentence}]'}")
        if is_current:
            page_link(step.module, step.link, icon=":material/arrow_forward:")


# --- what was decided -------------------------------------------------------------------------------------------
def _decisions() -> None:
    st.subheader("Recent decisions")
    events = library().journal.recent(DECISIONS)
    if not events:
        st.caption("Your decisions appear here, and you can undo them.")
        return
    for event in events:
        with decision_line(event):
            take_back(event)
    page_link("history", "All decisions", icon=":material/history:")
