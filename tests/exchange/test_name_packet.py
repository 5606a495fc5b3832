"""Names written into XMP: other programs read them where they are, and not a byte of anybody else's changes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from faceid_core.errors import SidecarUnusable
from faceid_core.exchange import name_packet
from faceid_core.exchange.face_regions import OTHER_SHAPE, NamedRegion, of_photo, regions
from faceid_core.exchange.name_packet import Entry, Merged, hashed, merge
from faceid_core.exchange.xml_spans import Document
from faceid_core.media import images, xmp
from faceid_core.media.images import Described
from faceid_core.media.orientation import as_drawn, upright
from faceid_core.values import Box
from tests.exchange.test_face_regions import AREA, PACKET, drawn_on, microsoft, mwg

ADA, BO = NamedRegion("Ada", Box(0.1, 0.2, 0.3, 0.5)), NamedRegion("Bo", Box(0.6, 0.1, 0.8, 0.4))
PICTURE = Described(b"", 1, 640, 400)
BOTH = ("subject", "person-in-image")

FOREIGN = """<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>
<x:xmpmeta   xmlns:x='adobe:ns:meta/' x:xmptk="Some Program 1.0">
<!-- a comment > with < signs -->
<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>
\t<r:Description r:about='uuid:1' xmlns:my='http://example.org/mine' my:a="1" my:b = 'x > y'/>
  <r:Description r:about='uuid:1'
     xmlns:dc='http://purl.org/dc/elements/1.1/'
     xmlns:crs='http://ns.adobe.com/camera-raw-settings/1.0/' crs:Exposure='+0.50'>
    <dc:subject><r:Bag>
      <r:li>Haus &amp; Hof</r:li>
      <r:li>Ärger &#x1F600;</r:li>
    </r:Bag></dc:subject>
    <dc:title><r:Alt><r:li xml:lang='x-default'><![CDATA[<raw>]]></r:li></r:Alt></dc:title>
  </r:Description>
</r:RDF>
</x:xmpmeta>
<?xpacket end='w'?>   \r\n"""


PLAIN = (
    FOREIGN.replace("r:", "rdf:").replace("xmlns:r=", "xmlns:rdf=").replace("x > y", "y").replace(" > with <", "")
)
"""The same as ExifTool reads it, which knows RDF by its prefix and takes any > for the end of a tag."""


def run_exiftool(*arguments: str) -> str:
    """What it prints."""
    if shutil.which("exiftool") is None and os.environ.get("CI") != "true":
        pytest.skip("ExifTool, which tells what other programs read, is not installed")
    done = subprocess.run(["exiftool", *arguments], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def exiftool(path: Path) -> dict[str, Any]:
    """What other programs read in a file."""
    found: dict[str, Any] = json.loads(run_exiftool("-json", "-struct", "-n", "-G1", "-XMP:all", str(path)))[0]
    return found


def boxes(found: dict[str, Any], side: str) -> dict[str, Box]:
    """Name -> the box that ExifTool reads, in shares of the picture as stored."""
    if side == "microsoft":
        tags = found["XMP-MP:RegionInfoMP"]["Regions"]
        places = {tag["PersonDisplayName"]: [float(n) for n in str(tag["Rectangle"]).split(",")] for tag in tags}
        return {name: Box(x, y, x + w, y + h) for name, (x, y, w, h) in places.items()}
    areas = {item["Name"]: item["Area"] for item in found["XMP-mwg-rs:RegionInfo"]["RegionList"]}
    middle = {name: (a["X"], a["Y"], a["W"] / 2, a["H"] / 2) for name, a in areas.items()}
    return {name: Box(x - w, y - h, x + w, y + h) for name, (x, y, w, h) in middle.items()}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_other_programs_and_we_read_each_box_where_it_is(orientation: int, tmp_path: Path) -> None:
    """To less than a pixel of a large picture, whichever way up it is stored."""
    width, height = 6000, 4000
    path, exif = tmp_path / "photo.jpg", Pillow.Exif()
    exif[0x0112] = orientation
    Pillow.new("RGB", (width, height)).save(path, exif=exif, quality=1)
    wanted = [ADA, BO]
    packet = merge(None, wanted, images.described(path)).packet
    (sidecar := tmp_path / "photo.jpg.xmp").write_bytes(packet)
    read = {region.name: region.box for region in of_photo(path)}
    told = exiftool(sidecar)
    assert told["XMP-mwg-rs:RegionInfo"]["AppliedToDimensions"] == {"W": width, "H": height, "Unit": "pixel"}
    assert set(read) == {"Ada", "Bo"}
    for region in wanted:
        for side in ("mwg", "microsoft"):
            seen = upright(boxes(told, side)[region.name], orientation)
            for box in (seen, read[region.name]):
                error = [abs(one - other) for one, other in zip(box.as_tuple(), region.box.as_tuple(), strict=True)]
                assert max(error) * width < 0.1


@given(st.integers(1, 8), st.tuples(*[st.floats(0, 1)] * 4))
def test_as_drawn_is_the_inverse_of_upright(orientation: int, edges: tuple[float, float, float, float]) -> None:
    left, right, top, bottom = *sorted(edges[:2]), *sorted(edges[2:])
    there_and_back = upright(as_drawn(Box(left, top, right, bottom), orientation), orientation)
    assert there_and_back.as_tuple() == pytest.approx((left, top, right, bottom))


# --- what others wrote ------------------------------------------------------------------------------------------
FILES = {
    "none of ours": FOREIGN.encode(),
    "with a mark": b"\xef\xbb\xbf" + FOREIGN.encode(),
    "in UTF-16": b"\xff\xfe" + FOREIGN.encode("utf-16-le"),
    "padded": FOREIGN.encode() + b"\0" * 100,
    "with regions": PACKET,
    "with people tags": microsoft(
        "<rdf:li MPReg:Rectangle='0.6, 0.7, 0.1, 0.1' MPReg:PersonDisplayName='Cy'/>\n  <!-- last -->"
    ),
}


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_nothing_of_others_changes_by_a_byte(file: bytes) -> None:
    merged = merge(file, [BO], PICTURE, fields=BOTH)
    assert {region.name for region in regions(merged.packet)} >= {"Bo"}
    again = merge(merged.packet, [BO], PICTURE, merged.entries, BOTH)
    assert (again.packet, again.added, again.removed) == (merged.packet, 0, 0)
    assert set(again.entries) == set(merged.entries)
    gone = merge(merged.packet, [], PICTURE, merged.entries, BOTH)
    assert (gone.packet, gone.removed, gone.entries) == (file, 1, ())


def test_what_is_added_is_all_that_differs() -> None:
    merged = merge(FOREIGN.encode(), [ADA, BO], PICTURE, fields=BOTH).packet.decode()
    rest = iter(merged)
    assert all(character in rest for character in FOREIGN)  # in this order
    for line in FOREIGN.splitlines():
        assert line.strip() in merged
    assert merged.count("uuid:1") == 2 + 3


def test_a_list_of_others_gets_ours_behind(tmp_path: Path) -> None:
    sidecar = tmp_path / "photo.xmp"
    sidecar.write_bytes(merge(PLAIN.encode(), [ADA, BO], PICTURE, fields=BOTH).packet)
    told = exiftool(sidecar)
    assert told["XMP-dc:Subject"] == ["Haus & Hof", "Ärger 😀", "Ada", "Bo"]
    assert told["XMP-iptcExt:PersonInImage"] == ["Ada", "Bo"]
    assert told["XMP-crs:Exposure"] == "+0.50" or told["XMP-crs:Exposure"] == 0.5
    assert "      <rdf:li>Ärger &#x1F600;</rdf:li>\n      <rdf:li>Ada</rdf:li>\n" in sidecar.read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize(
    "name", ['Ada "A" <King> & Co\'s', "שלום", "محمد", "Zoë Ångström", "名前", "N" * 100, "a b‌c"]
)
def test_every_name_comes_through(name: str, tmp_path: Path) -> None:
    sidecar = tmp_path / "photo.xmp"
    sidecar.write_bytes(merge(PLAIN.encode(), [NamedRegion(name, ADA.box)], PICTURE, fields=BOTH).packet)
    told = exiftool(sidecar)
    assert list(boxes(told, "mwg")) == list(boxes(told, "microsoft")) == [name]
    assert [region.name for region in regions(sidecar.read_bytes())] == [name, name]


# --- whose a name is --------------------------------------------------------------------------------------------
def theirs(name: str) -> bytes:
    """Another program's region on the picture of ADA's box."""
    area = "stArea:x='0.2' stArea:y='0.35' stArea:w='0.2' stArea:h='0.3'"
    return mwg(f"<rdf:li mwg-rs:Name='{name}' mwg-rs:Type='Face'><mwg-rs:Area {area}/></rdf:li>")


def test_a_name_that_is_there_is_not_added_and_never_removed() -> None:
    merged = merge(theirs("Ada"), [ADA], PICTURE)
    assert [region.name for region in regions(merged.packet)] == ["Ada", "Ada"]  # once in each form
    gone = merge(merged.packet, [], PICTURE, merged.entries)
    assert gone.packet == theirs("Ada")


def test_another_name_at_that_place_is_a_conflict() -> None:
    merged = merge(theirs("Cy"), [ADA, BO], PICTURE, fields=["subject"])
    assert {region.name for region in regions(merged.packet)} == {"Cy", "Bo"}
    assert [(each.name, each.reason) for each in merged.conflicts] == [("Ada", "the file calls this face “Cy”")]
    assert b"Ada" not in merged.packet
    assert merged.added == 1


def test_a_name_that_somebody_corrected_is_not_overwritten() -> None:
    first = merge(None, [ADA], PICTURE)
    corrected = first.packet.replace(b'"Ada"', b'"Adele"')
    second = merge(corrected, [ADA], PICTURE, first.entries)
    assert second.packet == corrected
    assert [each.name for each in second.conflicts] == ["Ada"]


def test_a_person_who_is_renamed_or_moved_is_written_anew() -> None:
    first = merge(FOREIGN.encode(), [ADA, BO], PICTURE, fields=BOTH)
    king = NamedRegion("Ada King", ADA.box)
    second = merge(first.packet, [king, BO], PICTURE, first.entries, BOTH)
    assert {region.name for region in regions(second.packet)} == {"Ada King", "Bo"}
    assert (second.added, second.removed) == (1, 1)
    moved = NamedRegion("Ada King", Box(0.12, 0.25, 0.36, 0.55))
    third = merge(second.packet, [moved, BO], PICTURE, second.entries, BOTH)
    assert {region.box.left for region in regions(third.packet) if region.name == "Ada King"} == {0.12}
    assert merge(third.packet, [], PICTURE, third.entries, BOTH).packet == FOREIGN.encode()


def test_regions_of_another_shape_are_left_alone_but_ours_are_written_anew() -> None:
    item = f"<rdf:li mwg-rs:Name='Cy' mwg-rs:Type='Face'>{AREA}</rdf:li>"
    stale = merge(drawn_on(400, 640, item), [ADA], PICTURE)
    assert stale.packet == drawn_on(400, 640, item)
    assert [(each.name, each.reason) for each in stale.conflicts] == [("Ada", OTHER_SHAPE)]
    turned = Described(b"", 1, 400, 640)
    before = merge(FOREIGN.encode(), [ADA], turned)
    after = merge(before.packet, [ADA, BO], PICTURE, before.entries)
    assert after.packet == merge(FOREIGN.encode(), [ADA, BO], PICTURE).packet


def test_regions_on_the_upright_picture_get_ours_there_too(tmp_path: Path) -> None:
    path, exif = tmp_path / "photo.jpg", Pillow.Exif()
    exif[0x0112] = 6
    Pillow.new("RGB", (640, 400)).save(path, exif=exif)
    there = drawn_on(400, 640, f"<rdf:li mwg-rs:Name='Cy' mwg-rs:Type='Face'>{AREA}</rdf:li>")
    cy = NamedRegion("Cy", Box(0.2, 0.3, 0.4, 0.7))  # where a face is tells that the places are upright ones
    merged = merge(there, [BO, cy], images.described(path))
    (tmp_path / "photo.jpg.xmp").write_bytes(merged.packet)
    found = {region.name: region.other or region.box for region in of_photo(path)}
    assert found["Bo"].as_tuple() == pytest.approx(BO.box.as_tuple(), abs=1e-5)
    assert found["Cy"].as_tuple() == pytest.approx(cy.box.as_tuple())


# --- bad files --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (b"no xml", "it is not XML"),
        (b"", "it is not XML"),
        (FOREIGN.encode()[:-60], "it is not XML"),
        (b"\xff\xfe<", "it is not XML"),
        (b" " * (xmp.LARGEST_BYTES + 1), "it is larger than 8 MB"),
        (b"<!DOCTYPE x><x/>", "document type"),
        (FOREIGN.encode().replace(b"<x:xmpmeta", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x:xmpmeta", 1), "document type"),
        (b"<x/>", "holds no XMP"),
        (b"<a:x/>", "prefix a is not declared"),
        (b"<?xml version='1.0' encoding='latin1'?><x/>", "save it in UTF-8"),
        (b"<a>" * 200 + b"</a>" * 200, "nested too deeply"),
    ],
)
def test_what_cannot_be_changed_is_refused(file: bytes, reason: str) -> None:
    with pytest.raises(SidecarUnusable, match=reason):
        merge(file or b" ", [ADA], PICTURE)


@given(st.binary(max_size=30), st.integers(0, len(FOREIGN.encode())), st.integers(0, 30))
def test_a_damaged_file_is_refused_or_holds_the_name(noise: bytes, at: int, gone: int) -> None:
    file = FOREIGN.encode()[:at] + noise + FOREIGN.encode()[at + gone :]
    try:
        merged = merge(file, [ADA], PICTURE)
    except SidecarUnusable:
        return
    assert [region.name for region in regions(merged.packet)] == ["Ada", "Ada"]
    assert merge(merged.packet, [], PICTURE, merged.entries).packet == file


def test_places_are_those_of_the_bytes() -> None:
    document = Document(FOREIGN.encode())
    for node in document.root.iter():
        text = document.data[node.start : node.end].decode()
        assert text.startswith(f"<{node.written}")
        assert text.endswith("/>" if node.is_empty_tag else f"</{node.written}>")
        assert document.data[node.inner : node.inner_end].decode().count("<") >= len(node.children)
    assert document.changed() == FOREIGN.encode()


def test_nothing_wanted_and_nothing_there_is_nothing() -> None:
    assert merge(None, [], PICTURE) == Merged(b"", ())
    entry = Entry("mwg", hashed("Ada"), ADA.box.as_tuple())
    assert "Ada" not in repr(entry)
    assert entry.is_at(ADA) and not entry.is_at(BO)
    assert set(name_packet.TEXT_FIELDS) == set(BOTH)


@pytest.mark.parametrize("sidecar", [False, True])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_faces_of_librephotos(orientation: int, sidecar: bool, tmp_path: Path) -> None:
    """Written by ExifTool as LibrePhotos has it write them (api/metadata/face_regions.py): one structure, boxes on
    the picture as stored, the same names as keywords, and faces of nobody without a name."""
    photo = tmp_path / "photo.jpg"
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    Pillow.new("RGB", (60, 40), "grey").save(photo, exif=exif)
    faces = [("Ada", as_drawn(ADA.box, orientation)), ("", as_drawn(BO.box, orientation))]
    areas = ",".join(
        f"{{Area={{X={(box.left + box.right) / 2:.6f},Y={(box.top + box.bottom) / 2:.6f},W={box.width:.6f},"
        f"H={box.height:.6f},Unit=normalized}},Name={name},Type=Face}}"
        for name, box in faces
    )
    info = f"{{AppliedToDimensions={{W=60,H=40,Unit=pixel}},RegionList=[{areas}]}}"
    target = tmp_path / "photo.jpg.xmp" if sidecar else photo
    run_exiftool("-overwrite_original", f"-XMP-mwg-rs:RegionInfo={info}", "-XMP:Subject=Ada", str(target))
    (region,) = of_photo(photo)
    assert region.name == "Ada"
    assert region.box.as_tuple() == pytest.approx(ADA.box.as_tuple(), abs=1e-5)
