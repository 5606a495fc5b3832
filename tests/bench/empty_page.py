"""A page that holds a number and a button in a fragment: how fast Streamlit itself answers, see queue_page.py."""

import streamlit as st


def _next() -> None:
    st.session_state["turn"] = st.session_state.get("turn", 0) + 1


@st.fragment
def _turn() -> None:
    st.button("Next", shortcut="S", on_click=_next)
    st.html(f"<div class='turn'>{st.session_state.get('turn', 0)}</div>")


_turn()
