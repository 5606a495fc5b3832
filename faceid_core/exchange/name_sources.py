"""Where names of photos come from: one function a program, one line in the registry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from faceid_core.exchange import apple_photos, digikam, face_regions, picasa, takeout
from faceid_core.exchange.face_regions import PhotoNames

SOURCES: dict[str, Callable[[Path], PhotoNames]] = {
    "xmp": face_regions.survey,
    "digikam": digikam.survey,
    "apple": apple_photos.survey,
    "picasa": picasa.survey,
    "takeout": takeout.survey,
}
"""Name -> reader of a photo's path; the first counts where two disagree about a face."""


def survey(path: Path) -> PhotoNames:
    """All names of a photo, the same face in two sources once."""
    found = PhotoNames()
    for read in SOURCES.values():
        one = read(path)
        found.unusable += one.unusable
        for region in one.regions:
            found.add(region)
        found.people += [name for name in one.people if name not in found.people]
    return found
