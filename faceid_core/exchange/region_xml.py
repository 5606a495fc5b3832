"""Regions and lists of names as XML, in prefixes of our own."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

from faceid_core.exchange.face_regions import AREA, DIMENSIONS, MICROSOFT, MWG, NamedRegion
from faceid_core.media.xmp import RDF

MP, MPRI = "{http://ns.microsoft.com/photo/1.2/}", "{http://ns.microsoft.com/photo/1.2/t/RegionInfo#}"
DC, IPTC = "{http://purl.org/dc/elements/1.1/}", "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"

PREFIXES = {MWG: "mwg-rs", AREA: "stArea", DIMENSIONS: "stDim", MICROSOFT: "MPReg", MP: "MP", MPRI: "MPRI",
             DC: "dc", IPTC: "Iptc4xmpExt", RDF: "rdf"}  # fmt: skip


def make_element(name: str, attributes: Mapping[str, str], inside: str = "") -> str:
    """An element; names are in the form {namespace}local. inside: XML."""
    told = "".join(f" {prefixed(key)}={quoteattr(value)}" for key, value in attributes.items())
    tag = prefixed(name)
    return f"<{tag}{told}>{inside}</{tag}>" if inside else f"<{tag}{told}/>"


def prefixed(name: str) -> str:
    """The name, given as {namespace}local, with its prefix."""
    namespace, _, local = name.rpartition("}")
    return f"{PREFIXES[namespace + '}']}:{local}"


def mwg_item(region: NamedRegion) -> str:
    """A region in the form of the Metadata Working Group."""
    box = region.box
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    at = {f"{AREA}{edge}": number(share) for edge, share in zip("xywh", (x, y, box.width, box.height), strict=True)}
    area = make_element(f"{MWG}Area", {**at, f"{AREA}unit": "normalized"})
    face = {f"{MWG}Name": region.name, f"{MWG}Type": "Face"}
    return make_element(f"{RDF}li", {}, make_element(f"{RDF}Description", face, area))


def microsoft_item(region: NamedRegion) -> str:
    """A region in Microsoft's form."""
    box = region.box
    place = ", ".join(map(number, (box.left, box.top, box.width, box.height)))
    return make_element(f"{RDF}li", {f"{MICROSOFT}Rectangle": place, f"{MICROSOFT}PersonDisplayName": region.name})


def number(share: float) -> str:
    """A share with six digits, without the zeros at its end."""
    return f"{share:.6f}".rstrip("0").rstrip(".")
