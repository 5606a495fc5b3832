"""Photos as they are: their files in one archive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from faceid_core import frame_path
from faceid_core.errors import NotFound
from faceid_core.exchange import saving
from faceid_core.exchange.albums import readable
from faceid_core.exchange.export_content import Entry, file_name, unique
from faceid_core.library import Library, PhotoQuery
from faceid_core.values import Role


def archive(library: Library, query: PhotoQuery) -> Iterator[bytes]:
    """The files of all photos that a query asks for as a zip archive, piece by piece; a video is there once, and
    files that are gone are left out. Raises NotAllowed, NotFound where none is left."""
    library.actor.require(Role.OWNER)
    paths = [photo.path for photo in library.photos.page(limit=library.photos.number(query), query=query)]
    files = list(dict.fromkeys(map(frame_path.file_of, paths)))
    if not any(readable(file) is not None for file in files):
        raise NotFound("None of these photos is where it was; say on its page where it is now.")
    return saving.zipped(_entries(files))


def _entries(files: list[Path]) -> Iterator[Entry]:
    taken: set[str] = set()
    for file in files:
        if (here := readable(file)) is not None:
            yield Entry(unique(file_name(file.name), taken), here)
