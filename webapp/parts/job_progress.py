"""Progress of background jobs: a card that refreshes itself, tells the outcome, and lets the page follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from faceid_core.errors import FaceIdError
from faceid_core.steps.import_names import NamesTaken
from faceid_core.values import JobState
from webapp.context import in_words, library
from webapp.feedback import boundary, guarded, show_toasts, toast
from webapp.markup import escaped_markdown
from webapp.parts import dialog
from webapp.wording import count, duration

if TYPE_CHECKING:
    from faceid_core.library import JobView

REFRESH_SECONDS = 1.0

_STALE = "_page_is_stale"

UNSUCCESSFUL = (JobState.FAILED, JobState.INTERRUPTED)

FEW_STEPS = 4
"""A job of at most so many steps gives no estimate of the time left."""

TITLES = {
    "import": "Importing photos",
    "cluster": "Grouping faces",
    "map": "Drawing the map",
    "train": "Training the recogniser",
    "names": "Importing names",
    "retention": "Deleting data that is due",
    "write-names": "Writing names",
    "undo-names": "Restoring files",
    "export": "Exporting",
    "backup": "Backing up",
}
_UNITS = {"import": ("photo", "photos"), "names": ("photo", "photos"), "write-names": ("photo", "photos"),
          "undo-names": ("file", "files"), "export": ("file", "files")}  # fmt: skip
_ICONS = {
    "import": ":material/add_photo_alternate:",
    "cluster": ":material/workspaces:",
    "map": ":material/scatter_plot:",
    "train": ":material/model_training:",
    "names": ":material/badge:",
    "retention": ":material/auto_delete:",
    "write-names": ":material/edit_document:",
    "undo-names": ":material/undo:",
    "export": ":material/drive_folder_upload:",
    "backup": ":material/backup:",
}


def job_progress(*kinds: str, body: Callable[[JobView], None] | None = None) -> bool:
    """Show the active jobs of these kinds (default: every kind); True while there is one.

    The card refreshes every second by itself. When a job ends, a toast tells its outcome and the whole page runs
    again, so that what the job made appears; it waits while a dialog is open, which it would close. `body`
    draws more under a job's bar, such as a chart.
    """
    active = _active(kinds)
    st.session_state[_STALE] = False
    if active or _watched():
        st.fragment(_cards, run_every=REFRESH_SECONDS)(kinds, body)
    return bool(active)


def last_failure(kind: str) -> None:
    """The sentence of the newest job of this kind, if that failed: it stays until a job of the kind succeeds. An
    import whose worker died can be resumed here."""
    job = next((job for job in library().jobs.recent(20) if job.kind == kind), None)
    if job is None or job.state not in UNSUCCESSFUL:
        return
    st.error(_why(job), icon=":material/error:")
    if job.kind == "import" and job.state == JobState.INTERRUPTED:
        st.button("Resume", icon=":material/resume:", key=f"resume-{job.id}", on_click=_resume, args=(job,))


def _why(job: JobView) -> str:
    return escaped_markdown(in_words(FaceIdError(job.error or "The job failed.")))


@guarded
def _resume(job: JobView) -> None:
    library().jobs.submit(job.kind, job.params)


def _active(kinds: tuple[str, ...]) -> list[JobView]:
    return [job for job in library().jobs.active() if not kinds or job.kind in kinds]


def _watched() -> set[int]:
    """Jobs that this browser session has seen at work and not yet seen ending."""
    watched: set[int] = st.session_state.setdefault("_watched_jobs", set())
    return watched


def _cards(kinds: tuple[str, ...], body: Callable[[JobView], None] | None) -> None:
    with boundary():  # a refresh runs by itself, outside the page's boundary
        _refreshed(kinds, body)


def _refreshed(kinds: tuple[str, ...], body: Callable[[JobView], None] | None) -> None:
    active = _active(kinds)
    ended = _watched() - {job.id for job in library().jobs.active()}
    _watched().difference_update(ended)
    _watched().update(job.id for job in active)
    for job_id in sorted(ended):
        _tell(library().jobs.get(job_id))
    st.session_state[_STALE] = bool(ended) or st.session_state.get(_STALE, False)
    if st.session_state[_STALE] and not dialog.is_open():
        st.session_state[_STALE] = False
        st.rerun()
    show_toasts()
    for job in active:
        _card(job, body)


def _card(job: JobView, body: Callable[[JobView], None] | None) -> None:
    with st.container(border=True, key=f"card-job-{job.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{_ICONS.get(job.kind, '')} **{TITLES.get(job.kind, job.kind)}**")
            st.space("stretch")
            if library().jobs.may_ask(job.kind):
                _pause_button(job)
                _cancel_button(job)
        st.progress(_share(job), text=progress_text(job))
        if body is not None:
            body(job)


def _pause_button(job: JobView) -> None:
    if job.kind != "import" or job.cancel_requested:
        return
    label, icon = ("Resume", "play_arrow") if job.is_paused else ("Pause", "pause")
    st.button(
        label, key=f"pause-{job.id}", icon=f":material/{icon}:", type="tertiary", on_click=_pause,
        args=(job.id, not job.is_paused),
    )  # fmt: skip


@guarded
def _pause(job_id: int, paused: bool) -> None:
    library().jobs.pause(job_id, paused)


def _cancel_button(job: JobView) -> None:
    st.button(
        "Stopping…" if job.cancel_requested else "Cancel",
        key=f"cancel-{job.id}",
        icon=":material/close:",
        type="tertiary",
        disabled=job.cancel_requested,
        on_click=_cancel,
        args=(job.id,),
    )


@guarded
def _cancel(job_id: int) -> None:
    library().jobs.cancel(job_id)


def _share(job: JobView) -> float:
    return min(1.0, job.done / job.total) if job.total else 0.0


def progress_text(job: JobView) -> str:
    """Such as "120 of 2,736 photos · 11.2 photos/s · about 4 min left"."""
    if job.is_paused:
        return f"Paused · {job.done:,} of {count(job.total, 'photo')}" if job.total else "Paused"
    if job.state == "queued":
        return "Waiting"
    singular, plural = _UNITS.get(job.kind, ("step", "steps"))
    parts = [escaped_markdown(job.message)] if job.message else []
    if job.total and job.kind in _UNITS:
        parts.append(f"{job.done:,} of {count(job.total, singular, plural)}")
        if rate := job.details.get("rate"):
            parts.append(f"{rate:.1f} {plural}/s")
    if job.total > FEW_STEPS and job.done < job.total and (left := job.details.get("seconds_left")):
        parts.append(f"about {duration(left)} left")
    return " · ".join(parts) or "Starting"


def _tell(job: JobView) -> None:
    if job.state == "done":
        toast(outcome(job.kind, job.result))
    elif job.state in UNSUCCESSFUL:
        toast(_why(job), icon=":material/error:")
    else:
        toast(f"{TITLES.get(job.kind, job.kind)}: cancelled; finished work is kept.", icon=":material/cancel:")


def outcome(kind: str, result: dict[str, Any]) -> str:
    """One sentence about a finished job."""
    tell = _OUTCOMES.get(kind)
    return tell(result) if tell else "Done."


def _grouped(result: dict[str, Any]) -> str:
    groups, alone = count(result.get("clusters", 0), "group"), count(result.get("single", 0), "single face")
    suggested = result.get("suggested")
    more = f" The recogniser suggests names for {count(suggested, 'new face')}; see Train." if suggested else ""
    return f"Faces grouped: {groups}, {alone}.{more}"


def _trained(result: dict[str, Any]) -> str:
    people = result.get("people", len(result.get("classes", ())))  # jobs of before held the names
    return f"The recogniser knows {count(people, 'person', 'people')}."


def _retention_outcome(result: dict[str, Any]) -> str:
    gone = sum(result.get("done", {}).values())
    return f"Retention: {count(gone, 'item')} deleted." if gone else "Retention: nothing was due."


def _restored(result: dict[str, Any]) -> str:
    left = result.get("conflicts", 0)
    rest = f"; {count(left, 'file')} left alone because of later changes" if left else ""
    return f"{count(result.get('restored', 0), 'file')} restored{rest}."


def _exported(result: dict[str, Any]) -> str:
    left = result.get("problems", 0)
    rest = f"; {left:,} left out" if left else ""
    return f"{count(result.get('faces', 0), 'face')} exported into {count(result.get('files', 0), 'file')}{rest}."


def _written_outcome(result: dict[str, Any]) -> str:
    files, left = result.get("files", 0), result.get("conflicts", 0) + result.get("failures", 0)
    text = f"Names written into {count(files, 'file')}" if files else "All files already have their names"
    return f"{text}; {left:,} left alone, see Preview." if left else f"{text}."


def _import_outcome(result: dict[str, Any]) -> str:
    photos = count(result.get("imported", 0), "photo")
    parts = [f"{photos} imported with {count(result.get('faces', 0), 'face')}"]
    known = sum(result.get(what, 0) for what in ("unchanged", "duplicates", "renewed"))
    if known:
        parts.append(f"{known:,} already imported")
    if result.get("failed"):
        parts.append(f"{result['failed']:,} could not be read")
    return ", ".join(parts) + "."


_OUTCOMES: dict[str, Callable[[dict[str, Any]], str]] = {
    "import": _import_outcome,
    "cluster": _grouped,
    "map": lambda result: f"The map shows {count(result.get('faces', 0), 'face')}.",
    "train": _trained,
    "names": lambda result: f"{NamesTaken(**result).in_words()}.",
    "retention": _retention_outcome,
    "write-names": _written_outcome,
    "undo-names": _restored,
    "export": _exported,
    "backup": lambda result: f"Backed up {count(result.get('photos', 0), 'photo')} and their names.",
}
