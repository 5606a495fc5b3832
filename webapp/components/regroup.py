"""Group the faces again, stricter or looser, with the error to expect; and how good the present groups are."""

from __future__ import annotations

import streamlit as st

from faceid_core import assessing, strictness
from faceid_core.errors import FaceIdError
from webapp.state import escaped_markdown, guarded, library, toast
from webapp.wording import count

PLACES = {
    -2: "Fewest groups",
    -1: "Fewer groups",
    0: "Balanced",
    1: "Fewer mixed groups",
    2: "Fewest mixed groups",
}
SLIDER, CHECK = "strictness", "check-groups"


def regroup() -> None:
    """A button that opens the slider."""
    with st.popover("Group again", icon=":material/refresh:", type="tertiary"):
        st.markdown("Puts all faces into groups anew. Names, and what you set aside, stay as they are.")
        place = st.select_slider(
            "Fewer groups, or fewer mixed ones?", list(PLACES), value=0, format_func=PLACES.__getitem__, key=SLIDER
        )
        st.caption(promise(place))
        st.button("Group the faces", type="primary", key="group-again", on_click=group_again, args=(place,))
        _how_good()


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


def _how_good() -> None:
    if not st.toggle("How good are the groups now?", key=CHECK):
        return
    try:
        found = assessing.assess(library())
    except FaceIdError as error:
        st.caption(escaped_markdown(str(error)))
        return
    st.markdown(
        f"By {count(found.faces, 'face')} of {count(found.people, 'person', 'people')} that people named here: "
        f"**{found.bcubed.precision:.1%}** of a face's group are the same person, "
        f"**{found.bcubed.recall:.1%}** of a person are in one group, and "
        f"{count(found.acts, 'act')} would name them all."
    )
    st.caption(
        f"{found.alone:,} of these faces were named one by one. The others got their name with their group, so "
        "that the groups look better than they may be."
    )
