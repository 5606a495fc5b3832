"""Search the photos again that another detector searched, as after an update whose detector finds more."""

from __future__ import annotations

from pathlib import Path

from faceid_core.importing.run import Found, ImportReport, import_photos
from faceid_core.library import Library
from faceid_core.values import Progress, Role, no_progress


def waiting(library: Library) -> list[Path]:
    """The files of photos that another detector than that of the settings searched and that are still there.

    Raises NotAllowed for all but owners.
    """
    found = library.photos.searched_otherwise(library.settings.detector)
    return [Path(path) for _, path in found if Path(path).is_file()]


def search_again(library: Library, *, progress: Progress = no_progress) -> ImportReport:
    """Search those photos with the detector of the settings. Faces that are found again keep their names.

    After an interruption it goes on with the rest. Raises as import_photos.
    """
    library.actor.require(Role.OWNER)
    files = waiting(library)
    return import_photos(library, Found(files), again=True, progress=progress) if files else ImportReport()
