"""digiKam: its database digikam4.db, in a folder above the photos, has the confirmed faces with their names.

It is only read, even while digiKam is running. Positions are in pixels of the upright picture: digiKam rotates
regions from metadata before it stores them (TagRegion::adjustToOrientation).
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from faceid_core.errors import SidecarUnusable, UnreadableImage
from faceid_core.exchange.face_regions import (
    NO_PLACE,
    OTHER_SHAPE,
    PhotoNames,
    UnusableName,
    from_middle,
    same_shape,
)
from faceid_core.media import images, small_file, xmp
from faceid_core.values import Box

DATABASE = "digikam4.db"
UPWARDS = 12
"""How many parent folders are searched for the database, which digiKam keeps at the top of a collection."""

WAIT_SECONDS = 2.0

FACES = """
SELECT coalesce(root.specificPath, ''), album.relativePath, image.name, info.width, info.height, person.value,
    face.value
FROM ImageTagProperties face
JOIN TagProperties person ON person.tagid = face.tagid AND person.property = 'person'
JOIN Images image ON image.id = face.imageid
JOIN Albums album ON album.id = image.album
JOIN AlbumRoots root ON root.id = album.albumRoot
LEFT JOIN ImageInformation info ON info.imageid = image.id
WHERE face.property = 'tagRegion' AND face.tagid NOT IN (
    SELECT tagid FROM TagProperties WHERE property IN ('unknownPerson', 'unconfirmedPerson', 'ignoredPerson'))
ORDER BY face.rowid
"""
"""Confirmed faces. Suggestions by digiKam have a different property name."""


class _Face(NamedTuple):
    """root: the collection's path on its disk; size: of the picture according to digiKam."""

    root: str
    album: str
    size: tuple[float, float] | None
    name: str
    place: str


def survey(path: Path) -> PhotoNames:
    """Return the names in a photo from the database of its collection."""
    found = PhotoNames()
    file = next((file for file in _candidates(path) if small_file.is_there(file)), None)
    if file is None:
        return found
    try:
        faces = _faces(file, _state(file)).get(path.name, ())
    except (OSError, sqlite3.Error) as error:
        found.unusable.append(UnusableName("", f"{DATABASE} names nobody: it can't be read ({error})"))
        return found
    mine = [face for face in faces if _is_of(face, path, file.parent)]
    if mine:
        _add(found, path, mine)
    return found


def _candidates(path: Path) -> Iterator[Path]:
    for folder in (path.parent, *path.parent.parents[:UPWARDS]):
        yield folder / DATABASE


def _state(file: Path) -> tuple[tuple[int, int], ...]:
    """Return a value that changes with the database, including its write-ahead log."""
    beside = (file, file.with_name(f"{file.name}-wal"))
    return tuple((at.stat().st_mtime_ns, at.stat().st_size) for at in beside if at.exists())


@lru_cache(maxsize=4)
def _faces(file: Path, _: tuple[tuple[int, int], ...]) -> dict[str, list[_Face]]:
    """Return file name -> faces, across all albums. Raises sqlite3.Error."""
    found: dict[str, list[_Face]] = defaultdict(list)
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=WAIT_SECONDS)) as opened:
        for root, album, name, width, height, person, place in opened.execute(FACES):
            size = (float(width), float(height)) if width and height else None
            if isinstance(person, str) and isinstance(place, str):
                found[str(name)].append(_Face(str(root), str(album), size, person, place))
    return dict(found)


def _is_of(face: _Face, path: Path, here: Path) -> bool:
    """Whether a face belongs to this photo: its album path matches below the database's folder, or below the
    collection's path, whose disk may be mounted elsewhere."""
    below = face.album.strip("/")
    if path.parent == (here / below if below else here):
        return True
    whole = "/".join(part for part in (face.root.strip("/"), below) if part)
    return bool(whole) and f"{path.parent.as_posix()}/".endswith(f"/{whole}/")


def _add(found: PhotoNames, path: Path, faces: list[_Face]) -> None:
    try:
        photo = images.described(path)
    except UnreadableImage:
        return
    upright = (photo.height, photo.width) if photo.orientation >= 5 else (photo.width, photo.height)
    for face in faces:
        size = _drawn_on(face, upright)
        box = _box(face.place)
        if size is None or box is None:
            found.unusable.append(UnusableName(face.name, NO_PLACE if box is None else OTHER_SHAPE))
            continue
        middle = ((box.left + box.right) / 2 / size[0], (box.top + box.bottom) / 2 / size[1])
        region = from_middle(face.name, [*middle, box.width / size[0], box.height / size[1]])
        if isinstance(region, UnusableName):
            found.unusable.append(region)
        elif region is not None:
            found.add(region)


def _drawn_on(face: _Face, upright: tuple[int, int]) -> tuple[float, float] | None:
    """Return the size of the upright picture according to digiKam; None if its shape has changed since."""
    if face.size is None:
        return upright
    turned = (face.size[1], face.size[0])
    return next((size for size in (face.size, turned) if same_shape(size, upright)), None)


def _box(place: str) -> Box | None:
    """Parse `<rect x="10" y="20" width="30" height="40"/>`."""
    try:
        root = xmp.parse(place.encode())
        x, y, width, height = (float(root.get(edge, "")) for edge in ("x", "y", "width", "height"))
    except (SidecarUnusable, ValueError):
        return None
    return Box(x, y, x + width, y + height)
