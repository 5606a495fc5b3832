"""Group the faces again, stricter or looser, with the error to expect."""

from __future__ import annotations

import streamlit as st

from faceid_core import strictness
from webapp.state import guarded, library, toast

PLACES = {
    -2: "Fewest groups",
    -1: "Fewer groups",
    0: "Balanced",
    1: "Fewer mixed groups",
    2: "Fewest mixed groups",
}
SLIDER = "strictness"


def regroup() -> None:
    """A button that opens the slider."""
    with st.popover("Group again", icon=":material/refresh:", type="tertiary"):
        st.markdown("Puts all faces into groups anew. Names, and what you set aside, stay as they are.")
        place = st.select_slider(
            "Fewer groups, or fewer mixed ones?", list(PLACES), value=0, format_func=PLACES.__getitem__, key=SLIDER
        )
        st.caption(promise(place))
        st.button("Group the faces", type="primary", key="group-again", on_click=group_again, args=(place,))


def promise(place: int) -> str:
    """What to expect at a place of the slider, in words."""
    mixed, scattered = (
        round(1000 * share) for share in (strictness.expected(place).mixed, strictness.expected(place).scattered)
    )
    return (
        f"On a public test set of press photos, {mixed} of 1,000 faces in a group were somebody else, and "
        f"{scattered} of 1,000 faces of a person were outside their group. Your photos may differ."
    )


@guarded
def group_again(place: int = 0) -> None:
    library().jobs.submit("cluster", {"strictness": place})
    toast("The faces are being grouped.", icon=":material/workspaces:")
