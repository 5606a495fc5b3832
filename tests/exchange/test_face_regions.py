"""Names in photos: both forms, however RDF spells them, in every kind of file, and nothing from hostile ones."""

from __future__ import annotations

import doctest
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from faceid_core.exchange import face_regions
from faceid_core.exchange.face_regions import OTHER_SHAPE, OUTSIDE, RENAMED, of_photo, regions, survey
from faceid_core.media import images, xmp
from faceid_core.media import orientation as orientations
from faceid_core.values import Box

HEAD = """<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>
<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'
 xmlns:mwg-rs='http://www.metadataworkinggroup.com/schemas/regions/'
 xmlns:stArea='http://ns.adobe.com/xmp/sType/Area#'
 xmlns:MP='http://ns.microsoft.com/photo/1.2/' xmlns:MPRI='http://ns.microsoft.com/photo/1.2/t/RegionInfo#'
 xmlns:MPReg='http://ns.microsoft.com/photo/1.2/t/Region#'><rdf:Description rdf:about=''>"""
TAIL = "</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
AREA = "<mwg-rs:Area stArea:x='0.3' stArea:y='0.5' stArea:w='0.2' stArea:h='0.4' stArea:unit='normalized'/>"
ADA = Box(0.2, 0.3, 0.4, 0.7)


def mwg(items: str) -> bytes:
    regions = f"<mwg-rs:RegionList><rdf:Bag>{items}</rdf:Bag></mwg-rs:RegionList>"
    return f"{HEAD}<mwg-rs:Regions rdf:parseType='Resource'>{regions}</mwg-rs:Regions>{TAIL}".encode()


def drawn_on(width: int, height: int, items: str) -> bytes:
    """Regions with AppliedToDimensions."""
    size = f"<mwg-rs:AppliedToDimensions stDim:w='{width}' stDim:h='{height}' stDim:unit='pixel'/>"
    declared = "xmlns:stDim='http://ns.adobe.com/xap/1.0/sType/Dimensions#' rdf:parseType='Resource'"
    return mwg(items).replace(b"rdf:parseType='Resource'>", f"{declared}>{size}".encode(), 1)


def microsoft(items: str) -> bytes:
    regions = f"<MPRI:Regions><rdf:Bag>{items}</rdf:Bag></MPRI:Regions>"
    return f"{HEAD}<MP:RegionInfo rdf:parseType='Resource'>{regions}</MP:RegionInfo>{TAIL}".encode()


PACKET = mwg(f"<rdf:li><rdf:Description mwg-rs:Name='Ada' mwg-rs:Type='Face'>{AREA}</rdf:Description></rdf:li>")


def declaring(entity: bytes) -> bytes:
    """The packet with an entity declared and used."""
    head = b"<!DOCTYPE x [<!ENTITY a " + entity + b">]><x:xmpmeta"
    return PACKET.replace(b"<x:xmpmeta", head, 1).replace(b"'Ada'", b"'&a;'")


def found(packet: bytes) -> list[tuple[str, tuple[float, ...]]]:
    return [(region.name, tuple(round(edge, 6) for edge in region.box.as_tuple())) for region in regions(packet)]


@pytest.mark.parametrize(
    "packet",
    [
        PACKET,
        PACKET + b"\0\0 \n",
        mwg(f"<rdf:li rdf:parseType='Resource'><mwg-rs:Name>Ada</mwg-rs:Name>{AREA}</rdf:li>"),
        mwg(
            "<rdf:li rdf:parseType='Resource'><mwg-rs:Type>Face</mwg-rs:Type><mwg-rs:Name> Ada </mwg-rs:Name>"
            "<mwg-rs:Area rdf:parseType='Resource'><stArea:x>0.3</stArea:x><stArea:y>.5</stArea:y>"
            "<stArea:w>2e-1</stArea:w><stArea:h>0.4</stArea:h></mwg-rs:Area></rdf:li>"
        ),
        microsoft("<rdf:li MPReg:Rectangle='0.2, 0.3, 0.2, 0.4' MPReg:PersonDisplayName='Ada'/>"),
        microsoft(
            "<rdf:li><rdf:Description><MPReg:Rectangle>0.2,0.3,0.2,0.4</MPReg:Rectangle>"
            "<MPReg:PersonDisplayName>Ada</MPReg:PersonDisplayName></rdf:Description></rdf:li>"
        ),
    ],
)
def test_a_region_is_read_however_it_is_spelt(packet: bytes) -> None:
    assert found(packet) == [("Ada", ADA.as_tuple())]


@pytest.mark.parametrize(
    "item",
    [
        f"<rdf:li mwg-rs:Type='Face'>{AREA}</rdf:li>",
        f"<rdf:li mwg-rs:Name='Rex' mwg-rs:Type='Pet'>{AREA}</rdf:li>",
        "<rdf:li mwg-rs:Name='Ada'/>",
        f"<rdf:li mwg-rs:Name='Ada'>{AREA.replace('0.3', '0,3')}</rdf:li>",
        f"<rdf:li mwg-rs:Name='Ada'>{AREA.replace('0.3', 'nan')}</rdf:li>",
        f"<rdf:li mwg-rs:Name='Ada'>{AREA.replace('0.3', '310')}</rdf:li>",
        f"<rdf:li mwg-rs:Name='Ada'>{AREA.replace('0.2', '0')}</rdf:li>",
        f"<rdf:li mwg-rs:Name='Ada'>{AREA.replace('normalized', 'pixel')}</rdf:li>",
        "<rdf:li MPReg:Rectangle='0.2, 0.3, 0.2' MPReg:PersonDisplayName='Ada'/>",
        "<rdf:li MPReg:Rectangle='0.2, 0.3, 0.2, 0.4'/>",
    ],
)
def test_what_is_no_named_face_is_left_out(item: str) -> None:
    assert found(mwg(item)) == []


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"<",
        b"\xff\xfe\x00",
        PACKET[:-40],
        PACKET.replace(b"<x:xmpmeta", b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]><x:xmpmeta", 1).replace(
            b"'Ada'", b"'&a;'"
        ),
        PACKET.replace(b"<x:xmpmeta", b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x:xmpmeta", 1),
        b"<?xml version='1.0' encoding='no-such'?>" + PACKET,
        PACKET + b" " * xmp.LARGEST_BYTES,
    ],
)
def test_what_is_no_packet_names_nobody(packet: bytes) -> None:
    assert regions(packet) == []


@given(st.binary(max_size=60), st.integers(0, len(PACKET)))
def test_a_damaged_packet_names_nobody_or_somebody(noise: bytes, at: int) -> None:
    for region in regions(PACKET[:at] + noise + PACKET[at + len(noise) :]):
        assert region.name and region.box.area > 0


def picture(kind: str, *, packet: bytes = PACKET, orientation: int = 1) -> bytes:
    image, out, exif = Pillow.new("RGB", (60, 40), "grey"), io.BytesIO(), Pillow.Exif()
    exif[0x0112] = orientation
    if kind == "PNG":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet.decode())
        image.save(out, kind, pnginfo=info, exif=exif)
    elif kind == "TIFF":
        image.save(out, kind, tiffinfo={700: packet, 0x0112: orientation})
    else:
        if kind == "HEIF":
            import pillow_heif

            pillow_heif.register_heif_opener()
        image.save(out, kind, xmp=packet, exif=exif)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_every_kind_of_file_holds_names(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"photo.{kind.lower()}"
    path.write_bytes(picture(kind))
    (found,) = of_photo(path)
    assert found.name == "Ada"
    assert found.box.as_tuple() == pytest.approx(ADA.as_tuple())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_places_are_turned_as_the_picture_is(orientation: int, tmp_path: Path) -> None:
    """What is bright in the region of the stored picture is bright where it is said to be on the upright one."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(picture("JPEG", orientation=orientation))
    (region,) = of_photo(path)
    stored = np.zeros((40, 60, 3), np.uint8)
    stored[12:28, 12:24] = 255
    upright = orientations.turned(stored, orientation)
    rows, columns = np.nonzero(upright[..., 0])
    height, width = upright.shape[:2]
    box = Box(*(side * edge for side, edge in zip((width, height) * 2, region.box.as_tuple(), strict=True)))
    assert (box.left, box.top) == pytest.approx((columns.min(), rows.min()))
    assert (box.right, box.bottom) == pytest.approx((columns.max() + 1, rows.max() + 1))
    assert doctest.testmod(orientations).failed == 0


def test_the_file_beside_a_photo_counts_too_and_each_place_once(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(picture("JPEG"))
    (tmp_path / "photo.jpg.xmp").write_bytes(PACKET.replace(b"'Ada'", b"'Ada King'"))
    (tmp_path / "photo.xmp").write_bytes(
        microsoft("<rdf:li MPReg:Rectangle='0.6,0.1,0.2,0.2' MPReg:PersonDisplayName='Bo'/>")
    )
    assert [region.name for region in of_photo(path)] == ["Ada King", "Bo"]
    path.unlink()
    assert of_photo(path) == []


def test_a_broken_photo_names_nobody(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"no photo")
    assert of_photo(tmp_path / "photo.jpg") == []


@pytest.mark.parametrize(
    ("in_file", "beside", "expected"), [(None, 6, 6), (1, 6, 1), (3, 6, 3), (None, 9, 1), (None, None, 1)]
)
def test_a_file_beside_a_jpeg_tells_which_way_up_it_is(
    in_file: int | None, beside: int | None, expected: int, tmp_path: Path
) -> None:
    """Where the JPEG itself says nothing. Picture and names turn alike."""
    path, exif = tmp_path / "photo.jpg", Pillow.Exif()
    if in_file:
        exif[0x0112] = in_file
    Pillow.new("RGB", (60, 40), "grey").save(path, exif=exif)
    turn = f" xmlns:tiff='http://ns.adobe.com/tiff/1.0/' tiff:Orientation='{beside}'" if beside else ""
    packet = PACKET.replace(b" rdf:about=''", f" rdf:about=''{turn}".encode())
    (tmp_path / "photo.jpg.xmp").write_bytes(packet)
    photo = images.read(path)
    assert (photo.width, photo.height) == ((40, 60) if expected >= 5 else (60, 40))
    (region,) = of_photo(path)
    assert region.box == orientations.upright(regions(packet)[0].box, expected)


@pytest.mark.parametrize(
    ("applied", "orientation", "box"),
    [
        ((60, 40), 1, ADA),
        ((600, 400), 1, ADA),
        ((61, 40), 1, None),
        ((40, 60), 1, None),
        ((50, 40), 1, None),
        ((60, 40), 6, orientations.upright(ADA, 6)),
        ((600, 400), 6, orientations.upright(ADA, 6)),
        ((40, 60), 6, orientations.upright(ADA, 6)),
        ((400, 600), 8, orientations.upright(ADA, 8)),
        ((40, 60), 3, None),
        ((60, 40), 3, orientations.upright(ADA, 3)),
        ((0, 0), 6, orientations.upright(ADA, 6)),
    ],
)
def test_the_size_that_regions_were_drawn_on_tells_where_they_are(
    applied: tuple[int, int], orientation: int, box: Box | None, tmp_path: Path
) -> None:
    """The picture is stored 60 wide and 40 high. Where they fit neither way up, nothing is taken; where they fit
    the upright picture, they may lie on either."""
    path = tmp_path / "photo.jpg"
    item = f"<rdf:li mwg-rs:Name='Ada' mwg-rs:Type='Face'>{AREA}</rdf:li>"
    path.write_bytes(picture("JPEG", packet=drawn_on(*applied, item), orientation=orientation))
    found = survey(path)
    if box is None:
        assert found.regions == []
        assert [(each.name, each.reason) for each in found.unusable] == [("Ada", OTHER_SHAPE)]
    else:
        assert found.regions[0].box.as_tuple() == pytest.approx(box.as_tuple())
        assert (found.regions[0].other is not None) == (orientation >= 5 and applied[0] < applied[1])
        assert found.unusable == []


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_the_size_as_stored_is_known_of_every_kind_of_file(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"photo.{kind.lower()}"
    path.write_bytes(picture(kind, orientation=6))
    assert images.described(path)[1:] == (6, 60, 40)


def both_forms(name: str, other: str) -> bytes:
    """One face in both forms, in numbers that are rounded differently."""
    areas = AREA.replace("0.3'", "0.300001'")
    tags = f"<rdf:li MPReg:Rectangle='0.199999, 0.3, 0.2, 0.400001' MPReg:PersonDisplayName='{other}'/>"
    return mwg(f"<rdf:li mwg-rs:Name='{name}'>{areas}</rdf:li>{tags}")


def test_a_face_in_two_forms_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(picture("JPEG", packet=both_forms("Ada", "Ada")))
    (tmp_path / "photo.jpg.xmp").write_bytes(both_forms("Ada", "Ada"))
    found = survey(path)
    assert [region.name for region in found.regions] == ["Ada"]
    assert found.unusable == []


def test_two_names_at_one_place_are_told(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(picture("JPEG", packet=both_forms("Ada", "Bo")))
    found = survey(path)
    assert [region.name for region in found.regions] == ["Ada"]
    assert [(each.name, each.reason) for each in found.unusable] == [("Bo", RENAMED)]


def test_a_region_that_reaches_outside_is_cut_and_one_that_lies_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    tag = "<rdf:li MPReg:Rectangle='{}, 0.3, 0.2, 0.4' MPReg:PersonDisplayName='{}'/>"
    path.write_bytes(picture("JPEG", packet=microsoft(tag.format("-0.05", "Ada") + tag.format("1.5", "Bo"))))
    found = survey(path)
    assert [(region.name, region.box.left) for region in found.regions] == [("Ada", 0.0)]
    assert [(each.name, each.reason) for each in found.unusable] == [("Bo", OUTSIDE)]
    assert doctest.testmod(face_regions).failed == 0


@pytest.mark.parametrize("text", [b"no xml", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"])
def test_a_sidecar_that_cannot_be_read_is_told(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(picture("JPEG"))
    (tmp_path / "photo.jpg.xmp").write_bytes(text)
    found = survey(path)
    assert [region.name for region in found.regions] == ["Ada"]
    assert [each.name for each in found.unusable] == [""]
    assert found.unusable[0].reason.startswith("photo.jpg.xmp names nobody: it ")
