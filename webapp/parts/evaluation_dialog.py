"""How good the groups are, measured by the names that people gave."""

from __future__ import annotations

import streamlit as st

from faceid_core.steps.evaluate import evaluate_clusters
from webapp.context import library
from webapp.feedback import boundary
from webapp.wording import count, percent


@st.dialog("How good are the groups?", icon=":material/insights:")
def measured() -> None:
    """Group as if nobody had a name, compare with the names, and show the scores."""
    with boundary():
        with st.spinner("Grouping as if nobody had a name"):
            found = evaluate_clusters(library())
        st.markdown(
            f"All faces were grouped as if none had a name, and the groups compared with the "
            f"{count(found.faces, 'face')} of {count(found.people, 'person', 'people')} that are named. "
            "Nothing was changed."
        )
        left, right = st.columns(2)
        left.metric(
            "Right together", percent(found.pairwise.precision), border=True,
            help="Of all pairs of faces in one group, those that are one person. Pairwise precision.",
        )  # fmt: skip
        right.metric(
            "Found together", percent(found.pairwise.recall), border=True,
            help="Of all pairs of faces of one person, those in one group. Pairwise recall.",
        )  # fmt: skip
        left.metric(
            "Faces in the right company", percent(found.bcubed.f), border=True,
            help="How pure and how complete the group of a face is on average. BCubed F.",
        )  # fmt: skip
        right.metric(
            "Names to give", f"{found.acts:,}", border=True,
            help=f"Until each face has its name: one for each person in each group, {found.people:,} at best.",
        )  # fmt: skip
        st.caption(
            "Faces that were named as a whole group speak for that grouping: the fewer of them, the stricter."
        )
