"""The page Faces: name groups, name single faces, bring back faces that were set aside."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from faceid_core.library import DrawnFaces
from faceid_core.steps import ask
from faceid_core.values import LOW_QUALITY, Flag, Role
from webapp.components.cards import Card, cards
from webapp.components.face_grid import face_grid, selection
from webapp.components.name_box import clear
from webapp.context import library, may
from webapp.feedback import guarded
from webapp.markup import face_url
from webapp.parts.blank import blank, nothing_found
from webapp.parts.erase_dialog import erase_dialog
from webapp.parts.evaluation_dialog import measured
from webapp.parts.job_progress import job_progress
from webapp.parts.naming import Target, naming
from webapp.parts.pager import Pager
from webapp.parts.photo_dialog import show_photo
from webapp.parts.regroup import not_grouped, regroup
from webapp.parts.undo import offer_undo, undo_bar
from webapp.wording import count

if TYPE_CHECKING:
    from faceid_core.library import ClusterView, Counts, FaceView, RunView

STRIP_GROUPS = 40
GRID_FACES = 240
SINGLE_FACES = 96
NAMES_SUGGESTED = 4
GROUPS, SINGLES, ASIDE = "Groups", "Single faces", "Set aside"
NAME, FOCUS = "group-name", "group-focus"
ALIKE, BEST = "Similar faces together", "Best quality first"
ORDER_HINTS = {ALIKE: "Similar faces are side by side, the likeliest matches first.", BEST: ""}


def page() -> None:
    counts, run = library().counts(), library().clusters.current()
    _header(counts, run)
    with st.container():  # keeps its place when empty, so that nothing below is redrawn when a job ends
        job_progress("cluster", "import")
    if not counts.faces:
        nothing_found()
    elif run is None:
        not_grouped()
    else:
        views = {GROUPS: _groups, SINGLES: _singles, ASIDE: _aside}
        views[_view()](run)
    undo_bar()


def _header(counts: Counts, run: RunView | None) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Faces")
        if run is not None and st.button("Evaluate", icon=":material/insights:", type="tertiary", key="measure"):
            measured()
        if run is not None:
            regroup()
    if run is not None:
        total = counts.named + counts.unnamed
        st.progress(counts.named / max(total, 1), text=f":gray[{counts.named:,} of {count(total, 'face')} named]")


def _view() -> str:
    return st.segmented_control(
        "Show", [GROUPS, SINGLES, ASIDE], default=GROUPS, required=True, key="clusters-view",
        label_visibility="collapsed",
    )  # fmt: skip


# --- groups -------------------------------------------------------------------------------------------------
def _groups(run: RunView) -> None:
    pager = Pager(f"groups-{run.id}")
    found = library().clusters.page(after=pager.after, limit=STRIP_GROUPS + 1)
    if not found and pager.after is not None:
        pager.first()
        found = library().clusters.page(limit=STRIP_GROUPS + 1)
    if not found:
        _all_named()
        return
    groups = found[:STRIP_GROUPS]
    place = _place(groups)
    st.session_state[FOCUS] = groups[place].number  # so that choosing it again keeps what is typed
    _strip(groups, groups[place].number)
    _focused(run, groups, place, pager, has_more=len(found) > STRIP_GROUPS)


def _all_named() -> None:
    blank(
        "Every group has a name",
        "Answer the remaining questions, or train a recogniser for new photos.",
        icon="task_alt",
        link=("name_faces", "Name faces"),
    )


def _place(groups: list[ClusterView]) -> int:
    """Where the group in focus is; when it has gone, the next one takes its place."""
    wanted = st.session_state.get(FOCUS, 0)
    return next((place for place, group in enumerate(groups) if group.number >= wanted), len(groups) - 1)


@guarded
def _focus(number: int) -> None:
    if st.session_state.get(FOCUS) != number:
        clear(NAME)
    st.session_state[FOCUS] = number


def _strip(groups: list[ClusterView], current: int) -> None:
    cards(
        [_card(group) for group in groups],
        key="group-strip",
        label="Groups",
        layout="strip",
        current=current,
        on_choose=_focus,
    )


def _card(group: ClusterView) -> Card:
    hint = f"Group {group.number}: {count(group.unnamed, 'unnamed face')}"
    return Card(group.number, f"{group.unnamed:,}", face_url(group.face_ids[0]), hint=hint)


def _focused(run: RunView, groups: list[ClusterView], place: int, pager: Pager, *, has_more: bool) -> None:
    group = groups[place]
    faces = library().faces.of_cluster(group.number, limit=GRID_FACES, unnamed=True)
    every = library().clusters.faces_as_drawn(run.id, group.number)
    target = Target(
        grid=f"group-{run.id}-{group.number}",
        shown=DrawnFaces.of(faces),
        every=every,
        then=lambda ids: _focus(group.number),
    )
    with st.container(border=True, key="card-group"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(_headline(group), anchor=False)
            st.space("stretch")
            with st.container(horizontal=True, width="content"):  # on a phone both go into the next line
                _steps(groups, place, pager, has_more=has_more)
        naming(target, key=NAME, suggestions=[name for name, _ in group.people[:NAMES_SUGGESTED]], focus=True)
        face_grid(faces, key=target.grid, label=f"Faces of group {group.number}", on_open=show_photo)
        if len(every.ids) > len(faces):
            st.caption(
                f"Showing the {len(faces):,} clearest of {len(every.ids):,} faces. “Name all” names every one."
            )


def _headline(group: ClusterView) -> str:
    named = f" · {group.size - group.unnamed:,} already named" if group.size > group.unnamed else ""
    return f"Group {group.number} :gray[:small[{count(group.unnamed, 'unnamed face')}{named}]]"


def _steps(groups: list[ClusterView], place: int, pager: Pager, *, has_more: bool) -> None:
    st.button(
        "Previous", icon=":material/chevron_left:", type="tertiary", key="group-previous", shortcut="P",
        disabled=place == 0 and not pager.has_earlier, on_click=_previous, args=(groups, place, pager),
    )  # fmt: skip
    st.button(
        "Next", icon=":material/chevron_right:", icon_position="right", type="tertiary", key="group-next",
        shortcut="N", disabled=place == len(groups) - 1 and not has_more, on_click=_next,
        args=(groups, place, pager),
    )  # fmt: skip


def _next(groups: list[ClusterView], place: int, pager: Pager) -> None:
    if place + 1 < len(groups):
        _focus(groups[place + 1].number)
    else:
        pager.forward(groups[-1].number)
        _focus(groups[-1].number + 1)


def _previous(groups: list[ClusterView], place: int, pager: Pager) -> None:
    if place > 0:
        _focus(groups[place - 1].number)
    else:
        pager.back()
        _focus(groups[0].number - 1)


# --- faces in no group --------------------------------------------------------------------------------------
def _singles(run: RunView) -> None:
    pager = Pager(f"singles-{run.id}")
    with st.container(horizontal=True, vertical_alignment="center"):
        order = st.segmented_control(
            "Order", list(ORDER_HINTS), default=ALIKE, required=True, key="singles-order", on_change=pager.first,
            label_visibility="collapsed",
        )  # fmt: skip
        poor = st.toggle("Include low-quality faces", key="singles-poor", on_change=pager.first)
    found = _single_faces(order, pager.after, least_quality=0.0 if poor else LOW_QUALITY)
    faces = found[:SINGLE_FACES]
    if not faces:
        pager.first()
        rest = "" if poor else " Low-quality faces are left out."
        blank("No single faces", f"Every unnamed face is in a group.{rest}", icon="task_alt")
        return
    st.caption(f"These faces aren't in any group. Select those you know. {ORDER_HINTS[order]}")
    target = Target(grid=f"singles-{run.id}-{pager.after}", shown=DrawnFaces.of(faces))
    with st.container(border=True, key="card-singles"):
        naming(target, key="single-name")
        face_grid(faces, key=target.grid, label="Single faces", on_open=show_photo)
        pager.buttons(last=faces[-1].id, has_more=len(found) > SINGLE_FACES)


def _single_faces(order: str, after: int | None, *, least_quality: float) -> list[FaceView]:
    """One more than a page shows."""
    if order == BEST:
        return library().faces.singles(after, SINGLE_FACES + 1, least_quality=least_quality)
    with st.spinner("Comparing faces", show_time=False):
        return ask.singles(library(), after, SINGLE_FACES + 1, least_quality=least_quality)


# --- faces that were set aside ------------------------------------------------------------------------------
def _aside(_: RunView) -> None:
    kinds = ((Flag.STRANGER, "Ignored faces"), (Flag.NOT_A_FACE, "Not faces"), (Flag.HIDDEN, "Hidden faces"))
    flagged = {flag: library().faces.with_flag(flag) for flag, _ in kinds}
    if not any(flagged.values()):
        blank(
            "Nothing set aside",
            "Faces that you ignore or hide appear here. You can bring them back at any time.",
            icon="inventory_2",
        )
    for flag, title in kinds:
        if flagged[flag]:
            _bring_back(flag, title, flagged[flag])


def _bring_back(flag: Flag, title: str, ids: list[int]) -> None:
    faces = library().faces.get_many(ids[-GRID_FACES:][::-1])
    drawn, key = DrawnFaces.of(faces), f"aside-{flag.value}"
    shown = drawn.ids
    with st.container(border=True, key=f"card-{key}"):
        chosen = len(selection(key, shown))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(f"{title} :gray[:small[{count(len(ids), 'face')}]]", anchor=False)
            st.button(
                f"Bring back {chosen:,}" if chosen else "Bring back",
                icon=":material/undo:",
                disabled=not chosen,
                key=f"{key}-back",
                on_click=_unflag,
                args=(key, drawn),
            )
            if may(Role.OWNER) and st.button(
                "Erase", icon=":material/delete_forever:", disabled=not chosen, key=f"{key}-erase"
            ):
                _ask_to_erase(selection(key, shown), drawn)
        face_grid(faces, key=key, label=title, on_open=show_photo)


def _ask_to_erase(ids: Sequence[int], drawn: DrawnFaces) -> None:
    erase = partial(library().erasing.faces, ids, drawn=drawn)
    gone = erase(preview=True)
    trace = partial(library().erasing.trace, faces=ids)
    erase_dialog(f"**{count(gone.faces, 'face')}**", gone, partial(erase, seen=gone), trace=trace)


@guarded
def _unflag(key: str, drawn: DrawnFaces) -> None:
    chosen = selection(key, drawn.ids)
    offer_undo(library().faces.flag(chosen, Flag.NONE, drawn=drawn))
