"""XMP, in a photo or in a file beside it: parsed safely, and which way up it says the photo is."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

log = logging.getLogger(__name__)

LARGEST_BYTES = 8 << 20
"""Larger XMP is ignored: a packet with a thousand faces has less than one megabyte."""

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_ORIENTATION = "{http://ns.adobe.com/tiff/1.0/}Orientation"


def beside(path: Path) -> Iterator[bytes]:
    """What is in photo.jpg.xmp and photo.xmp, where they are."""
    for file in (path.with_name(f"{path.name}.xmp"), path.with_suffix(".xmp")):
        try:
            if file.stat().st_size <= LARGEST_BYTES:
                yield file.read_bytes()
        except OSError:
            continue


def parsed(packet: bytes) -> Element | None:
    """None for what is no XMP, or declares entities, or is too large."""
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    if not packet or len(packet) > LARGEST_BYTES:
        return None
    try:
        root: Element = fromstring(packet.strip(b"\0 \r\n\t"))
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        log.debug("XMP that is no XML: %s", error)
        return None
    return root


def properties(node: Element) -> dict[str, str]:
    """The plain properties of a node: RDF has them as attributes or as elements, also within a Description."""
    found = dict(node.attrib)
    for child in node:
        if child.tag == f"{RDF}Description":
            found |= properties(child)
        elif len(child) == 0 and child.text:
            found[child.tag] = child.text.strip()
    return found


def orientation(path: Path) -> int:
    """The EXIF orientation, 1 to 8, that the files beside a photo tell, 1 where they tell none."""
    for root in map(parsed, beside(path)):
        if root is None:
            continue
        for node in root.iter(f"{RDF}RDF"):
            told = properties(node).get(_ORIENTATION, "")
            if told in set("12345678"):
                return int(told)
    return 1
