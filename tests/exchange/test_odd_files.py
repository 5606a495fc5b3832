"""Odd files beside photos: nothing hangs, none stops the names of other photos, and what can be read is."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from faceid_core.exchange import face_regions, picasa
from faceid_core.exchange.face_regions import MOST_REGIONS, PhotoNames
from faceid_core.exchange.name_sources import survey
from faceid_core.media import xmp
from tests.exchange.test_name_sources import photo

RDF = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">%s</rdf:RDF>'
PICASA = (
    "[photo.jpg]\r\nfaces=rect64(1999333366667fff),8e62398ebda8c1a5\r\n[Contacts2]\r\n8e62398ebda8c1a5=Jürgen;;\r\n"
)


def reasons(found: PhotoNames) -> list[str]:
    return [each.reason for each in found.unusable]


def survey_soon(path: Path) -> PhotoNames:
    """The names; fails instead of waiting for ever."""
    found: list[PhotoNames] = []
    reading = threading.Thread(target=lambda: found.append(survey(path)), daemon=True)
    reading.start()
    reading.join(10)
    assert found, "the reading hangs"
    return found[0]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
@pytest.mark.parametrize("name", ["photo.jpg.xmp", "photo.xmp", ".picasa.ini", "contacts.xml", "photo.jpg.json"])
def test_a_pipe_is_not_waited_for(name: str, tmp_path: Path) -> None:
    (tmp_path / ".picasa.ini").write_text(PICASA.replace("=Jürgen", "="), encoding="utf-8")
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    found = survey_soon(photo(tmp_path))
    assert found.regions == []
    if name == ".picasa.ini":
        assert reasons(found) == [".picasa.ini names nobody: it is no ordinary file"]


def test_a_photo_whose_name_leaves_no_room_for_a_sidecars(tmp_path: Path) -> None:
    """Of 255 bytes, photo.jpg.xmp would take 4 more."""
    long = photo(tmp_path, "n" * 251 + ".jpg")
    assert (survey(long).regions, xmp.sidecars(long), xmp.orientation(long)) == ([], [], 1)


@pytest.mark.parametrize("name", ["photo.jpg.xmp", "photo.xmp"])
@pytest.mark.parametrize("tag", ["rdf:Description", "rdf:li"])
def test_a_deeply_nested_sidecar_is_told(name: str, tag: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(RDF % (f"<{tag}>" * 20_000 + f"</{tag}>" * 20_000), encoding="utf-8")
    path = photo(tmp_path)
    assert reasons(survey(path)) == [f"{name} names nobody: it is nested too deeply for XMP"]
    assert xmp.orientation(path) == 1


def test_more_faces_than_anybody_draws_are_told(tmp_path: Path) -> None:
    item = "<rdf:li><rdf:Description m:PersonDisplayName='P%d' m:Rectangle='0.5,0.5,0.1,0.1'/></rdf:li>"
    space = " xmlns:m='http://ns.microsoft.com/photo/1.2/t/Region#'"

    def write(number: int) -> None:
        text = RDF % f"<rdf:Bag{space}>{''.join(item % each for each in range(number))}</rdf:Bag>"
        (tmp_path / "photo.jpg.xmp").write_text(text, encoding="utf-8")

    write(MOST_REGIONS + 1)
    path = photo(tmp_path)
    assert reasons(survey(path)) == ["photo.jpg.xmp names nobody: it names more than 2,000 faces"]
    assert face_regions.regions((tmp_path / "photo.jpg.xmp").read_bytes()) == []
    write(3)
    assert len(survey(path).regions) == 1 and len(survey(path).unusable) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_picasa_in_every_encoding_that_it_wrote(encoding: str, tmp_path: Path) -> None:
    (tmp_path / ".picasa.ini").write_text(PICASA, encoding=encoding, newline="")
    assert [region.name for region in picasa.survey(photo(tmp_path)).regions] == ["Jürgen"]


def test_picasa_makes_no_difference_of_case_but_between_two_files(tmp_path: Path) -> None:
    (tmp_path / ".picasa.ini").write_text(PICASA.replace("photo.jpg", "PHOTO.JPG"), encoding="utf-8")
    path = photo(tmp_path)
    assert [region.name for region in picasa.survey(path).regions] == ["Jürgen"]
    other = photo(tmp_path, "PHOTO.JPG")
    if not other.samefile(path):  # on a disk that tells them apart
        assert picasa.survey(path).regions == [] and len(picasa.survey(other).regions) == 1


def test_half_a_character_and_numbers_beyond_all_bounds_in_json(tmp_path: Path) -> None:
    people = {"title": "photo.jpg", "people": [{"name": "\ud83d"}, {"name": "Ann"}]}
    (tmp_path / "photo.jpg.json").write_text(json.dumps(people), encoding="utf-8")
    path = photo(tmp_path)
    assert survey(path).people == ["\ufffd", "Ann"]
    huge = '[{"SourceFile": "photo.jpg", "RegionName": ["Ann"], "RegionAreaX": [1%s], "PersonInImage": "\\udc00"}]'
    (tmp_path / "photo.jpg.json").write_text(huge % ("0" * 400), encoding="utf-8")
    found = survey(path)
    assert [each.name for each in found.unusable] == ["Ann"] and found.people == ["\ufffd"]
