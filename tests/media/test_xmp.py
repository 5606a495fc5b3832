"""Whose an XMP file beside photos is, and what is refused as XMP, with its reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image as Pillow

from faceid_core.errors import SidecarUnusable
from faceid_core.media import images, xmp

FOR = (
    "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
    "<rdf:Description xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' "
    "xmlns:tiff='http://ns.adobe.com/tiff/1.0/' tiff:Orientation='8' {}/></rdf:RDF></x:xmpmeta>"
)


def sidecar(folder: Path, name: str, extension: str = "") -> Path:
    path = folder / name
    told = f"photoshop:SidecarForExtension='{extension}'" if extension else ""
    path.write_text(FOR.format(told), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "extension", "others", "is_mine"),
    [
        ("photo.jpg.xmp", "", [], True),
        ("photo.jpg.xmp", "CR2", ["photo.CR2"], True),
        ("photo.xmp", "", [], True),
        ("photo.xmp", "", ["photo.png", "photo.jpg.txt"], True),
        ("photo.xmp", "", ["photo.CR2"], False),
        ("photo.xmp", "", ["photo.nef"], False),
        ("photo.xmp", "CR2", ["photo.CR2"], False),
        ("photo.xmp", "CR2", [], False),
        ("photo.xmp", "JPG", ["photo.CR2"], True),
        ("photo.xmp", "jpg", [], True),
    ],
)
def test_whose_sidecar_it_is(name: str, extension: str, others: list[str], is_mine: bool, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    Pillow.new("RGB", (60, 40)).save(photo)
    for other in others:
        (tmp_path / other).touch()
    file = sidecar(tmp_path, name, extension)
    assert xmp.sidecars(photo) == ([file] if is_mine else [])
    assert images.read(photo).width == (40 if is_mine else 60)


def test_a_raw_file_has_the_plain_one(tmp_path: Path) -> None:
    file = sidecar(tmp_path, "photo.xmp")
    (tmp_path / "photo.CR2").touch()
    assert xmp.sidecars(tmp_path / "photo.CR2") == [file]


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (b"no xml", "it is not XML"),
        (b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]><x>&a;</x>", "it declares XML entities"),
        (b" " * (xmp.LARGEST_BYTES + 1), "it is larger than 8 MB"),
    ],
)
def test_what_is_no_packet_is_refused_with_its_reason(packet: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(SidecarUnusable, match=re.escape(reason)):
        xmp.parse(packet)
    assert xmp.parsed(packet) is None


def test_a_file_that_is_too_large_is_not_even_read(tmp_path: Path) -> None:
    file = tmp_path / "photo.jpg.xmp"
    with file.open("wb") as stream:
        stream.truncate(50 << 20)
    with pytest.raises(SidecarUnusable, match="larger than 8 MB"):
        xmp.load(file)
    assert list(xmp.beside(tmp_path / "photo.jpg")) == []
