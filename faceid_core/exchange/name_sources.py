"""Where names of photos come from: one function a program, one line in the registry."""

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
"""Name -> reader of a photo's path; the first counts where two disagree about a face."""


def survey(path: Path, *, people_keyword: str = "") -> PhotoNames:
    """All names of a photo, the same face in two sources once. people_keyword: see nested_names."""
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
