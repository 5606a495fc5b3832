"""The registry of programs from which names are read: one function per program."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from faceid_core.exchange import apple_photos, digikam, face_regions, nested_names, picasa, takeout
from faceid_core.exchange.face_regions import PhotoNames

SOURCES: dict[str, Callable[[Path], PhotoNames]] = {
    "xmp": face_regions.survey,
    "digikam": digikam.survey,
    "apple": apple_photos.survey,
    "picasa": picasa.survey,
    "takeout": takeout.survey,
}
"""Name -> reader, called with a photo's path. If two disagree about a face, the first one wins."""


def survey(path: Path, *, people_keyword: str = "") -> PhotoNames:
    """Return all names in a photo, without duplicates from several sources. people_keyword: see nested_names."""
    found = PhotoNames()
    readers: list[Callable[[Path], PhotoNames]] = [*SOURCES.values()]
    readers.append(partial(nested_names.survey, root=people_keyword))
    for read in readers:
        one = read(path)
        found.unusable += one.unusable
        for region in one.regions:
            found.add(region)
        found.people += [name for name in one.people if name not in found.people]
    return found
