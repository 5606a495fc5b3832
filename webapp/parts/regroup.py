"""Group the faces again, stricter or looser, with the error to expect."""

from __future__ import annotations

import streamlit as st

from faceid_core.clustering import strictness
from faceid_core.steps.cluster import cluster_faces
from webapp.context import library
from webapp.feedback import boundary, guarded, toast
from webapp.parts.blank import blank
from webapp.wording import count

PLACES = {
    -2: "Fewest groups",
    -1: "Fewer groups",
    0: "Balanced",
    1: "Fewer mixed groups",
    2: "Fewest mixed groups",
}
SLIDER, PREVIEW = "strictness", "regroup-preview"


def regroup() -> None:
    """A button that opens the slider."""
    with st.popover("Regroup", icon=":material/refresh:", type="tertiary"):
        st.markdown("Groups all faces again. Names and faces set aside stay as they are.")
        place = st.select_slider(
            "Fewer groups or fewer mixed ones?", list(PLACES), value=0, format_func=PLACES.__getitem__, key=SLIDER
        )
        st.caption(promise(place))
        with st.container(horizontal=True):
            st.button("Group faces", type="primary", key="group-again", on_click=group_again, args=(place,))
            if st.button("Preview", key="group-preview"):
                _preview(place)
        if (seen := st.session_state.get(PREVIEW)) and seen[0] == place:
            st.info(seen[1], icon=":material/preview:")


def not_grouped() -> None:
    """There are faces, but no groups."""
    blank(
        "The faces are not grouped yet",
        "Grouping collects faces that look like the same person, so that you can name many at once.",
        icon="workspaces",
        button=("Group faces", group_again),
    )


def _preview(place: int) -> None:
    with boundary(), st.spinner("Grouping without changing anything"):
        report = cluster_faces(library(), strictness=place, preview=True)
        changes = report.changes() or "No face would change groups"
        groups = f"{count(report.clusters, 'group')}, {count(report.single, 'single face')}"
        measured = f" {report.measured.in_words()}." if report.measured else ""
        st.session_state[PREVIEW] = (place, f"{changes}: {groups}.{measured} Nothing was changed.")


def promise(place: int) -> str:
    """What to expect at a place of the slider, in words."""
    mixed, scattered = (
        round(1000 * share) for share in (strictness.expected(place).mixed, strictness.expected(place).scattered)
    )
    return (
        f"On a public test set of press photos, {mixed} of 1,000 faces in a group were someone else, and "
        f"{scattered} of 1,000 faces of a person were outside their group. Your photos may differ."
    )


@guarded
def group_again(place: int = 0) -> None:
    st.session_state.pop(PREVIEW, None)
    library().jobs.submit("cluster", {"strictness": place})
    toast("Grouping the faces.", icon=":material/workspaces:")
