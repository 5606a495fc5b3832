"""Exports: one row per face, the columns that scripts rely on, and never half a file."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from faceid_core.errors import NotWritable, PathNotFound, UnknownChoice
from faceid_core.exchange.face_table import EXPORTERS
from faceid_core.library import Library
from faceid_core.steps import export
from faceid_core.values import ExportedFace
from tests.contracts import check_exporter


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("suffix", EXPORTERS)
def test_every_exporter_keeps_the_contract(suffix: str, filled: Library, tmp_path: Path) -> None:
    check_exporter(suffix, filled, tmp_path)


def test_the_csv_has_exactly_the_columns_and_a_row_per_face(filled: Library, tmp_path: Path) -> None:
    faces = export.export(filled, tmp_path / "faces.csv")
    header = (tmp_path / "faces.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == "photo,left,top,right,bottom,score,quality,cluster,person,label_source"
    rows = rows_of(tmp_path / "faces.csv")
    assert faces == len(rows) == filled.counts().faces
    for row in rows:
        assert Path(row["photo"]).is_file()
        assert float(row["left"]) < float(row["right"])
        assert float(row["top"]) < float(row["bottom"])
        assert 0 <= float(row["quality"]) <= 1


def test_rows_say_what_the_library_knows(filled: Library, tmp_path: Path) -> None:
    named = [face.id for face in filled.faces.of_cluster(1)]
    filled.people.name_faces(named, 'Åsa "the boss", née Øre')
    export.export(filled, tmp_path / "faces.csv")
    for row in rows_of(tmp_path / "faces.csv"):
        known = row["cluster"] == "1"
        assert row["person"] == ('Åsa "the boss", née Øre' if known else "")
        assert row["label_source"] == ("human" if known else "")


def test_the_boxes_are_those_of_the_library(filled: Library, tmp_path: Path) -> None:
    export.export(filled, tmp_path / "faces.csv")
    written = {(row["photo"], *(float(row[edge]) for edge in ("left", "top", "right", "bottom")))
               for row in rows_of(tmp_path / "faces.csv")}  # fmt: skip
    stored = {
        (photo.path, *(round(edge, 2) for edge in face.box.as_tuple()))
        for photo in filled.photos.page(limit=100)
        for face in filled.faces.of_photo(photo.id)
    }
    assert written == stored


def test_json_has_the_same_rows_with_null_for_what_is_missing(filled: Library, tmp_path: Path) -> None:
    export.export(filled, tmp_path / "faces.csv")
    export.export(filled, tmp_path / "faces.json")
    as_json = json.loads((tmp_path / "faces.json").read_text(encoding="utf-8"))
    as_text = [{key: "" if value is None else str(value) for key, value in row.items()} for row in as_json]
    assert as_text == rows_of(tmp_path / "faces.csv")
    assert {row["person"] for row in as_json} == {None}


def test_an_empty_library_gives_the_header_alone(empty: Library, tmp_path: Path) -> None:
    assert export.export(empty, tmp_path / "faces.csv") == 0
    assert rows_of(tmp_path / "faces.csv") == []


@pytest.mark.parametrize("name", ["faces.xls", "faces", "faces.csv.gz"])
def test_an_unknown_ending_is_refused_with_the_choices(name: str, filled: Library, tmp_path: Path) -> None:
    with pytest.raises(UnknownChoice, match=r"\*\.csv or \*\.json"):
        export.export(filled, tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_missing_folder_is_refused(filled: Library, tmp_path: Path) -> None:
    with pytest.raises(PathNotFound, match="create it or export somewhere else"):
        export.export(filled, tmp_path / "no" / "faces.csv")
    assert not (tmp_path / "no").exists()


def test_an_unwritable_folder_is_refused(filled: Library, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    if os.access(folder, os.W_OK):  # root may write everywhere but into the kernel's folders
        folder = Path("/proc")
        if not folder.is_dir():
            pytest.skip("there is no folder here that this user can't write")
    with pytest.raises(NotWritable, match="export to another folder"):
        export.export(filled, folder / "faces.csv")


def test_an_export_that_fails_half_way_leaves_the_old_file_alone(
    filled: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "faces.csv"
    target.write_text("the old export")

    def full_disk(faces: Iterable[ExportedFace]) -> Iterator[ExportedFace]:
        yield next(iter(faces))
        raise OSError(28, "No space left on device")

    faces = filled.exports.faces
    monkeypatch.setattr(filled.exports, "faces", lambda query: full_disk(faces(query)))
    with pytest.raises(NotWritable, match="No space left"):
        export.export(filled, target)
    assert target.read_text() == "the old export"
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["faces.csv"]
