"""The commands that write names beside photos."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceid_core.library import Library
from tests.cli.running import faceid, refused
from tests.sharing import new_library
from tests.steps.test_write_names import add_photo, people_in


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (photos := tmp_path / "photos").mkdir()
    with Library.open(new_library(tmp_path / "library")) as library:
        faces = [add_photo(library, photos / name) for name in ("a.jpg", "b.jpg")]
        library.people.name_faces(faces, "Ada")
    return photos


def test_write_look_at_it_and_undo_it(folder: Path) -> None:
    at = ("--library", folder.parent / "library", "names")
    dry = faceid(*at, "write", "--dry-run")
    assert dry.out.splitlines() == [str(folder / "a.jpg.xmp"), str(folder / "b.jpg.xmp")]
    assert "2 files would be changed: 2 names added." in dry.err
    assert not (folder / "a.jpg.xmp").exists()
    ran = faceid(*at, "write", folder, "--json")
    assert (ran.json["files"], ran.json["added"], ran.json["run"]) == (2, 2, 1)
    assert "Undo it with `faceid names undo 1`." in ran.err
    assert people_in(folder / "b.jpg") == ["Ada"]
    assert "No file needs a change." in faceid(*at, "write").err
    assert "1" in faceid(*at, "runs").out
    assert faceid(*at, "runs", "--json").json[0]["files"] == 2
    assert "2 files restored." in faceid(*at, "undo").err
    assert not (folder / "a.jpg.xmp").exists()
    refused(faceid(*at, "undo"), "no writing of names to undo")
    refused(faceid(*at, "undo", 9), "no writing of names 9 to undo")


def test_what_was_left_alone_is_told_in_a_sentence_each(folder: Path) -> None:
    (folder / "a.jpg.xmp").write_text("no xml", encoding="utf-8")
    ran = faceid("--library", folder.parent / "library", "names", "write")
    assert ran.code == 0
    assert f"{folder / 'a.jpg.xmp'}: it is not XML (" in ran.err
    assert "1 file changed: 1 name added; 1 file left alone." in ran.err
