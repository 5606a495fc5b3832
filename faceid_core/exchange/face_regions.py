"""Names that other programs wrote into photos, or into XMP files beside them, with the place of each face.

Two forms are read: the regions of the Metadata Working Group (digiKam, Lightroom, Picasa, ACDSee; "Guidelines for
handling image metadata" 2.0, 5.9) and Microsoft's people tags (Windows Photo Gallery). Their places are shares of
the picture as it is stored, before EXIF turns it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from faceid_core.errors import UnreadableImage
from faceid_core.media import images, xmp
from faceid_core.media.orientation import upright
from faceid_core.media.xmp import RDF, properties
from faceid_core.values import Box

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

log = logging.getLogger(__name__)

_MWG = "{http://www.metadataworkinggroup.com/schemas/regions/}"
_AREA = "{http://ns.adobe.com/xmp/sType/Area#}"
_MICROSOFT = "{http://ns.microsoft.com/photo/1.2/t/Region#}"


@dataclass(frozen=True, slots=True)
class NamedRegion:
    """A name, and where its face is: the box is in shares, 0 to 1, of the picture's width and height."""

    name: str
    box: Box


def of_photo(path: Path) -> list[NamedRegion]:
    """The names in a photo and in the XMP file beside it (photo.jpg.xmp or photo.xmp), each place once, on the
    upright picture. A file that is gone or can't be read names nobody."""
    try:
        packet, orientation = images.described(path)
    except UnreadableImage as error:
        log.debug("No names can be read: %s", error)
        return []
    found: dict[Box, NamedRegion] = {}
    for text in (*xmp.beside(path), packet):
        for region in regions(text):
            found.setdefault(region.box, NamedRegion(region.name, upright(region.box, orientation)))
    return list(found.values())


def regions(packet: bytes) -> list[NamedRegion]:
    """The named faces of an XMP packet, on the picture as stored; what is no such packet has none."""
    root = xmp.parsed(packet)
    named = [] if root is None else [_region(item) for item in root.iter(f"{RDF}li")]
    return [region for region in named if region is not None]


def _region(item: Element) -> NamedRegion | None:
    said = properties(item)
    return _of_microsoft(said) if f"{_MICROSOFT}Rectangle" in said else _of_the_group(item, said)


def _of_microsoft(said: dict[str, str]) -> NamedRegion | None:
    name, numbers = said.get(f"{_MICROSOFT}PersonDisplayName"), _numbers(said[f"{_MICROSOFT}Rectangle"].split(","))
    if not name or not numbers:
        return None
    left, top, width, height = numbers
    return NamedRegion(name, Box(left, top, left + width, top + height))


def _of_the_group(item: Element, said: dict[str, str]) -> NamedRegion | None:
    """Its areas are told by their middle."""
    name, area = said.get(f"{_MWG}Name"), next(item.iter(f"{_MWG}Area"), None)
    if not name or area is None or said.get(f"{_MWG}Type", "Face") != "Face":
        return None
    at = properties(area)
    numbers = _numbers([at.get(f"{_AREA}{edge}", "") for edge in "xywh"])
    if numbers is None or at.get(f"{_AREA}unit", "normalized") != "normalized":
        return None
    x, y, width, height = numbers
    return NamedRegion(name, Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2))


def _numbers(texts: list[str]) -> tuple[float, ...] | None:
    """x, y, width and height as shares; None for anything else."""
    try:
        numbers = tuple(float(text) for text in texts)
    except ValueError:
        return None
    fine = len(numbers) == 4 and all(0 <= number <= 1 for number in numbers) and min(numbers[2:]) > 0
    return numbers if fine else None
