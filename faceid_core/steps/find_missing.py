"""Find photos whose files were moved: by size first, so that few files have to be read, then by content."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faceid_core.library import Library, PhotoView
from faceid_core.media import folders
from faceid_core.values import Progress, Role, no_progress


@dataclass(frozen=True, slots=True)
class Search:
    """found: photo as it was, and where it is now. missing: those that are nowhere. read: files whose content was
    compared."""

    found: list[tuple[PhotoView, str]]
    missing: list[PhotoView]
    read: int


def find_missing(library: Library, places: Sequence[Path], *, progress: Progress = no_progress) -> Search:
    """Look for the photos of the library whose files are gone below these folders, and note where they are.

    A file counts only if its content is the photo's, byte for byte. Frames of videos are found by importing the
    video again. Raises PathNotFound, NotAllowed.
    """
    library.actor.require(Role.OWNER)
    files = folders.walk([folders.absolute(place) for place in places])
    missing = {photo.id: photo for photo in library.photos.missing()}
    prints = library.photos.fingerprints(list(missing))
    wanted: dict[int, dict[str, int]] = defaultdict(dict)
    for photo, (sha256, sizes) in prints.items():
        for size in sizes:
            wanted[size][sha256] = photo
    found: dict[str, tuple[int, int, int]] = {}
    read = 0
    for path in files if prints else ():
        progress(len(found), len(prints), path.name)
        try:
            state = path.stat()
            if state.st_size not in wanted:
                continue
            read += 1
            photo_id = wanted[state.st_size].get(folders.sha256_of(path))
        except OSError:
            continue  # it can't be read, so that it is not known to be the one
        if photo_id is not None:
            found[str(path)] = (photo_id, state.st_size, state.st_mtime_ns)
    library.photos.found_at(found)
    places_now = {photo_id: path for path, (photo_id, _, _) in found.items()}
    return Search(
        [(missing[photo], path) for photo, path in places_now.items()],
        [photo for photo in missing.values() if photo.id not in places_now],
        read,
    )
