"""Apple Photos: the JSON sidecars of `osxphotos export --sidecar json`, with ExifTool's field names.

Regions are as in XMP: centre and size as fractions of the picture, whose dimensions are given. Without regions,
people are named without a position.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faceid_core.errors import UnreadableImage
from faceid_core.exchange import json_beside
from faceid_core.exchange.face_regions import (
    NO_PLACE,
    NamedRegion,
    Packet,
    PhotoNames,
    Size,
    UnusableName,
    add_packet,
    from_middle,
)
from faceid_core.media import images

NAMES, PEOPLE = "RegionName", "PersonInImage"


def survey(path: Path) -> PhotoNames:
    """Return the people in a photo exported from Apple Photos."""
    found = PhotoNames()
    file = json_beside.first(_candidates(path))
    if file is None:
        return found
    try:
        told = _fields(json_beside.read(file))
    except (OSError, ValueError, RecursionError) as error:
        if not isinstance(error, OSError) and not _is_exiftools(file):
            return found  # another program's sidecar, handled by its own reader
        found.unusable.append(json_beside.unusable(file, "ExifTool", error))
        return found
    if told is not None:
        _add(found, path, told)
    return found


def _candidates(path: Path) -> Iterator[Path]:
    """Yield photo.jpg.json, and photo.json as written by older versions."""
    yield path.with_name(f"{path.name}.json")
    yield path.with_suffix(".json")


def _is_exiftools(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return b"SourceFile" in opened.read(4096)
    except OSError:
        return False


def _fields(told: Any) -> dict[str, Any] | None:
    """Return ExifTool's fields without their group names; None for JSON of other programs."""
    first = told[0] if isinstance(told, list) and len(told) == 1 else None
    if not isinstance(first, dict) or "SourceFile" not in first:
        return None
    return {name.rpartition(":")[2]: value for name, value in first.items()}


def _add(found: PhotoNames, path: Path, told: dict[str, Any]) -> None:
    names = _texts(told.get(NAMES))
    if names:
        try:
            photo = images.described(path)
        except UnreadableImage:
            return
        add_packet(found, _packet(names, told), photo)
    placed = {region.name for region in found.regions} | {each.name for each in found.unusable}
    people = [name for name in dict.fromkeys(_texts(told.get(PEOPLE))) if name.strip() and name not in placed]
    found.people += [name for name in people if name != "_UNKNOWN_"]


def _packet(names: list[str], told: dict[str, Any]) -> Packet:
    packet = Packet([], [], _size(told))
    kinds, units = (_list(told.get(field)) for field in ("RegionType", "RegionAreaUnit"))
    edges = [_list(told.get(f"RegionArea{edge}")) for edge in "XYWH"]
    for place, name in enumerate(names):
        if _at(kinds, place, "Face") != "Face":
            continue
        numbers = [_at(edge, place, None) for edge in edges]
        usable = _at(units, place, "normalized") == "normalized" and all(_is_number(each) for each in numbers)
        region = from_middle(name, [float(each) for each in numbers]) if usable else UnusableName(name, NO_PLACE)
        if isinstance(region, NamedRegion):
            packet.regions.append(region)
        elif region is not None:
            packet.unusable.append(region)
    return packet


def _size(told: dict[str, Any]) -> Size | None:
    width, height = (told.get(f"RegionAppliedToDimensions{side}") for side in "WH")
    return (float(width), float(height)) if _is_number(width) and _is_number(height) and width and height else None


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return not isinstance(value, bool)


def _list(value: Any) -> list[Any]:
    """Return a list: ExifTool writes a list with one item as just the item."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _texts(value: Any) -> list[str]:
    return [
        json_beside.text(each if isinstance(each, str) else str(each))
        for each in _list(value)
        if isinstance(each, str | int | float)
    ]


def _at(values: list[Any], place: int, otherwise: Any) -> Any:
    return values[place] if place < len(values) else otherwise
