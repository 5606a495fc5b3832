"""Writes names into XMP, next to those of other programs. Only names that faceid wrote are ever removed.

Each name goes into the regions of the Metadata Working Group and Microsoft's people tags and, optionally, into
dc:subject and Iptc4xmpExt:PersonInImage. Not a byte of the rest of the packet is changed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from faceid_core.errors import SidecarUnusable
from faceid_core.exchange.face_regions import (
    DIMENSIONS,
    MICROSOFT,
    MWG,
    OTHER_SHAPE,
    NamedRegion,
    UnusableName,
    drawn_pictures,
    read,
    region_of,
)
from faceid_core.exchange.region_xml import DC, IPTC, MP, MPRI, PREFIXES, make_element, microsoft_item, mwg_item
from faceid_core.exchange.xml_spans import Document, Node
from faceid_core.geometry import SAME_FACE_IOU
from faceid_core.media import xmp
from faceid_core.media.images import Described
from faceid_core.media.orientation import as_drawn, upright
from faceid_core.media.xmp import RDF
from faceid_core.values import Box

TEXT_FIELDS = {"subject": f"{DC}subject", "person-in-image": f"{IPTC}PersonInImage"}
"""Optional lists of plain names: keywords, and IPTC's people."""

PLACELESS = "person-in-image"
"""The field of IPTC's people, who need no region."""

FORMS = ("mwg", "microsoft")
SIZE = "size"
"""The form of the entry that records that faceid also wrote AppliedToDimensions."""

UNMOVED_IOU = 0.9
"""Minimum IoU at which a face counts as unmoved: smaller shifts are not worth rewriting a file."""

CLASH_IOU = 0.5
"""Minimum IoU at which a region with another name counts as the same face."""

NEW = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that faceid wrote into a packet. name: a hash, so that the record names nobody; box: as fractions
    of the upright picture, () in a list of plain names."""

    form: str
    name: str
    box: tuple[float, ...] = ()

    def is_at(self, region: NamedRegion) -> bool:
        """Whether a region is this one, apart from rounding."""
        return self.name == hashed(region.name) and Box(*self.box).iou(region.box) > 0.98


@dataclass(frozen=True, slots=True)
class Merged:
    """packet: the new bytes, or the old ones if nothing changed; entries: everything in it that faceid wrote;
    added, removed: names; conflicts: names that were not written, and why."""

    packet: bytes
    entries: tuple[Entry, ...]
    added: int = 0
    removed: int = 0
    conflicts: tuple[UnusableName, ...] = ()


def hashed(name: str) -> str:
    """Return the hash that represents a name in the record of what was written."""
    return hashlib.sha256(f"faceid\0{name}".encode()).hexdigest()[:20]


def merge(
    packet: bytes | None,
    wanted: Sequence[NamedRegion],
    picture: Described,
    ours: Collection[Entry] = (),
    fields: Collection[str] = (),
    without_face: Sequence[str] = (),
) -> Merged:
    """Update a packet to contain these names, and none of the others in `ours`, which were written before.

    packet: None if there is none. wanted: boxes as fractions of the upright picture. fields: some of TEXT_FIELDS.
    without_face: names of people on the picture without a region; they are always written into PLACELESS.
    Raises SidecarUnusable.
    """
    if packet is None and not wanted and not without_face:
        return Merged(b"", ())
    merging = _Merging(packet or NEW.encode(), picture, ours)
    merging.regions(wanted)
    for field, name in TEXT_FIELDS.items():
        names = [region.name for region in wanted if region not in merging.clashing] if field in fields else []
        names += without_face if field in (*fields, PLACELESS) else []
        merging.plain(field, name, list(dict.fromkeys(names)))
    if not merging.document.is_changed:
        return Merged(packet or b"", tuple(merging.entries), conflicts=tuple(merging.conflicts))
    merged = merging.document.changed()
    _check(merged, [region for region in wanted if region not in merging.clashing])
    before, after = _names_of(ours), _names_of(merging.entries)
    counts = len(after - before), len(before - after)
    return Merged(merged, tuple(merging.entries), *counts, tuple(merging.conflicts))


def _names_of(entries: Collection[Entry]) -> set[str]:
    return {entry.name for entry in entries if entry.form != SIZE}


def _check(packet: bytes, wanted: Sequence[NamedRegion]) -> None:
    """Check that what was written can be read back, whatever else is in the packet."""
    there = {region.name for region in read(xmp.parse(packet)).regions}
    if not there.issuperset(region.name for region in wanted):
        raise SidecarUnusable("it has a form that names can't be added to")


@dataclass(slots=True)
class _Item:
    """A region in the packet, on the upright picture."""

    node: Node
    region: NamedRegion
    entry: Entry | None


class _Merging:
    """The changes to one packet."""

    def __init__(self, packet: bytes, picture: Described, ours: Collection[Entry]) -> None:
        self.document = Document(packet)
        self._element = xmp.parse(packet)
        rdf = next(self.document.root.iter(f"{RDF}RDF"), None)
        if rdf is None:
            raise SidecarUnusable("it holds no XMP (there is no rdf:RDF in it)")
        self._rdf = rdf
        self._picture, self._ours = picture, ours
        self.entries: list[Entry] = []
        self.conflicts: list[UnusableName] = []
        self.clashing: list[NamedRegion] = []
        self._gone: set[Node] = set()
        self._cut: set[Node] = set()

    # --- regions ------------------------------------------------------------------------------------------------
    def regions(self, wanted: Sequence[NamedRegion]) -> None:
        """Update both formats of regions."""
        turn = self._turn(wanted)
        if turn is None and not self._remove_ours():
            self._refuse_shape(wanted)
            return
        turn = turn or self._picture.orientation
        items = {form: list(self._items(form, turn)) for form in FORMS}
        others = [item.region for form in items.values() for item in form if item.entry is None]
        for region in wanted:
            if clash := self._clash(region, others, wanted):
                self.clashing.append(region)
                self.conflicts.append(UnusableName(region.name, f"the file calls this face “{clash}”"))
        for form, there in items.items():
            self._form(form, there, wanted, turn)
        self._keep_size()

    def _turn(self, wanted: Sequence[NamedRegion]) -> int | None:
        """Return the orientation that maps existing regions to the upright picture, 1 if they are already relative
        to it. If unclear, the one in which more regions are on known faces; None if they fit neither."""
        orientation = self._picture.orientation
        stored = (self._picture.width, self._picture.height)
        turns = {"stored": orientation, "upright": 1}
        possible = [turns[drawn] for drawn in drawn_pictures(read(self._element).drawn_on, stored, orientation)]
        return max(possible, key=lambda turn: self._on_faces(turn, wanted), default=None)

    def _on_faces(self, turn: int, wanted: Sequence[NamedRegion]) -> int:
        there = [item.region.box for form in FORMS for item in self._items(form, turn)]
        return sum(any(box.iou(region.box) >= SAME_FACE_IOU for region in wanted) for box in there)

    def _remove_ours(self) -> bool:
        """Remove all regions if faceid wrote all of them, before the picture changed its shape. Returns whether it
        did."""
        for turn in range(1, 9):
            items = [item for form in FORMS for item in self._items(form, turn)]
            if all(item.entry is not None for item in items):
                self._gone.update(item.node for item in items)
                return True
        return False

    def _refuse_shape(self, wanted: Sequence[NamedRegion]) -> None:
        self.entries += [entry for entry in self._ours if entry.box]
        self.clashing += wanted
        self.conflicts += [UnusableName(region.name, OTHER_SHAPE) for region in wanted]

    def _items(self, form: str, turn: int) -> Iterator[_Item]:
        nodes = self.document.root.iter(f"{RDF}li")
        for node, element in zip(nodes, self._element.iter(f"{RDF}li"), strict=True):
            region = region_of(element)
            if isinstance(region, NamedRegion) and node not in self._gone and _form_of(node) == form:
                there = NamedRegion(region.name, upright(region.box, turn))
                mine = (entry for entry in self._ours if entry.form == form and entry.is_at(there))
                yield _Item(node, there, next(mine, None))

    @staticmethod
    def _clash(region: NamedRegion, others: Sequence[NamedRegion], wanted: Sequence[NamedRegion]) -> str | None:
        for other in others:
            is_known = any(_is_same(other, each) for each in wanted)
            if not is_known and other.box.iou(region.box) >= CLASH_IOU:
                return other.name
        return None

    def _form(self, form: str, there: Sequence[_Item], wanted: Sequence[NamedRegion], turn: int) -> None:
        kept: list[NamedRegion] = []
        for item in there:
            same = [region for region in wanted if _is_same(item.region, region)]
            stays = any(
                region in self.clashing or item.region.box.iou(region.box) >= UNMOVED_IOU for region in same
            )
            if item.entry is not None and not stays:
                self._remove(item.node)
                continue
            kept += same
            if item.entry is not None:
                self.entries.append(item.entry)
        new = [region for region in wanted if region not in kept and region not in self.clashing]
        write = self._write_mwg if form == "mwg" else self._write_microsoft
        if new:
            write([NamedRegion(region.name, as_drawn(region.box, turn)) for region in new])
            self.entries += [Entry(form, hashed(each.name), _rounded(each.box)) for each in new]
        self._clear({f"{MWG}Regions", f"{MP}RegionInfo"})

    def _write_mwg(self, regions: Sequence[NamedRegion]) -> None:
        struct = self._struct(f"{MWG}Regions")
        size = {f"{DIMENSIONS}w": str(self._picture.width), f"{DIMENSIONS}h": str(self._picture.height),
                f"{DIMENSIONS}unit": "pixel"}  # fmt: skip
        applied = make_element(f"{MWG}AppliedToDimensions", size)
        make = [mwg_item(region) for region in regions]
        if struct is None:
            inside = applied + make_element(f"{MWG}RegionList", {}, make_element(f"{RDF}Bag", {}, "".join(make)))
            self._describe(f"{MWG}Regions", inside)
            return
        if struct.find(f"{MWG}AppliedToDimensions") is None:
            self._add(struct, applied)
            self.entries.append(Entry(SIZE, ""))
        self._into_list(struct, f"{MWG}RegionList", make)

    def _keep_size(self) -> None:
        """Keep or remove the size that faceid added to other programs' regions: it goes with faceid's last
        region."""
        size = self._rdf.find(f"{MWG}AppliedToDimensions")
        if size is None or not any(entry.form == SIZE for entry in self._ours):
            return
        if any(entry.form == "mwg" for entry in self.entries):
            self.entries.append(Entry(SIZE, ""))
        elif self._struct(f"{MWG}Regions") is not None:  # otherwise, it is removed as a whole
            self.document.cut(size)

    def _write_microsoft(self, regions: Sequence[NamedRegion]) -> None:
        struct = self._struct(f"{MP}RegionInfo")
        make = [microsoft_item(region) for region in regions]
        if struct is None:
            self._describe(
                f"{MP}RegionInfo", make_element(f"{MPRI}Regions", {}, make_element(f"{RDF}Bag", {}, "".join(make)))
            )
        else:
            self._into_list(struct, f"{MPRI}Regions", make)

    # --- plain names --------------------------------------------------------------------------------------------
    def plain(self, field: str, name: str, wanted: Sequence[str]) -> None:
        """Update a list of plain names."""
        ours = {entry.name for entry in self._ours if entry.form == field}
        node = self._rdf.find(name)
        there = [] if node is None else list(node.iter(f"{RDF}li"))
        for item in there:
            mine = hashed(item.text.strip()) in ours
            if mine and item.text.strip() not in wanted:
                self._remove(item)
            elif mine:
                self.entries.append(Entry(field, hashed(item.text.strip())))
        new = [each for each in wanted if each not in {item.text.strip() for item in there}]
        items = [make_element(f"{RDF}li", {}, escape(each)) for each in new]
        if items and node is None:
            self._describe(name, make_element(f"{RDF}Bag", {}, "".join(items)), is_struct=False)
        elif items and node is not None:
            self._into_bag(node, items)
        self.entries += [Entry(field, hashed(each)) for each in new]
        self._clear({name})

    # --- the packet --------------------------------------------------------------------
    def _struct(self, name: str) -> Node | None:
        """Return the node with a structure's fields: the element itself, or the Description in it. None if it is
        removed or does not exist."""
        node = self._rdf.find(name)
        if node is None or self._goes(node):
            return None
        return next((child for child in node.children if child.name == f"{RDF}Description"), node)

    def _goes(self, node: Node) -> bool:
        items = [item for item in node.iter(f"{RDF}li") if item not in self._gone]
        return not items and any(item in self._gone for item in node.iter(f"{RDF}li"))

    def _into_list(self, struct: Node, name: str, items: Sequence[str]) -> None:
        node = struct.find(name)
        if node is None:
            self._add(struct, make_element(name, {}, make_element(f"{RDF}Bag", {}, "".join(items))))
        else:
            self._into_bag(node, items)

    def _into_bag(self, node: Node, items: Sequence[str]) -> None:
        bag = next((child for child in node.children if child.name in (f"{RDF}Bag", f"{RDF}Seq")), None)
        if bag is None:
            self._add(node, make_element(f"{RDF}Bag", {}, "".join(items)))
            return
        for item in items:
            self._add(bag, item)

    def _describe(self, name: str, inside: str, *, is_struct: bool = True) -> None:
        """Add a missing property in a separate Description, so that no other element is changed."""
        first = next((child for child in self._rdf.children if child.name == f"{RDF}Description"), None)
        about = first.attributes.get(f"{RDF}about", "") if first else ""
        kind = {f"{RDF}parseType": "Resource"} if is_struct else {}
        described = make_element(f"{RDF}Description", {f"{RDF}about": about}, make_element(name, kind, inside))
        self._add(self._rdf, described)

    def _add(self, parent: Node, xml: str) -> None:
        """Add an element, declaring the prefixes that are not in scope. All prefixes within the element are
        ours."""
        missing = [f' xmlns:{prefix}="{name[1:-1]}"' for name, prefix in PREFIXES.items()
                   if f"{prefix}:" in xml and parent.prefixes.get(prefix) != name[1:-1]]  # fmt: skip
        end_of_name = re.search(r"[\s/>]", xml)
        assert end_of_name
        self.document.add(parent, "".join([xml[: end_of_name.start()], *missing, xml[end_of_name.start() :]]))

    def _remove(self, node: Node) -> None:
        self._gone.add(node)

    def _clear(self, names: Collection[str]) -> None:
        """Remove items. A property is removed with its last item, and so is a Description that contained only
        it."""
        for node in [each for each in self._rdf.iter() if each.name in names]:
            gone = [item for item in node.iter(f"{RDF}li") if item in self._gone - self._cut]
            if not gone:
                continue
            self._cut.update(gone)
            if not self._goes(node):
                cut = gone
            else:
                parent = node.parent
                alone = (
                    parent is not None
                    and parent.children == [node]
                    and not set(parent.attributes) - {f"{RDF}about"}
                )
                cut = [parent if alone and parent is not None else node]
            for each in cut:
                self.document.cut(each)


def _is_same(one: NamedRegion, other: NamedRegion) -> bool:
    return one.name.casefold() == other.name.casefold() and one.box.iou(other.box) >= SAME_FACE_IOU


def _rounded(box: Box) -> tuple[float, ...]:
    return tuple(round(edge, 6) for edge in box.as_tuple())


def _form_of(node: Node) -> str:
    names = (name for each in node.iter() for name in (each.name, *each.attributes))
    return "microsoft" if any(name.startswith(MICROSOFT) for name in names) else "mwg"
