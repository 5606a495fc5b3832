"""Statistics: photos and people by year, and who is on photos with whom."""

from __future__ import annotations

import streamlit as st

from webapp.context import library
from webapp.parts.blank import blank
from webapp.parts.statistics_charts import people_figure, together_figure, years_figure
from webapp.wording import count

MOST_PEOPLE = 10
"""People who get a colour of their own by year."""

MOST_PAIRS = 80
CONFIG = {"displaylogo": False, "displayModeBar": False}


def page() -> None:
    st.title("Statistics")
    statistics = library().statistics
    years = statistics.by_year()
    people = [person for person in library().people.all() if not person.hidden]
    pairs = [
        pair for pair in statistics.together(MOST_PAIRS) if {pair.one, pair.other} <= {one.id for one in people}
    ]
    if not years and not pairs:
        blank(
            "Nothing to count yet",
            "Once photos are imported and people have names, you see here how many there are.",
            icon="monitoring", link=("photos", "Photos"),
        )  # fmt: skip
        return
    if years:
        st.subheader("By year")
        st.plotly_chart(years_figure(years), config=CONFIG, key="by-year")
        if undated := statistics.undated():
            st.caption(f"{count(undated, 'photo')} without a date.")
    top = people[:MOST_PEOPLE]
    if top and years:
        st.subheader("Photos of each person")
        st.plotly_chart(
            people_figure(top, statistics.people_by_year([one.id for one in top])),
            config=CONFIG,
            key="people-by-year",
        )
    if pairs:
        st.subheader("Who with whom")
        st.caption("A larger dot: more photos. A wider line: more photos together.")
        st.plotly_chart(together_figure({one.id: one for one in people}, pairs), config=CONFIG, key="together")
