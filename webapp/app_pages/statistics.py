"""Statistics: photos and people by year, and who is in photos with whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from webapp.context import library
from webapp.parts.blank import blank
from webapp.parts.face_map import COLOURS
from webapp.parts.statistics_charts import people_figure, together_figure, years_figure
from webapp.wording import count

if TYPE_CHECKING:
    from faceid_core.library import YearCounts

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
            "Once you have imported photos and named people, they are counted here.",
            icon="monitoring", link=("photos", "Photos"),
        )  # fmt: skip
        return
    if years:
        _by_year(years)
        if top := people[:MOST_PEOPLE]:
            st.subheader("Photos of each person")
            of_each = statistics.people_by_year([one.id for one in top])
            st.plotly_chart(people_figure(top, of_each), config=CONFIG, key="people-by-year")
    if pairs:
        st.subheader("Who with whom")
        st.caption("Larger dots mean more photos; wider lines mean more photos together.")
        st.plotly_chart(together_figure({one.id: one for one in people}, pairs), config=CONFIG, key="together")


def _by_year(years: Sequence[YearCounts]) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Photos by year")
        photos = {each.year: each.photos for each in years}
        st.plotly_chart(years_figure(photos, COLOURS[0]), config=CONFIG, key="photos-by-year")
    with right:
        st.subheader("People by year")
        named = {each.year: each.people for each in years}
        st.plotly_chart(years_figure(named, COLOURS[1]), config=CONFIG, key="people-in-years")
    if undated := library().statistics.undated():
        st.caption(f"{count(undated, 'photo')} without a date.")
