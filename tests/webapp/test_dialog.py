"""A job that ends while a dialog is open leaves it open; the page runs again when the dialog is closed."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from faceid_core.library import Library

PAGE = """
import streamlit as st
from webapp.feedback import show_toasts
from webapp.parts import dialog
from webapp.parts.job_progress import job_progress

if st.session_state.pop("dismissed", False):
    dialog.closed()
st.session_state["runs"] = st.session_state.get("runs", 0) + 1
job_progress("cluster")

@dialog.dialog("Photo", icon=":material/photo:")
def photo():
    st.markdown("the photo")

if st.session_state["runs"] == 1:
    photo()
"""


def test_a_job_that_ends_leaves_an_open_dialog_alone(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    job = library.jobs.submit("cluster", {})
    page = AppTest.from_string(PAGE, default_timeout=30).run()
    reran: list[bool] = []
    monkeypatch.setattr("webapp.parts.job_progress.st.rerun", lambda: reran.append(True))
    library.jobs.cancel(job.id)
    page.run()
    assert [toast.value for toast in page.toast] == ["Grouping faces: cancelled; finished work is kept."]
    assert reran == []
    page.session_state["dismissed"] = True
    page.run()
    assert reran == []  # dismissed, the page has run again and drawn what the job made
