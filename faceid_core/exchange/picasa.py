"""Picasa: a .picasa.ini in each folder has the faces of its photos, by contact id."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from faceid_core.errors import SidecarUnusable, UnreadableImage
from faceid_core.exchange.face_regions import NO_PLACE, NamedRegion, PhotoNames, UnusableName
from faceid_core.media import images, small_file, xmp
from faceid_core.values import Box

NOBODY = "ffffffffffffffff"
"""The contact of a face without a name."""

UPWARDS = 4
"""How many parent folders are searched for contacts.xml, which Picasa keeps with its own data."""

TURNED = "Picasa's places are only taken on photos that are neither turned nor cropped"
NO_CONTACT = "its contact is in no contacts.xml"
_FACE = re.compile(r"rect64\(([0-9a-f]{1,16})\),([0-9a-f]{1,16})", re.IGNORECASE)

Sections = dict[str, dict[str, str]]


def survey(path: Path) -> PhotoNames:
    """Return the names in a photo from its folder's .picasa.ini."""
    found = PhotoNames()
    for name in (".picasa.ini", "Picasa.ini"):
        file = path.with_name(name)
        try:
            sections = _sections(file, file.stat().st_mtime_ns)
        except FileNotFoundError:
            continue
        except (OSError, SidecarUnusable) as error:
            reason = getattr(error, "strerror", None) or str(error)
            found.unusable.append(UnusableName("", f"{name} names nobody: {reason}"))
            continue
        _add(found, path, sections)
    return found


def _add(found: PhotoNames, path: Path, sections: Sections) -> None:
    photo = _section_of(path, sections)
    faces = _FACE.findall(photo.get("faces", ""))
    if not faces:
        return
    turned = _is_turned(path, photo)
    names = {**_contacts_above(path.parent), **_contacts(sections)}
    for place, contact in faces:
        number = contact.lower().zfill(16)
        if number == NOBODY:
            continue
        name, box = names.get(number, ""), _box(place)
        if name and not turned and box is not None:
            found.add(NamedRegion(name, box))
        else:
            reason = TURNED if turned else NO_PLACE if name else NO_CONTACT
            found.unusable.append(UnusableName(name or f"contact {number}", reason))


def _section_of(path: Path, sections: Sections) -> dict[str, str]:
    """Windows makes no difference between IMG_1.JPG and img_1.jpg; where both are there, each has its own."""
    if path.name in sections:
        return sections[path.name]
    folded = path.name.casefold()
    other = next((name for name in sections if name.casefold() == folded), None)
    if other is None or (small_file.is_there(path.with_name(other)) and not path.with_name(other).samefile(path)):
        return {}
    return sections[other]


def _is_turned(path: Path, photo: dict[str, str]) -> bool:
    """Whether it is unclear on which picture the faces were drawn: as stored, rotated or cropped."""
    try:
        orientation = images.described(path).orientation
    except UnreadableImage:
        return True
    rotated = photo.get("rotate", "rotate(0)") != "rotate(0)"
    return orientation != 1 or rotated or "crop" in photo or "crop64" in photo.get("filters", "")


def _box(place: str) -> Box | None:
    """Parse four 16-bit numbers: left, top, right and bottom as fractions of 65535."""
    digits = place.zfill(16)
    left, top, right, bottom = (int(digits[at : at + 4], 16) / 0xFFFF for at in range(0, 16, 4))
    return Box(left, top, right, bottom) if left < right and top < bottom else None


@lru_cache(maxsize=64)
def _sections(file: Path, modified_ns: int) -> Sections:
    """Return the sections of an INI file; the modification time is the cache key. Raises SidecarUnusable."""
    sections: Sections = {}
    here: dict[str, str] = {}
    for line in _decoded(xmp.load(file)).splitlines():
        text = line.strip()
        if text.startswith("[") and text.endswith("]"):
            here = sections.setdefault(text[1:-1], {})
        elif "=" in text:
            key, _, value = text.partition("=")
            here[key.strip()] = value.strip()
    return sections


def _decoded(content: bytes) -> str:
    """UTF-8, with or without a mark at its start; before version 3 in the encoding of Windows."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _contacts(sections: Sections) -> dict[str, str]:
    """Return contact id -> name, from [Contacts2] (Picasa 3.5 and later) and [Contacts]."""
    told = {**sections.get("Contacts", {}), **sections.get("Contacts2", {})}
    return {number.lower().zfill(16): value.split(";")[0].strip() for number, value in told.items()}


def _contacts_above(folder: Path) -> dict[str, str]:
    for parent in (folder, *folder.parents[:UPWARDS]):
        file = parent / "contacts.xml"
        try:
            return _contacts_of(file, file.stat().st_mtime_ns)
        except (OSError, SidecarUnusable):
            continue
    return {}


@lru_cache(maxsize=16)
def _contacts_of(file: Path, modified_ns: int) -> dict[str, str]:
    """Return contact id -> name, from contacts.xml; the modification time is the cache key. Raises
    SidecarUnusable."""
    root = xmp.parse(xmp.load(file))
    told = ((node.get("id", ""), node.get("name", "")) for node in root.iter("contact"))
    return {number.lower().zfill(16): name for number, name in told if number and name}
