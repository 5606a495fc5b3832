"""Names of Google Takeout and Picasa, on drawn examples, and nothing from broken ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image as Pillow

from faceid_core.exchange import name_sources, picasa, takeout
from faceid_core.exchange.face_regions import NamedRegion
from faceid_core.exchange.name_sources import survey
from faceid_core.exchange.picasa import NO_CONTACT, TURNED
from tests.exchange.test_face_regions import picture


def photo(folder: Path, name: str = "photo.jpg", orientation: int = 1) -> Path:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    Pillow.new("RGB", (60, 40)).save(folder / name, exif=exif)
    return folder / name


# --- Google Takeout ---------------------------------------------------------------------------------------------
LONG = "a" * 45 + ".jpg"


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("photo.jpg", "photo.jpg.json"),
        ("photo.jpg", "photo.jpg.supplemental-metadata.json"),
        ("photo(1).jpg", "photo.jpg(1).json"),
        ("photo(1).jpg", "photo.jpg.supplemental-metadata(1).json"),
        ("PXL_20230101_120000000.PORTRAIT.jpg", "PXL_20230101_120000000.PORTRAIT.jpg.supplement.json"),
        (LONG, f"{LONG[:46]}.json"),
    ],
)
def test_the_people_of_takeout(name: str, beside: str, tmp_path: Path) -> None:
    told = {"title": name, "people": [{"name": "Ada"}, {"name": "Bo"}, {"name": "Ada"}, {"name": " "}, {}, 3]}
    (tmp_path / beside).write_text(json.dumps(told), encoding="utf-8")
    found = survey(photo(tmp_path, name))
    assert (found.people, found.regions, found.unusable) == (["Ada", "Bo"], [], [])


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "\xff", '{"title": "x", "people": 3}'])
def test_a_broken_file_of_takeout_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg.json").write_text(text, encoding="latin1")
    found = takeout.survey(photo(tmp_path))
    assert found.people == []
    assert found.unusable[0].reason.startswith("photo.jpg.json names nobody: it is no JSON of Google Takeout (")


@pytest.mark.parametrize("text", ["{}", "[]", '{"people": [{"name": "Ada"}]}', '{"title": "photo.jpg"}'])
def test_json_of_others_names_nobody(text: str, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg.json").write_text(text, encoding="utf-8")
    found = survey(photo(tmp_path))
    assert (found.people, found.unusable) == ([], [])


# --- Picasa -----------------------------------------------------------------------------------------------------
INI = """[Picasa]
name=Holidays
[photo.jpg]
faces=rect64(33334ccc6666b333),8e62398ebda8c1a5;rect64(99990000b3336666),1;rect64(0000000033336666),ffffffffffffffff
backuphash=1
[Contacts2]
8e62398ebda8c1a5=Ada Lovelace;;
"""


def test_the_faces_of_picasa(tmp_path: Path) -> None:
    (tmp_path / ".picasa.ini").write_text(INI, encoding="utf-8")
    found = survey(photo(tmp_path))
    (ada,) = found.regions
    assert ada.name == "Ada Lovelace"
    assert ada.box.as_tuple() == pytest.approx((0.2, 0.3, 0.4, 0.7), abs=1e-4)
    assert [(each.name, each.reason) for each in found.unusable] == [("contact 0000000000000001", NO_CONTACT)]
    assert survey(photo(tmp_path, "other.jpg")).regions == []


def test_the_contacts_of_picasa_may_lie_above(tmp_path: Path) -> None:
    (folder := tmp_path / "2009" / "June").mkdir(parents=True)
    (folder / ".picasa.ini").write_text(INI, encoding="utf-8")
    contacts = '<contacts><contact id="1" name="Bo"/><contact id="8e62398ebda8c1a5" name="Somebody"/></contacts>'
    (tmp_path / "contacts.xml").write_text(contacts, encoding="utf-8")
    assert [region.name for region in picasa.survey(photo(folder)).regions] == ["Ada Lovelace", "Bo"]


@pytest.mark.parametrize(
    ("line", "orientation"), [("rotate=rotate(1)", 1), ("crop=rect64(0000000080008000)", 1), ("star=yes", 6)]
)
def test_picasas_places_on_turned_photos_are_not_taken(line: str, orientation: int, tmp_path: Path) -> None:
    """On which picture Picasa drew them is not told there, and a name must never land on somebody else."""
    (tmp_path / ".picasa.ini").write_text(INI.replace("backuphash=1", line), encoding="utf-8")
    found = survey(photo(tmp_path, orientation=orientation))
    assert found.regions == []
    assert {each.reason for each in found.unusable} == {TURNED}


def test_a_face_in_xmp_and_in_picasa_counts_once(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(picture("JPEG"))
    (tmp_path / ".picasa.ini").write_text(INI.replace("Ada Lovelace", "Ada"), encoding="utf-8")
    found = survey(tmp_path / "photo.jpg")
    assert [region.name for region in found.regions] == ["Ada"]


@pytest.mark.parametrize("name", name_sources.SOURCES)
def test_every_source_keeps_the_contract(name: str, tmp_path: Path) -> None:
    """A photo without names, one that is gone and one that is none name nobody, without an error."""
    read = name_sources.SOURCES[name]
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    for path in (photo(tmp_path), tmp_path / "gone.jpg", tmp_path / "broken.jpg"):
        found = read(path)
        assert (found.regions, found.people, found.unusable) == ([], [], [])
        found.add(NamedRegion("Ada", picasa._box("0000000080008000") or pytest.fail()))
        assert len(found.regions) == 1
