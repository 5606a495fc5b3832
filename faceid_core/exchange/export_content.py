"""What every writer of a folder is given, and what it gives: faces and pictures in, files out."""

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
"""Of a file's or folder's name that is made from a person's: file systems take 255 bytes, and numbers follow."""

_UNUSABLE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
"""What Windows, the strictest of the systems, has in no name."""

_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of an export. path: relative, with slashes; content: its bytes, or the file to take them from."""

    path: str
    content: bytes | Path


@dataclass(frozen=True, slots=True)
class Content:
    """What is exported.

    crops: ids of faces -> their pictures as JPEG (150x150 px), those that there are.
    picture: a photo by a face or a person on it, and the most pixels of the longer side (None: all) -> the upright
    photo as JPEG without metadata, hidden faces blurred; None, and a line in `problems`, where it can't be had.
    without: photos on which people are without a face, for forms that hold whole photos.
    held_out: ids of faces that are to validate with, not to train with; whole photos.
    split: whether there is anything to be held out.
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
        """The faces with a name, in their order."""
        return [face for face in self.faces if face.person is not None]

    @property
    def on_photos(self) -> list[ExportedFace | ExportedPhoto]:
        """Everybody with a name who is on a photo, with a face or without."""
        return [*self.named, *self.without]

    @property
    def classes(self) -> list[str]:
        """The names, by alphabet; a place in the list is the number of a class."""
        names = {one.person for one in self.on_photos if one.person}
        return sorted(names, key=lambda name: (name.casefold(), name))

    def part_of(self, face: ExportedFace) -> str:
        """ "train" or "valid"."""
        return "valid" if face.id in self.held_out else "train"

    @property
    def parts(self) -> list[str]:
        """Into which parts the faces are split."""
        return ["train", "valid"] if self.split else ["train"]

    def with_crops(self, faces: Iterable[ExportedFace], at_once: int = 500) -> Iterator[tuple[ExportedFace, bytes]]:
        """Each face that has a picture, with it."""
        for some in batches(faces, at_once):
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
    """Photo -> its faces, both in the order of the faces."""
    found: dict[int, list[ExportedFace]] = defaultdict(list)
    for face in faces:
        found[face.photo_id].append(face)
    return dict(found)


def clipped(face: ExportedFace) -> Box:
    """The part of a face's box that is on its photo; tools refuse what reaches beyond."""
    left, right = (min(max(edge, 0.0), float(face.width)) for edge in (face.box.left, face.box.right))
    top, bottom = (min(max(edge, 0.0), float(face.height)) for edge in (face.box.top, face.box.bottom))
    return Box(left, top, right, bottom)


def file_names(names: Iterable[str], *, space: str = " ") -> dict[str, str]:
    """Name -> a name for its folder that every system takes, and that no other has in whatever case.

    >>> file_names(["Ann", "ANN", "AC/DC", "con", "..."])
    {'Ann': 'Ann', 'ANN': 'ANN 2', 'AC/DC': 'AC_DC', 'con': 'con_', '...': '_'}
    """
    taken: set[str] = set()
    return {name: unique(file_name(name, space=space), taken, space=space) for name in names}


def file_name(name: str, *, space: str = " ") -> str:
    """The name with nothing that a file system refuses."""
    usable = _UNUSABLE.sub("_", unicodedata.normalize("NFC", name)).strip().rstrip(". ").replace(" ", space)
    usable = usable.encode()[:MOST_NAME_BYTES].decode(errors="ignore").lstrip(".") or "_"
    return f"{usable}_" if _DEVICES.fullmatch(usable) else usable


def unique(name: str, taken: set[str], *, space: str = " ") -> str:
    """The name, with a number where it is taken; a file's ending stays at the end. It is taken from now on."""
    stem, dot, ending = name.rpartition(".") if len(name.rpartition(".")[2]) <= 5 else (name, "", "")
    stem, ending = (stem, f"{dot}{ending}") if stem else (name, "")
    wanted, number = name, 1
    while unicodedata.normalize("NFC", wanted).casefold() in taken:
        number += 1
        wanted = f"{stem}{space}{number}{ending}"
    taken.add(unicodedata.normalize("NFC", wanted).casefold())
    return wanted
