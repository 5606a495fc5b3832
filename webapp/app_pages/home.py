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
from webapp.parts.waiting_faces import waiting_faces
from webapp.wording import ago, percent

if TYPE_CHECKING:
    from faceid_core.library import Counts

DECISIONS = 8
NAMING = "name_faces"


def page() -> None:
    counts = library().counts()
    if counts.photos:
        st.title("Your library")
        st.markdown(_numbers(counts))
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
        "faceid finds the faces in your photos and groups them by person. Name each group once, and faceid learns "
        "to recognise those people in new photos. Nothing leaves this computer."
    )


def _numbers(counts: Counts) -> str:
    kinds = (
        (counts.photos - counts.failed, "photo", "photos"),
        (counts.faces, "face", "faces"),
        (counts.clusters, "group", "groups"),
        (counts.people, "person", "people"),
    )
    known = [f"**{number:,}** {one if number == 1 else many}" for number, one, many in kinds if number]
    if counts.models:
        accuracy = library().models.latest().metrics.get("accuracy")
        known.append(f"recogniser **{percent(accuracy)}** accurate")
    return " :gray[·] ".join(known)


# --- what to do next --------------------------------------------------------------------------------------------
def _next_steps(counts: Counts) -> None:
    st.subheader("What to do next")
    trained = ago(library().models.latest().at) if counts.models else ""
    way = [step for step in steps(counts, trained=trained) if may(step.need)]
    current = next(index for index, step in enumerate(way) if not step.done)
    for index, step in enumerate(way):
        waiting = step.module == NAMING and counts.unnamed > 0 and counts.clusters > 0
        _step(step, index + 1, counts, is_current=waiting or index == current, waiting=waiting)


def _step(step: Step, number: int, counts: Counts, *, is_current: bool, waiting: bool) -> None:
    with st.container(border=is_current, key=f"card-next-{number}" if is_current else f"step-{number}"):
        if step.done and not waiting:
            st.markdown(f":primary[:material/check_circle:] **{step.title}**  \n:gray[{step.sentence}]")
            return
        icon = ":primary[:material/arrow_circle_right:]" if is_current else ":gray[:material/circle:]"
        st.markdown(f"{icon} **{step.title}**  \n{step.sentence if is_current else f':gray[{step.sentence}]'}")
        if waiting:
            waiting_faces(counts)
        if is_current:
            page_link(step.module, step.link, icon=":material/arrow_forward:")


# --- what was decided -------------------------------------------------------------------------------------------
def _decisions() -> None:
    st.subheader("Recent decisions")
    events = library().journal.recent(DECISIONS)
    if not events:
        st.caption("Your decisions will appear here, and you can undo them.")
        return
    for event in events:
        with decision_line(event):
            take_back(event)
    page_link("history", "All decisions", icon=":material/history:")
