"""XMP in photos and sidecar files: safe parsing, finding the sidecars of a photo, and reading the orientation."""

from __future__ import annotations

import codecs
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from faceid_core.errors import SidecarUnusable
from faceid_core.media import small_file
from faceid_core.media.formats import RAW_SUFFIXES

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

log = logging.getLogger(__name__)

LARGEST_BYTES = 8 << 20
"""Larger XMP is refused. A packet with a thousand faces has less than one megabyte."""

DEEPEST = 100
"""XMP's regions are eight elements deep; a file of a million opened tags is no XMP."""

PADDING = b"\0 \r\n\t"
"""Bytes that may surround or pad a packet."""

WIDE_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks. UTF-32's come before UTF-16's, which have the same beginning."""

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_ORIENTATION = "{http://ns.adobe.com/tiff/1.0/}Orientation"
_FOR_EXTENSION = "{http://ns.adobe.com/photoshop/1.0/}SidecarForExtension"


def names_beside(path: Path) -> tuple[Path, Path]:
    """Return the possible names of a photo's sidecar: photo.jpg.xmp and photo.xmp."""
    return path.with_name(f"{path.name}.xmp"), path.with_suffix(".xmp")


def sidecars(path: Path) -> list[Path]:
    """Return the sidecars of a photo, most certain first.

    photo.jpg.xmp belongs to photo.jpg. photo.xmp belongs to the file with the suffix that it contains (Photoshop's
    SidecarForExtension). Without one, it belongs to the camera RAW file of that name, because Adobe's programs
    write sidecars only for RAW files, and if there is none, to every photo of that name.
    """
    named, plain = names_beside(path)
    found = [named] if small_file.is_there(named) else []
    if plain != path and small_file.is_there(plain) and belongs(plain, path):
        found.append(plain)
    return found


def belongs(plain: Path, path: Path) -> bool:
    """Whether photo.xmp is a sidecar of the photo at `path`, of the same stem."""
    try:
        root = parse(load(plain))
    except SidecarUnusable:
        root = None
    said = [properties(node).get(_FOR_EXTENSION, "") for node in root.iter(f"{RDF}RDF")] if root is not None else []
    if extension := next(filter(None, said), ""):
        return extension.lower().lstrip(".") == path.suffix.lower().lstrip(".")
    return path.suffix.lower() in RAW_SUFFIXES or not _has_raw(plain)


def _has_raw(plain: Path) -> bool:
    return any(plain.with_suffix(ending).exists() for suffix in RAW_SUFFIXES for ending in (suffix, suffix.upper()))


def load(file: Path) -> bytes:
    """Return the bytes of an XMP file. Raises SidecarUnusable."""
    try:
        return small_file.content(file, LARGEST_BYTES)
    except OSError as error:
        raise SidecarUnusable(f"it can't be read ({error.strerror})") from error


def beside(path: Path) -> Iterator[bytes]:
    """Yield the content of the sidecars of a photo; those that can't be read are skipped."""
    for file in sidecars(path):
        try:
            yield load(file)
        except SidecarUnusable as error:
            log.debug("An XMP file is left out: %s", error)


def parse(packet: bytes) -> Element:
    """Parse a packet. Raises SidecarUnusable if it is not XML, declares entities, or is too large or too deep."""
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    if len(packet) > LARGEST_BYTES:
        raise SidecarUnusable(f"it is larger than {LARGEST_BYTES >> 20} MB")
    try:
        root: Element = fromstring(_text(packet))
    except DefusedXmlException as error:
        raise SidecarUnusable("it declares XML entities, which XMP never does") from error
    except (ParseError, ValueError, LookupError) as error:
        raise SidecarUnusable(f"it is not XML ({error})") from error
    _refuse_deep(root)
    return root


def _refuse_deep(root: Element) -> None:
    level = [root]
    for _ in range(DEEPEST):
        level = [child for node in level for child in node]
    if level:
        raise SidecarUnusable("it is nested too deeply for XMP")


def _text(packet: bytes) -> bytes | str:
    """Strip the padding. UTF-16 and UTF-32 are decoded first, because a zero byte may be part of a character."""
    for mark, encoding in WIDE_MARKS:
        if packet.startswith(mark):
            return packet[len(mark) :].decode(encoding).strip(PADDING.decode())
    return packet.strip(PADDING)


def parsed(packet: bytes) -> Element | None:
    """Parse a packet. Returns None if it is empty or `parse` refuses it."""
    try:
        return parse(packet) if packet else None
    except SidecarUnusable as error:
        log.debug("XMP that can't be used: %s", error)
        return None


def properties(node: Element) -> dict[str, str]:
    """Return the simple properties of a node: in RDF, they are attributes or elements, also within a
    Description."""
    found = dict(node.attrib)
    for child in node:
        if child.tag == f"{RDF}Description":
            found |= properties(child)
        elif len(child) == 0 and child.text:
            found[child.tag] = child.text.strip()
    return found


def orientation(path: Path) -> int:
    """Return the EXIF orientation, 1 to 8, from the sidecars of a photo; 1 if they have none."""
    for root in map(parsed, beside(path)):
        if root is None:
            continue
        for node in root.iter(f"{RDF}RDF"):
            told = properties(node).get(_ORIENTATION, "")
            if told in set("12345678"):
                return int(told)
    return 1
