"""Names from hierarchical keywords, such as `People|Family|Ann`. They apply to the photo and have no position.

Lightroom and digiKam write whole paths: lr:hierarchicalSubject with `|`, digiKam:TagsList with `/`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from faceid_core.errors import SidecarUnusable, UnreadableImage
from faceid_core.exchange.face_regions import PhotoNames
from faceid_core.media import images, xmp
from faceid_core.media.xmp import RDF

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

PATHS = {
    "{http://ns.adobe.com/lightroom/1.0/}hierarchicalSubject": "|",
    "{http://www.digikam.org/ns/1.0/}TagsList": "/",
}
"""Keyword property -> separator of its paths."""


def survey(path: Path, root: str) -> PhotoNames:
    """Return the people in a photo from its keywords below `root`, ignoring case; "" disables this. Unreadable
    files yield no names, since they are reported when regions are read."""
    found = PhotoNames()
    wanted = root.strip().casefold()
    if not wanted:
        return found
    for packet in _packets(path):
        for name in names_below(_keywords(packet), wanted):
            if name not in found.people:
                found.people.append(name)
    return found


def names_below(paths: Iterable[tuple[str, ...]], root: str) -> list[str]:
    """Return the last part of each path below a root, but only of leaves.

    >>> names_below([("People",), ("People", "Family"), ("people", "Family", "Ann"), ("Places", "Oslo")], "people")
    ['Ann']
    """
    below = [path for path in dict.fromkeys(paths) if len(path) > 1 and path[0].casefold() == root]
    folded = [tuple(part.casefold() for part in path) for path in below]
    inner = {path[:length] for path in folded for length in range(1, len(path))}
    return [path[-1] for path, key in zip(below, folded, strict=True) if key not in inner]


def _packets(path: Path) -> Iterator[Element]:
    texts = []
    try:
        texts.append(images.described(path).packet)
    except UnreadableImage:
        return
    for file in xmp.sidecars(path):
        try:
            texts.append(xmp.load(file))
        except SidecarUnusable:
            continue
    yield from (root for text in texts if text and (root := xmp.parsed(text)) is not None)


def _keywords(packet: Element) -> Iterator[tuple[str, ...]]:
    for tag, between in PATHS.items():
        for node in packet.iter(tag):
            for item in node.iter(f"{RDF}li"):
                yield tuple(part.strip() for part in (item.text or "").split(between) if part.strip())
