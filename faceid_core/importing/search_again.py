"""Search the photos again that another detector searched, as after an update whose detector finds more."""

from __future__ import annotations

from pathlib import Path

from faceid_core.importing.finding import Found
from faceid_core.library import Library
from faceid_core.remote import is_remote, place
from faceid_core.values import Role


def waiting(library: Library) -> Found:
    """The files of photos that another detector than that of the settings searched and that are still there.

    Raises NotAllowed for all but owners.
    """
    library.actor.require(Role.OWNER)
    found = library.photos.searched_otherwise(library.settings.detector)
    return Found([place(path) for _, path in found if is_remote(path) or Path(path).is_file()])
