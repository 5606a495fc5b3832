"""Workers: the processes that take jobs, on this and other machines, and what they do. For owners."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from webapp.context import library
from webapp.feedback import boundary
from webapp.markup import escaped_markdown
from webapp.parts.job_progress import TITLES, job_progress
from webapp.wording import count, duration

if TYPE_CHECKING:
    from faceid_core.library import WorkerView

REFRESH_SECONDS = 3.0


def page() -> None:
    st.title("Workers")
    st.caption(
        "Workers import photos and do other long jobs. With PostgreSQL, `faceid work` adds more, on other "
        "machines too."
    )
    job_progress()
    st.fragment(_list, run_every=REFRESH_SECONDS)()


def _list() -> None:
    with boundary():  # a refresh runs by itself, outside the page's boundary
        workers = library().workers.all()
        if not workers:
            st.info(
                "No worker is running. The web app starts one; `faceid work` starts another.",
                icon=":material/info:",
            )
        for worker in workers:
            _row(worker)


def _row(worker: WorkerView) -> None:
    with st.container(border=True, key=f"card-worker-{worker.id}"):
        icon = ":material/error:" if worker.is_lost else ":material/memory:"
        st.markdown(f"{icon} **{escaped_markdown(worker.host)}** · {_doing(worker)}  \n:small[{_since(worker)}]")


def _doing(worker: WorkerView) -> str:
    if worker.is_lost:
        return f"not heard from for {duration(worker.silent_s)}; others take over its work"
    if not worker.doing:
        return "idle"
    rate = f", {worker.rate:.1f} photos/s" if worker.rate else ""
    return f"{TITLES.get(worker.doing, worker.doing)}{rate}"


def _since(worker: WorkerView) -> str:
    running = (worker.seen_at - worker.started_at).total_seconds() + worker.silent_s
    photos = f" · {count(worker.photos, 'photo')} so far" if worker.photos else ""
    return (
        f"Process {worker.pid}, version {escaped_markdown(worker.version)}, running for {duration(running)}{photos}"
    )
