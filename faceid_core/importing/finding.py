"""Finds the files of an import, without opening a library."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from faceid_core.media import folders
from faceid_core.media.left_out import LeftOut, LeftOuts
from faceid_core.remote import place


@dataclass(frozen=True, slots=True)
class Found:
    """The photos and videos to import, and what was left out."""

    files: list[Path]
    left_out: list[LeftOut] = field(default_factory=list)


def photos_under(paths: Iterable[str | Path], *, videos: bool = False, exclude: Sequence[str] = ()) -> Found:
    """Find the photos, and optionally the videos, under files and folders. exclude: see folders.walk.

    Raises PathNotFound, NothingToImport.
    """
    roots, left = [place(path) for path in paths], LeftOuts()
    found = list(folders.walk(roots, videos=videos, exclude=exclude, leave=left))
    if not found:
        raise folders.nothing_in(roots[0] if len(roots) == 1 else "these folders", left)
    return Found(found, list(left.values()))
