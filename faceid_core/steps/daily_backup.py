"""The backup that the web app's worker makes every day: written, read back, and the oldest ones deleted; and the
return to one."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from pathlib import Path

from faceid_core.atomic import PRIVATE_FOLDER
from faceid_core.errors import BadInput, FaceIdError, NotWritable
from faceid_core.library import Library
from faceid_core.library.store import database
from faceid_core.settings import Settings
from faceid_core.steps import backups
from faceid_core.steps.back_up import Contents, back_up, restore, upgrade, verify
from faceid_core.values import Actor, JobState, Role

log = logging.getLogger(__name__)

KIND = "backup"
"""The kind of job."""

PREFIX, SUFFIX = "daily-", ".zip"


def is_due(library: Library, now: datetime) -> bool:
    """Whether the worker is to make one now (UTC without a zone): a day after the last, once there are photos. Not
    for a library on a database server, whose tools do that, nor for one that can only be read."""
    settings = library.settings
    if not settings.backups_kept or settings.database_url is not None or library.read_only:
        return False
    last = library.jobs.last_started(KIND)
    return (last is None or now - last >= timedelta(days=1)) and library.counts().photos > 0


def make(library: Library, *, now: datetime | None = None) -> Contents:
    """A backup in the library's folder, read back to be sure; then the oldest daily ones go. now: local time.

    Raises NotWritable, BackupUnusable, LibraryError; the older ones all stay then. NotAllowed for all but owners.
    """
    library.actor.require(Role.OWNER)
    settings = library.settings
    file = settings.backups_folder / f"{PREFIX}{now or datetime.now():%Y-%m-%d-%H%M%S}{SUFFIX}"
    try:
        settings.backups_folder.mkdir(PRIVATE_FOLDER, exist_ok=True)
    except OSError as error:
        raise NotWritable(f"{settings.backups_folder} can't be made ({error.strerror}).") from error
    back_up(settings, file, replace=True)
    try:
        contents = verify(settings, file)
    except FaceIdError:
        file.unlink(missing_ok=True)  # what can't be read back is none
        raise
    if settings.backups_kept:
        backups.delete(settings, daily(settings)[settings.backups_kept :])
    return contents


def daily(settings: Settings) -> list[backups.Backup]:
    """The daily ones, the newest first."""
    return [each for each in backups.all_backups(settings) if is_daily(settings, each.path)]


def is_daily(settings: Settings, file: Path) -> bool:
    """Whether the worker made it."""
    here = file.parent == settings.backups_folder.absolute()
    return here and file.name.startswith(PREFIX) and file.suffix == SUFFIX


def check_restorable(library: Library, file: Path) -> None:
    """Raises BackupUnusable for a file that can't be restored, BadInput while a job runs, whose work would be lost;
    NotAllowed for all but owners."""
    library.actor.require(Role.OWNER)
    if any(job.state == JobState.RUNNING for job in library.jobs.active()):
        raise BadInput("A job is running; wait until it ends or cancel it, then restore.")
    verify(library.settings, file)


def return_to(settings: Settings, file: Path, actor: Actor) -> None:
    """Restore a backup while nobody has the library open, and note that in its history. A failure, after which the
    library is as it was, is noted, too."""
    try:
        contents, _ = restore(settings, file)
        if contents.revision < database.HEAD:
            upgrade(settings)
        sentence = f"Restored the backup of {contents.made_at.replace('T', ' ')}"
    except FaceIdError as error:
        log.error("The backup was not restored: %s", error)
        sentence = "A backup could not be restored; the log has the reason"
    with Library.open(settings) as library:
        for job in library.jobs.active():  # of then: a worker that is long gone, and what nobody waits for any more
            library.jobs.cancelled(job.id)
        library.acting_as(actor).journal.note(sentence)
