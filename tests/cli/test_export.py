"""`faceid export`: forms, conditions, the preview, and mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import faceid, refused


def test_a_folder_of_albums(named_folder: Path, tmp_path: Path) -> None:
    ran = faceid(
        "--library", named_folder, "export", tmp_path / "out", "--as", "albums", "--person", "Anna", "--json"
    )
    assert ran.code == 0 and ran.json["form"] == "albums" and ran.json["problems"] == []
    assert [folder.name for folder in (tmp_path / "out").iterdir()] == ["Anna"]
    assert len(list((tmp_path / "out" / "Anna").iterdir())) == ran.json["files"]
    assert ran.err.startswith("Wrote ") and str(tmp_path / "out") in ran.err


def test_the_preview_writes_nothing(named_folder: Path, tmp_path: Path) -> None:
    ran = faceid("--library", named_folder, "export", tmp_path / "x", "--as", "imagefolder", "--preview", "--json")
    assert ran.code == 0 and ran.json["people"] == 2 and ran.json["bytes"] == ran.json["crop_bytes"] > 0
    assert "of 2 people on" in ran.err and not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", ["faces.parquet", "vectors.npz"])
def test_the_ending_chooses_a_form(named_folder: Path, tmp_path: Path, name: str) -> None:
    ran = faceid("--library", named_folder, "export", tmp_path / name)
    assert ran.code == 0 and (tmp_path / name).stat().st_size > 500


def test_conditions(named_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "faces.json"
    faceid("--library", named_folder, "export", file, "--person", "anna")
    assert {row["person"] for row in json.loads(file.read_text())} == {"Anna"}
    faceid("--library", named_folder, "export", file, "--quality", 1)
    assert json.loads(file.read_text()) == []
    faceid("--library", named_folder, "export", file, "--flag", "stranger")
    assert json.loads(file.read_text()) == []
    faceid("--library", named_folder, "export", file, "--from", "1999-01-01", "--until", "1999-12-31")
    assert json.loads(file.read_text()) == []


def test_mistakes_are_one_sentence(named_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    export = ("--library", named_folder, "export")
    refused(faceid(*export, tmp_path / "full", "--as", "coco"), "not empty")
    refused(faceid(*export, tmp_path / "x.xyz"), "--as", "albums")
    refused(faceid(*export, tmp_path / "x", "--as", "yolo"), "There is no form yolo")
    refused(faceid(*export, tmp_path / "x", "--as", "gallery"), "Choose one person")
    refused(faceid(*export, tmp_path / "x", "--as", "coco", "--person", "Zoe"), "no person called Zoe")
    refused(faceid(*export, tmp_path / "x.zip", "--as", "albums", "--link", "hard"), "archive can't hold links")
    refused(faceid(*export, tmp_path / "x", "--as", "coco", "--quality", 1), "No face meets these conditions")
    assert [path.name for path in tmp_path.iterdir()] == ["full"]
