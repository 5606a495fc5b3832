"""Reads names and face positions that other programs wrote into photos or XMP sidecars.

Two formats are supported: the regions of the Metadata Working Group (digiKam, Lightroom, Picasa, ACDSee;
"Guidelines for handling image metadata" 2.0, 5.9) and Microsoft's people tags (Windows Photo Gallery). Positions
are fractions of the picture as stored, before the EXIF rotation. AppliedToDimensions, the size of the picture on
which they were drawn, reveals if they are not.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from faceid_core.errors import SidecarUnusable, UnreadableImage
from faceid_core.geometry import SAME_FACE_IOU
from faceid_core.media import images, xmp
from faceid_core.media.orientation import upright
from faceid_core.media.xmp import RDF, properties
from faceid_core.values import Box

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

log = logging.getLogger(__name__)

MWG = "{http://www.metadataworkinggroup.com/schemas/regions/}"
AREA = "{http://ns.adobe.com/xmp/sType/Area#}"
DIMENSIONS = "{http://ns.adobe.com/xap/1.0/sType/Dimensions#}"
MICROSOFT = "{http://ns.microsoft.com/photo/1.2/t/Region#}"

SAME_SHAPE = 0.01
"""Maximum relative difference in aspect ratio between two sizes of the same picture. Crops by RAW converters differ
by 0.2%, rounding a side of 100 pixels by 0.5%; 4:3 and 3:2 differ by 12%."""

SAME_PLACE_IOU = 0.8
"""Minimum IoU at which two regions are the same rectangle, whatever their names."""

MOST_REGIONS = 2000
"""Maximum faces in a packet: each is compared with all before it."""

NO_PLACE = "its position can't be read"
OUTSIDE = "its position is outside the picture"
OTHER_SHAPE = "it was drawn on a picture of another shape: the photo has since been rotated or cropped"
UNCLEAR = "the orientation of its picture when its position was written is unknown"
RENAMED = "a source with higher priority has another name at the same position"

Size = tuple[float, float]
"""Width and height in pixels."""


@dataclass(frozen=True, slots=True)
class NamedRegion:
    """A name and the position of its face, as fractions (0 to 1) of the picture's width and height.

    other: the position if the program that wrote it meant the upright picture, although the guidelines mean the
    stored one. If AppliedToDimensions has the upright shape, only the faces can tell, because both kinds exist.
    """

    name: str
    box: Box
    other: Box | None = None


@dataclass(frozen=True, slots=True)
class UnusableName:
    """A name that can't be assigned to a face, and the reason as a clause. name is "" for a whole file."""

    name: str
    reason: str


@dataclass(slots=True)
class PhotoNames:
    """The names in a photo and its sidecars. The same face in two formats is one region. people: names without a
    position."""

    regions: list[NamedRegion] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    unusable: list[UnusableName] = field(default_factory=list)

    def add(self, region: NamedRegion) -> None:
        """Add a region unless it is known. If two disagree, the first one wins."""
        same = [old for old in self.regions if _same(old, region)]
        if not same:
            self.regions.append(region)
        elif all(old.name != region.name for old in same):
            self.unusable.append(UnusableName(region.name, RENAMED))


@dataclass(frozen=True, slots=True)
class Packet:
    """The names in a packet, relative to the picture on which they were drawn. drawn_on: its size, if given."""

    regions: list[NamedRegion]
    unusable: list[UnusableName]
    drawn_on: Size | None


def of_photo(path: Path) -> list[NamedRegion]:
    """Return the names in a photo and its sidecars, on the upright picture, each position once. Returns nothing for
    files that don't exist or can't be read."""
    return survey(path).regions


def survey(path: Path) -> PhotoNames:
    """Return all names in a photo and its sidecars, on the upright picture, and those that can't be used."""
    found = PhotoNames()
    try:
        photo = images.described(path)
    except UnreadableImage as error:
        log.debug("No names can be read: %s", error)
        return found
    for text, where in _packets(path, photo.packet, found.unusable):
        try:
            packet = read(xmp.parse(text))
        except SidecarUnusable as error:
            found.unusable.append(UnusableName("", f"{where} names nobody: {error}"))
            continue
        add_packet(found, packet, photo)
    return found


def _packets(path: Path, embedded: bytes, unusable: list[UnusableName]) -> Iterator[tuple[bytes, str]]:
    for file in xmp.sidecars(path):
        try:
            yield xmp.load(file), file.name
        except SidecarUnusable as error:
            unusable.append(UnusableName("", f"{file.name} names nobody: {error}"))
    if embedded:
        yield embedded, "the XMP in the photo"


def add_packet(found: PhotoNames, packet: Packet, photo: images.Described) -> None:
    """Add the names in a packet, mapped to the upright photo, unless they were drawn on a different picture."""
    found.unusable += packet.unusable
    drawn = drawn_pictures(packet.drawn_on, (photo.width, photo.height), photo.orientation)
    if not drawn:
        found.unusable += [UnusableName(region.name, OTHER_SHAPE) for region in packet.regions]
        return
    for region in packet.regions:
        other = region.box if len(drawn) > 1 else None
        found.add(replace(region, box=upright(region.box, photo.orientation), other=other))


def drawn_pictures(drawn_on: Size | None, stored: Size, orientation: int) -> tuple[str, ...]:
    """Return on which pictures regions may have been drawn, more likely first; none if neither has that shape.

    >>> drawn_pictures((400, 640), (400, 640), 6), drawn_pictures((640, 400), (400, 640), 6)
    (('stored',), ('stored', 'upright'))
    >>> drawn_pictures((600, 800), (800, 600), 1)
    ()
    """
    turned = stored[::-1] if orientation >= 5 else stored
    if drawn_on is None or drawn_on == stored or (same_shape(drawn_on, stored) and drawn_on != turned):
        return ("stored",)
    return ("stored", "upright") if same_shape(drawn_on, turned) else ()


def same_shape(one: Size, other: Size) -> bool:
    """Whether two sizes can be of the same picture."""
    across, along = one[0] * other[1], one[1] * other[0]
    return abs(across - along) <= SAME_SHAPE * max(across, along)


def _same(one: NamedRegion, other: NamedRegion) -> bool:
    return one.box.iou(other.box) >= (SAME_FACE_IOU if one.name == other.name else SAME_PLACE_IOU)


# --- packets ----------------------------------------------------------------------------------------------------
def regions(packet: bytes) -> list[NamedRegion]:
    """Return the named faces in an XMP packet, relative to the picture on which they were drawn; none if
    invalid."""
    root = xmp.parsed(packet)
    try:
        return [] if root is None else read(root).regions
    except SidecarUnusable:
        return []


def read(root: Element) -> Packet:
    """The names of a parsed packet. Raises SidecarUnusable for more than anybody can have drawn."""
    found = Packet([], [], _drawn_on(root))
    for item in root.iter(f"{RDF}li"):
        region = region_of(item)
        if isinstance(region, NamedRegion):
            found.regions.append(region)
        elif region is not None:
            found.unusable.append(region)
    if len(found.regions) + len(found.unusable) > MOST_REGIONS:
        raise SidecarUnusable(f"it names more than {MOST_REGIONS:,} faces")
    return found


def _drawn_on(root: Element) -> Size | None:
    for node in root.iter(f"{MWG}AppliedToDimensions"):
        told = properties(node)
        size = _floats([told.get(f"{DIMENSIONS}{side}", "") for side in "wh"])
        if size and min(size) > 0 and told.get(f"{DIMENSIONS}unit", "pixel") == "pixel":
            return size[0], size[1]
    return None


def region_of(item: Element) -> NamedRegion | UnusableName | None:
    """Convert an rdf:li to a region, relative to the picture on which it was drawn; None if it names no face."""
    told = properties(item)
    if f"{MICROSOFT}Rectangle" in told or f"{MICROSOFT}PersonDisplayName" in told:
        name = told.get(f"{MICROSOFT}PersonDisplayName", "")
        return _placed(name, told.get(f"{MICROSOFT}Rectangle", "").split(","), _from_corner)
    area = next(item.iter(f"{MWG}Area"), None)
    if told.get(f"{MWG}Type", "Face") != "Face":
        return None
    at = {} if area is None else properties(area)
    shares = at.get(f"{AREA}unit", "normalized") == "normalized"
    edges = [at.get(f"{AREA}{edge}", "") if shares else "" for edge in "xywh"]
    return _placed(told.get(f"{MWG}Name", ""), edges, _from_middle)


def _from_corner(x: float, y: float, width: float, height: float) -> Box:
    return Box(x, y, x + width, y + height)


def _from_middle(x: float, y: float, width: float, height: float) -> Box:
    return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def from_middle(name: str, edges: Sequence[float]) -> NamedRegion | UnusableName | None:
    """Return a region from its centre and size, as fractions; None without a name."""
    return _placed(name, [str(edge) for edge in edges], _from_middle)


def _placed(
    name: str, edges: list[str], box_of: Callable[[float, float, float, float], Box]
) -> NamedRegion | UnusableName | None:
    """Return a region, clipped to the picture, from edges as fractions of the sides."""
    if not name.strip():
        return None
    numbers = _floats(edges)
    if numbers is None or len(numbers) != 4 or not all(0 < side <= 1 for side in numbers[2:]):
        return UnusableName(name, NO_PLACE)
    box = box_of(*numbers)
    inside = Box(max(box.left, 0.0), max(box.top, 0.0), min(box.right, 1.0), min(box.bottom, 1.0))
    if inside.width <= 0 or inside.height <= 0 or inside.area < box.area / 2:
        return UnusableName(name, OUTSIDE)
    return NamedRegion(name, inside)


def _floats(texts: Iterable[str]) -> tuple[float, ...] | None:
    """Parse finite numbers; None if one is invalid."""
    try:
        numbers = tuple(float(text) for text in texts)
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None
