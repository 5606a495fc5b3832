"""Names from and for other programs: import them, list them, write ours beside the photos, undo that."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import streamlit as st

from faceid_core.steps.import_names import Outcome, survey_names
from faceid_core.steps.write_names import write_names
from webapp.context import library
from webapp.feedback import boundary, guarded
from webapp.parts.dialog import dialog
from webapp.parts.menu import close_menu, menu
from webapp.wording import ago, count

if TYPE_CHECKING:
    from faceid_core.library import NamesRunView
    from faceid_core.steps.import_names import FoundName

OUTCOMES = {
    Outcome.TAKEN: "new",
    Outcome.KNOWN: "already here",
    Outcome.DISAGREEING: "other name here",
    Outcome.WITHOUT_FACE: "no matching face",
    Outcome.REFUSED: "can't be used",
}
MOST_ROWS = 2000
"""Rows of the table: a browser shows more only slowly, and the command line lists them all."""

RUNS = 5
MENU = "names-menu"


def names_menu(*, gives: bool) -> None:
    """A button that opens the exchange of names with other programs. gives: whether there are names to write."""
    with menu("Names", icon=":material/badge:", type="tertiary", key=MENU):
        _import_names()
        if gives:
            _write_names_out()


# --- in ---------------------------------------------------------------------------------------------------------
def _import_names() -> None:
    """Import the names that other programs wrote into the photos."""
    st.markdown("**Import names from other programs**")
    st.caption(
        "digiKam, Lightroom, Picasa, Windows Photo Gallery, Google Takeout, Apple Photos and others write names "
        "into photos or into files beside them. Matching faces get these names; names you gave here stay. To get "
        "names from Immich or PhotoPrism, run `faceid names pull`."
    )
    with st.container(horizontal=True):
        st.button(
            "Import names", icon=":material/badge:", key="take-names-now", on_click=_start_import,
            help="You can undo this",
        )  # fmt: skip
        if st.button(
            "Show all names found", icon=":material/list:", key="show-names", type="tertiary", on_click=close_menu,
            args=(MENU,),
        ):  # fmt: skip
            _names_found()


@guarded
def _start_import() -> None:
    close_menu(MENU)
    library().jobs.submit("names", {})


@dialog("Names in your photos", icon=":material/badge:", width="large")
def _names_found() -> None:
    """Every name found, and what importing it would do. Changes nothing."""
    with boundary():
        with st.spinner("Reading the names in your photos"):
            found = survey_names(library()).names
        if not found:
            st.info("No names found in your photos or in files beside them.", icon=":material/info:")
            return
        _table(found)


def _table(found: tuple[FoundName, ...]) -> None:
    counts = Counter(each.outcome for each in found)
    options = [outcome for outcome in OUTCOMES if counts[outcome]]
    chosen = st.pills(
        "Show", options, key="names-shown",
        format_func=lambda outcome: f"{OUTCOMES[outcome]} · {counts[outcome]:,}",
        selection_mode="multi", default=options, label_visibility="collapsed",
    )  # fmt: skip
    shown = [each for each in found if each.outcome in chosen]
    st.dataframe(
        {
            "Name": [each.name or "–" for each in shown[:MOST_ROWS]],
            "Outcome": [OUTCOMES[each.outcome] for each in shown[:MOST_ROWS]],
            "Why": [each.reason for each in shown[:MOST_ROWS]],
            "Photo": [each.photo for each in shown[:MOST_ROWS]],
        },
        hide_index=True,
    )
    if len(shown) > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS:,} of {len(shown):,}; `faceid decisions from-photos --json` lists all.")


# --- out --------------------------------------------------------------------------------------------------------
def _write_names_out() -> None:
    """Write the library's names beside the photos, and undo earlier writings."""
    st.markdown("**Write names for other programs**")
    st.caption(
        "Writes the names into .xmp files beside your photos, where digiKam, Lightroom, Windows Photo Gallery "
        "and others find them. The photos themselves are not changed, whatever other programs wrote stays, and "
        "hidden people are left out."
    )
    with st.container(horizontal=True):
        st.button(
            "Write names", icon=":material/edit_document:", key="write-names-now", on_click=_start_writing,
            help="You can undo this",
        )  # fmt: skip
        preview = st.button("Preview", icon=":material/preview:", key="preview-names", type="tertiary")
    if preview:
        _preview()
    for run in library().written_names.runs(RUNS):
        if not run.undone:
            _run_line(run)


@guarded
def _start_writing() -> None:
    close_menu(MENU)
    library().jobs.submit("write-names", {})


def _preview() -> None:
    with boundary(), st.spinner("Comparing with the files"):
        done = write_names(library(), dry_run=True)
        st.info(f"{done.in_words()}.", icon=":material/preview:")
        problems = [*done.conflicts, *done.failures]
        if problems:
            st.dataframe(
                {
                    "Name": [each.name or "–" for each in problems[:MOST_ROWS]],
                    "Why": [each.reason for each in problems[:MOST_ROWS]],
                    "File": [each.path for each in problems[:MOST_ROWS]],
                },
                hide_index=True,
            )


def _run_line(run: NamesRunView) -> None:
    with st.container(horizontal=True, vertical_alignment="center", border=True, key=f"card-run-{run.id}"):
        st.markdown(f"Written {ago(run.at)} into {count(run.files, 'file')}", width="stretch")
        st.button(
            "Undo", icon=":material/undo:", key=f"undo-names-{run.id}", type="tertiary", on_click=_undo,
            args=(run.id,), help="Put these files back as they were before",
        )  # fmt: skip


@guarded
def _undo(run_id: int) -> None:
    library().jobs.submit("undo-names", {"run": run_id})
