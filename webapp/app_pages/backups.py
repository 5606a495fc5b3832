"""Backups: list them, make one, restore one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from faceid_core.errors import FaceIdError
from faceid_core.steps import backups, daily_backup
from faceid_core.steps.back_up import contents_of
from faceid_core.steps.export import size_in_words
from webapp.context import library, who
from webapp.feedback import guarded
from webapp.markup import escaped_markdown
from webapp.parts.blank import blank
from webapp.parts.dialog import dialog
from webapp.parts.job_progress import job_progress, last_failure
from webapp.wording import ago, count, long_date

if TYPE_CHECKING:
    from faceid_core.steps.backups import Backup

MOST = 50
"""Maximum number of backups to list."""


def page() -> None:
    settings = library().settings
    if settings.database_url is not None:
        st.title("Backups")
        blank(
            "Backups are made on the database server",
            "Use `faceid backup`, or the server's own tools, such as pg_dump.",
            icon="backup",
        )  # fmt: skip
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Backups")
        st.button("Back up now", icon=":material/backup:", type="primary", key="back-up-now", on_click=_back_up)
    st.caption(_policy(settings.backups_kept))
    if not job_progress(daily_backup.KIND):
        last_failure(daily_backup.KIND)
    found = backups.all_backups(settings)
    if not found:
        blank("No backups yet", "The first is made once the library has photos.", icon="backup")
    for place, backup in enumerate(found[:MOST]):
        _row(backup, place)


def _policy(kept: int) -> str:
    what = "A backup holds names, faces and recognisers, but not the photos themselves."
    if not kept:
        return f"Daily backups are off (FACEID_BACKUPS_KEPT). {what}"
    return f"faceid makes and checks one every day, and keeps the latest {kept}. {what}"


@guarded
def _back_up() -> None:
    library().jobs.submit(daily_backup.KIND, {})


def _row(backup: Backup, place: int) -> None:
    held = contents_of(backup.path) if backup.path.suffix == ".zip" else None
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"card-backup-{place}"):
        with st.container(gap=None):
            st.markdown(f"**{ago(backup.made_at).capitalize()}** :gray[· {_kind(backup)}]")
            facts = [long_date(backup.made_at), size_in_words(backup.bytes)]
            if held is not None:
                facts += [count(held.photos, "photo"), count(held.people, "person", "people")]
            st.markdown(f":gray[{' · '.join(facts)}]")
            if held is not None and not daily_backup.is_daily(library().settings, backup.path):
                st.markdown(f":gray[{escaped_markdown(str(backup.path))}]")
        if held is not None and st.button(
            "Restore", icon=":material/settings_backup_restore:", key=f"restore-{place}"
        ):
            _ask(backup)


def _kind(backup: Backup) -> str:
    if backup.path.is_dir():
        return "library before a restore"
    if backup.path.suffix == ".db":
        return "made before an upgrade"
    return "daily" if daily_backup.is_daily(library().settings, backup.path) else "made by hand"


@dialog("Restore this backup?", icon=":material/settings_backup_restore:")
def _ask(backup: Backup) -> None:
    restore_form(backup)


def restore_form(backup: Backup) -> None:
    """What restoring means, and the button that starts it."""
    place = st.empty()
    with place.container():
        st.markdown(
            f"The library goes back to how it was {ago(backup.made_at)}, without the names and other decisions "
            "made since. The current library is kept and listed here. faceid then restarts, which takes a few "
            "seconds."
        )
        if not st.button("Restore", type="primary", key="restore-now"):
            return
        try:
            with st.spinner("Checking the backup"):
                _restore(backup)
        except FaceIdError as error:
            st.error(escaped_markdown(str(error)), icon=":material/error:")
            return
    place.info("faceid is restarting; reload this page in a few seconds.", icon=":material/restart_alt:")


def _restore(backup: Backup) -> None:
    from webapp import server

    settings, actor = library().settings, who()
    daily_backup.check_restorable(library(), backup.path)
    server.restart_after(lambda: daily_backup.return_to(settings, backup.path, actor))
