"""Names of digiKam's database and of Apple Photos, on drawn examples; broken ones name nobody, and say so."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from faceid_core.exchange import apple_photos, digikam
from faceid_core.exchange.face_regions import NO_PLACE, OTHER_SHAPE
from faceid_core.exchange.name_sources import survey
from tests.exchange.test_name_sources import photo

# --- digiKam: tables and properties as version 8 has them -------------------------------------------------------
SCHEMA = """
CREATE TABLE AlbumRoots (id INTEGER PRIMARY KEY, label TEXT, status INTEGER, type INTEGER, identifier TEXT,
    specificPath TEXT);
CREATE TABLE Albums (id INTEGER PRIMARY KEY, albumRoot INTEGER, relativePath TEXT);
CREATE TABLE Images (id INTEGER PRIMARY KEY, album INTEGER, name TEXT, fileSize INTEGER, uniqueHash TEXT);
CREATE TABLE ImageInformation (imageid INTEGER PRIMARY KEY, orientation INTEGER, width INTEGER, height INTEGER);
CREATE TABLE Tags (id INTEGER PRIMARY KEY, pid INTEGER, name TEXT);
CREATE TABLE TagProperties (tagid INTEGER, property TEXT, value TEXT);
CREATE TABLE ImageTagProperties (imageid INTEGER, tagid INTEGER, property TEXT, value TEXT);
INSERT INTO AlbumRoots VALUES (1, 'Pictures', 0, 1, 'volumeid:?uuid=1', '/disk/Pictures');
INSERT INTO Albums VALUES (1, 1, '/'), (2, 1, '/2020/June');
INSERT INTO Images VALUES (1, 1, 'photo.jpg', 1, ''), (2, 2, 'photo.jpg', 1, '');
INSERT INTO Tags VALUES (1, 0, 'People'), (2, 1, 'Ada'), (3, 1, 'Bo'), (4, 1, 'Unknown'), (5, 0, 'Beach');
INSERT INTO TagProperties VALUES (2, 'person', 'Ada Lovelace'), (3, 'person', 'Bo'), (4, 'person', 'Unknown'),
    (4, 'unknownPerson', NULL);
"""


def collection(folder: Path, *faces: tuple[int, int, str, str], size: tuple[int, int] = (60, 40)) -> None:
    """digikam4.db with faces: image, tag, property, place."""
    with closing(sqlite3.connect(folder / digikam.DATABASE)) as database:
        database.executescript(SCHEMA)
        database.executemany(
            "INSERT INTO ImageInformation VALUES (?, 1, ?, ?)", [(image, *size) for image in (1, 2)]
        )
        database.executemany("INSERT INTO ImageTagProperties VALUES (?, ?, ?, ?)", faces)
        database.commit()


def rect(x: int, y: int, width: int, height: int) -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}"/>'


def test_confirmed_faces_of_digikam(tmp_path: Path) -> None:
    collection(
        tmp_path,
        (1, 2, "tagRegion", rect(6, 8, 12, 16)),
        (1, 3, "autodetectedPerson", rect(30, 8, 12, 16)),
        (1, 4, "tagRegion", rect(30, 8, 12, 16)),
        (1, 5, "tagRegion", rect(40, 8, 12, 16)),
        (2, 3, "tagRegion", rect(30, 20, 12, 16)),
    )
    before = (tmp_path / digikam.DATABASE).read_bytes()
    (folder := tmp_path / "2020" / "June").mkdir(parents=True)
    found, deep = survey(photo(tmp_path)), survey(photo(folder))
    (ada,) = found.regions
    assert ada.name == "Ada Lovelace" and ada.box.as_tuple() == pytest.approx((0.1, 0.2, 0.3, 0.6))
    assert [region.name for region in deep.regions] == ["Bo"] and found.unusable == deep.unusable == []
    assert survey(photo(tmp_path, "other.jpg")).regions == []
    assert (tmp_path / digikam.DATABASE).read_bytes() == before and not list(tmp_path.glob("*.db-*"))


def test_a_collection_elsewhere_counts_by_its_own_folder(tmp_path: Path) -> None:
    collection(tmp_path, (2, 3, "tagRegion", rect(6, 8, 12, 16)))
    for place, names in (("mnt/disk/Pictures/2020/June", ["Bo"]), ("mnt/other/2020/June", []), ("2020/June/x", [])):
        (folder := tmp_path / place).mkdir(parents=True)
        assert [region.name for region in digikam.survey(photo(folder)).regions] == names, place


def test_places_of_digikam_are_on_the_upright_picture(tmp_path: Path) -> None:
    collection(tmp_path, (1, 2, "tagRegion", rect(4, 6, 8, 12)))
    found = digikam.survey(photo(tmp_path, orientation=6))  # stored 60 x 40, upright 40 x 60
    assert found.regions[0].box.as_tuple() == pytest.approx((0.1, 0.1, 0.3, 0.3))


@pytest.mark.parametrize(
    ("place", "size", "reason"),
    [
        ("no xml", (60, 40), NO_PLACE),
        ("<rect x='1'/>", (60, 40), NO_PLACE),
        (rect(1, 1, 9, 9), (60, 30), OTHER_SHAPE),
        (rect(100, 100, 9, 9), (60, 40), "its position is outside the picture"),
    ],
)
def test_what_digikam_can_not_mean_is_told(place: str, size: tuple[int, int], reason: str, tmp_path: Path) -> None:
    collection(tmp_path, (1, 2, "tagRegion", place), size=size)
    found = digikam.survey(photo(tmp_path))
    assert found.regions == [] and [each.reason for each in found.unusable] == [reason]


def test_a_new_name_in_digikam_is_seen_and_a_broken_database_is_told(tmp_path: Path) -> None:
    collection(tmp_path, (1, 2, "tagRegion", rect(6, 8, 12, 16)))
    path = photo(tmp_path)
    assert digikam.survey(path).regions[0].name == "Ada Lovelace"
    with closing(sqlite3.connect(tmp_path / digikam.DATABASE)) as database:
        database.execute(
            "UPDATE TagProperties SET value = 'A much longer name, so that the file grows' WHERE tagid = 2"
        )
        database.executemany("INSERT INTO Tags VALUES (?, 0, ?)", [(n, "x" * 500) for n in range(10, 40)])
        database.commit()
    assert digikam.survey(path).regions[0].name.startswith("A much longer")
    (tmp_path / digikam.DATABASE).write_bytes(b"no database" * 99)
    found = digikam.survey(path)
    assert found.regions == [] and found.unusable[0].reason.startswith("digikam4.db names nobody: it can't be read")


# --- Apple Photos, as osxphotos exports it ----------------------------------------------------------------------
def exported(folder: Path, fields: dict[str, Any], name: str = "photo.jpg.json") -> None:
    told: dict[str, Any] = {"SourceFile": "photo.jpg", "ExifTool:ExifToolVersion": "12.00"}
    told |= {f"XMP:{field}": value for field, value in fields.items()}
    (folder / name).write_text(json.dumps([told]), encoding="utf-8")


REGION: dict[str, Any] = {
    "RegionAppliedToDimensionsW": 60, "RegionAppliedToDimensionsH": 40, "RegionAppliedToDimensionsUnit": "pixel",
    "RegionName": ["Ada"], "RegionType": ["Face"], "RegionAreaX": [0.2], "RegionAreaY": [0.5], "RegionAreaW": [0.2],
    "RegionAreaH": [0.4], "RegionAreaUnit": ["normalized"], "RegionPersonDisplayName": ["Ada"],
}  # fmt: skip


@pytest.mark.parametrize("name", ["photo.jpg.json", "photo.json"])
def test_the_faces_of_apple_photos(name: str, tmp_path: Path) -> None:
    exported(tmp_path, {**REGION, "PersonInImage": ["Ada", "Bo", "_UNKNOWN_"]}, name)
    found = survey(photo(tmp_path))
    (ada,) = found.regions
    assert ada.name == "Ada" and ada.box.as_tuple() == pytest.approx((0.1, 0.3, 0.3, 0.7))
    assert (found.people, found.unusable) == (["Bo"], [])


def test_a_single_value_is_a_list_of_one_and_regions_on_another_picture_are_told(tmp_path: Path) -> None:
    one = {name: value[0] if isinstance(value, list) else value for name, value in REGION.items()}
    exported(tmp_path, one)
    assert [region.name for region in apple_photos.survey(photo(tmp_path)).regions] == ["Ada"]
    exported(tmp_path, {**REGION, "RegionAppliedToDimensionsH": 20})
    assert [each.reason for each in apple_photos.survey(photo(tmp_path)).unusable] == [OTHER_SHAPE]
    exported(tmp_path, {**REGION, "RegionAreaX": ["far away"]})
    assert [each.reason for each in apple_photos.survey(photo(tmp_path)).unusable] == [NO_PLACE]


@pytest.mark.parametrize(
    ("text", "told"), [('[{"SourceFile": ', True), ("{", False), ("[1]", False), ('{"title": "x"}', False)]
)
def test_broken_json_is_told_where_it_is_exiftools(text: str, told: bool, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg.json").write_text(text, encoding="utf-8")
    found = apple_photos.survey(photo(tmp_path))
    assert (found.regions, found.people, bool(found.unusable)) == ([], [], told)
