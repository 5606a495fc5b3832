"""How good the groups are, measured against the names that people gave."""

from __future__ import annotations

import streamlit as st

from faceid_core.steps.evaluate import evaluate_clusters
from webapp.context import library
from webapp.feedback import boundary
from webapp.parts.dialog import dialog
from webapp.wording import count, percent


@dialog("How good are the groups?", icon=":material/insights:")
def measured() -> None:
    """Group as if nobody had a name, compare with the names, and show the scores."""
    with boundary():
        with st.spinner("Grouping as if nobody had a name"):
            found = evaluate_clusters(library())
        st.markdown(
            f"All faces were grouped as if none had a name, and the groups were compared with the "
            f"{count(found.faces, 'named face')} of {count(found.people, 'person', 'people')}. "
            "Nothing was changed."
        )
        left, right = st.columns(2)
        left.metric(
            "Grouped correctly", percent(found.pairwise.precision), border=True,
            help="Share of pairs within a group that show the same person (pairwise precision).",
        )  # fmt: skip
        right.metric(
            "Kept together", percent(found.pairwise.recall), border=True,
            help="Share of pairs of the same person that are in one group (pairwise recall).",
        )  # fmt: skip
        left.metric(
            "Overall score", percent(found.bcubed.f), border=True,
            help="How pure and complete the group of a face is on average (BCubed F).",
        )  # fmt: skip
        right.metric(
            "Names needed", f"{found.acts:,}", border=True,
            help=f"One for each person in each group, until every face is named; {found.people:,} at the least.",
        )  # fmt: skip
        st.caption(
            "Faces named as a whole group favour the grouping they came from, so the scores may be optimistic."
        )
