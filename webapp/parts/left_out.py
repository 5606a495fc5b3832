"""What the latest import left out, and why."""

from __future__ import annotations

import streamlit as st

from webapp.context import library
from webapp.wording import count


def left_out_by_last_import() -> None:
    """A folded list below the import; nothing if no file was left out."""
    job = next((job for job in library().jobs.recent(20) if job.kind == "import" and job.state == "done"), None)
    left = job.result.get("left_out", []) if job else []
    if not left:
        return
    number = sum(each["number"] for each in left)
    with st.expander(
        f"{count(number, 'file or folder', 'files and folders')} left out", icon=":material/filter_alt:"
    ):
        st.dataframe(
            {
                "Number": [each["number"] for each in left],
                "What": [_sentence(each["reason"]) for each in left],
                "Where": [", ".join(each["examples"]) for each in left],
            },
            hide_index=True,
            column_config={"Number": st.column_config.NumberColumn(width="small", format="localized")},
        )


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}."
