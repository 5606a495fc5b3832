"""Searches photos again that were searched with another detector, for example after an update to a better one."""

from __future__ import annotations

from pathlib import Path

from faceid_core.importing.finding import Found
from faceid_core.library import Library
from faceid_core.remote import is_remote, place
from faceid_core.values import Role


def waiting(library: Library) -> Found:
    """Return the existing files of photos that were searched with a detector other than that of the settings.

    Raises NotAllowed for all but owners.
    """
    library.actor.require(Role.OWNER)
    found = library.photos.searched_otherwise(library.settings.detector)
    return Found([place(path) for _, path in found if is_remote(path) or Path(path).is_file()])
