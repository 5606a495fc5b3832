"""The input and output of folder exporters: faces and pictures in, files out."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from faceid_core.values import Box, ExportedFace, ExportedPhoto

Item = TypeVar("Item")

UNNAMED = "unnamed"
"""The class of faces without a name."""

MOST_NAME_BYTES = 120
"""Longest file or folder name made from a person's name: file systems allow 255 bytes, and numbers are appended."""

CROPS_AT_ONCE = 500
"""Pictures in memory at a time: about 3 MB of JPEG."""

_UNUSABLE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
"""Characters that Windows, the strictest system, forbids in names."""

_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of an export. path: relative, with slashes; content: its bytes, or the file to take them from."""

    path: str
    content: bytes | Path


@dataclass(frozen=True, slots=True)
class Content:
    """What is exported.

    crops: face ids -> existing pictures as JPEG (150x150 px).
    picture: called with a face or person on a photo, and the maximum pixels of the longer side (None: no limit).
    Returns the upright photo as JPEG without metadata, with hidden faces blurred; or None, and adds a line to
    `problems`, if it is not available. without: photos in which people appear without a face, for whole-photo
    formats. held_out: ids of faces for validation instead of training, by whole photos. split: whether to hold out.
    """

    faces: Sequence[ExportedFace]
    crops: Callable[[Sequence[int]], Mapping[int, bytes]]
    picture: Callable[[ExportedFace | ExportedPhoto, int | None], bytes | None]
    without: Sequence[ExportedPhoto] = ()
    held_out: frozenset[int] = frozenset()
    split: bool = False
    problems: list[str] = field(default_factory=list)

    @property
    def named(self) -> list[ExportedFace]:
        """Return the named faces, in order."""
        return [face for face in self.faces if face.person is not None]

    @property
    def on_photos(self) -> list[ExportedFace | ExportedPhoto]:
        """Return all named people on photos, with or without a face."""
        return [*self.named, *self.without]

    @property
    def classes(self) -> list[str]:
        """Return the sorted names. The index in the list is the class number."""
        names = {one.person for one in self.on_photos if one.person}
        return sorted(names, key=lambda name: (name.casefold(), name))

    def part_of(self, face: ExportedFace) -> str:
        """ "train" or "valid"."""
        return "valid" if face.id in self.held_out else "train"

    @property
    def parts(self) -> list[str]:
        """Return the parts into which the faces are split."""
        return ["train", "valid"] if self.split else ["train"]

    def with_crops(self, faces: Iterable[ExportedFace]) -> Iterator[tuple[ExportedFace, bytes]]:
        """Yield each face that has a picture, with the picture."""
        for some in batches(faces, CROPS_AT_ONCE):
            crops = self.crops([face.id for face in some])
            yield from ((face, crops[face.id]) for face in some if face.id in crops)


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """
    >>> list(batches("abcde", 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    some: list[Item] = []
    for item in items:
        some.append(item)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


def by_photo(faces: Iterable[ExportedFace]) -> dict[int, list[ExportedFace]]:
    """Return photo id -> faces, both in the order of the faces."""
    found: dict[int, list[ExportedFace]] = defaultdict(list)
    for face in faces:
        found[face.photo_id].append(face)
    return dict(found)


def clipped(face: ExportedFace) -> Box:
    """Clip a face's box to its photo, because other tools reject boxes that extend beyond it."""
    left, right = (min(max(edge, 0.0), float(face.width)) for edge in (face.box.left, face.box.right))
    top, bottom = (min(max(edge, 0.0), float(face.height)) for edge in (face.box.top, face.box.bottom))
    return Box(left, top, right, bottom)


def file_names(names: Iterable[str], *, space: str = " ") -> dict[str, str]:
    """Return name -> folder name, valid on every system and unique even if case is ignored.

    >>> file_names(["Ann", "ANN", "AC/DC", "con", "..."])
    {'Ann': 'Ann', 'ANN': 'ANN 2', 'AC/DC': 'AC_DC', 'con': 'con_', '...': '_'}
    """
    taken: set[str] = set()
    return {name: unique(file_name(name, space=space), taken, space=space) for name in names}


def file_name(name: str, *, space: str = " ") -> str:
    """Return the name without anything that a file system rejects."""
    usable = _UNUSABLE.sub("_", unicodedata.normalize("NFC", name)).strip().rstrip(". ").replace(" ", space)
    usable = usable.encode()[:MOST_NAME_BYTES].decode(errors="ignore").lstrip(".") or "_"
    return f"{usable}_" if _DEVICES.fullmatch(usable) else usable


def unique(name: str, taken: set[str], *, space: str = " ") -> str:
    """Return the name, with a number before the suffix if it is taken, and add it to `taken`."""
    stem, dot, ending = name.rpartition(".") if len(name.rpartition(".")[2]) <= 5 else (name, "", "")
    stem, ending = (stem, f"{dot}{ending}") if stem else (name, "")
    wanted, number = name, 1
    while unicodedata.normalize("NFC", wanted).casefold() in taken:
        number += 1
        wanted = f"{stem}{space}{number}{ending}"
    taken.add(unicodedata.normalize("NFC", wanted).casefold())
    return wanted
