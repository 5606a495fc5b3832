"""Every command: what it does and what a script can read of it."""

from __future__ import annotations

import csv
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from faceid_core.library import Library
from faceid_core.library.store import compaction
from faceid_core.sample import Album
from faceid_core.settings import Settings
from tests.cli.running import LANDSCAPE, faceid, refused
from tests.library.conftest import new_photo


@pytest.mark.slow
def test_the_demo_draws_imports_groups_and_maps(tmp_path: Path) -> None:
    command = ("--library", tmp_path / "new", "demo", "--people", 2, "--photos", 3, "--no-serve")
    ran = faceid(*command)
    assert (ran.code, ran.out) == (0, "")
    assert "The sample album has 3 photos of 2 people" in ran.err
    assert "\r" not in ran.err and "\x1b" not in ran.err
    with Library.open(Settings(library=tmp_path / "new")) as library:
        counts = library.counts()
    assert counts.photos == 3
    assert counts.clusters >= 1
    assert counts.mapped == counts.faces >= 3
    again = faceid(*command)
    assert "0 photos imported with 0 faces, 3 photos already imported" in again.err


@pytest.mark.slow
def test_the_demo_takes_ones_own_photos(tmp_path: Path, album: Album) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in sorted(album.photos)[:3]:
        shutil.copy(album.folder / name, photos)
    ran = faceid("--library", tmp_path / "own", "demo", photos, "--no-serve")
    assert ran.code == 0
    assert "3 photos imported" in ran.err
    assert not (tmp_path / "own" / "sample-album").exists()


@pytest.mark.slow
def test_the_demo_opens_the_web_app_at_the_wanted_port(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Settings] = []

    def serve(settings: Settings, *, announce: Callable[[str], None]) -> None:
        served.append(settings)
        announce("http://there")

    monkeypatch.setattr("webapp.server.serve", serve)
    ran = faceid("--library", folder, "serve", "--port", 0, "--host", "127.0.0.2")
    assert (ran.code, ran.out) == (0, "")
    assert "faceid is at http://there - press Ctrl+C to stop." in ran.err
    assert [(each.library, each.host, each.port) for each in served] == [(folder, "127.0.0.2", 0)]


@pytest.mark.slow
def test_import_says_what_it_did_as_json(tmp_path: Path, album: Album) -> None:
    photos = [album.folder / name for name in sorted(album.photos)[:2]]
    ran = faceid("--library", tmp_path / "new", "import", *photos, photos[0], "--json")
    assert ran.code == 0
    outcome = {name: ran.json[name] for name in ("photos", "imported", "duplicates", "unchanged", "failed")}
    assert outcome == {"photos": 2, "imported": 2, "duplicates": 0, "unchanged": 0, "failed": 0}
    assert ran.json["faces"] >= 2
    again = faceid("--library", tmp_path / "new", "import", *photos, "--json")
    assert (again.json["unchanged"], again.json["imported"]) == (2, 0)


@pytest.mark.slow
def test_bad_files_are_reported_and_the_good_ones_imported(tmp_path: Path, album: Album) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    good = shutil.copy(album.folder / "photo-0001.jpg", photos)
    (photos / "zero.jpg").touch()
    (photos / os.fsdecode(b"caf\xe9.jpg")).write_bytes(Path(good).read_bytes() + b" ")
    ran = faceid("--library", tmp_path / "new", "import", photos, "--json")
    assert ran.code == 0
    assert (ran.json["imported"], ran.json["failed"]) == (1, 2)
    assert {Path(each["path"]).name for each in ran.json["failures"]} == {"zero.jpg", "caf�.jpg"}
    assert f"Skipped {photos / 'zero.jpg'}: the file is empty." in ran.err
    assert "not valid UTF-8; rename it" in ran.err


def test_the_library_is_named_before_the_command_or_in_the_environment(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEID_LIBRARY", str(folder))
    assert faceid("people", "--json").json == []
    assert faceid("cluster", "--json").json["faces"] > 0
    refused(faceid("--library", tmp_path / "other", "people"), "There is no library in", "other")


@pytest.mark.slow
def test_the_library_lies_in_data_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, album: Album) -> None:
    monkeypatch.chdir(tmp_path)
    assert faceid("import", album.folder / "photo-0001.jpg").code == 0
    assert (tmp_path / "data" / "faceid.db").is_file()


def test_cluster_says_what_it_did_as_json_and_leaves_names_alone(named_folder: Path) -> None:
    before = faceid("--library", named_folder, "people", "--json").json
    ran = faceid("--library", named_folder, "cluster", "--algorithm", "chinese-whispers", "--json")
    asked = {"algorithm", "threshold", "seconds"}
    told = {"faces", "clusters", "grouped", "single", "moved", "merged", "split", "measured"}
    assert set(ran.json) == asked | told
    assert ran.json["algorithm"] == "chinese-whispers"
    assert ran.json["grouped"] + ran.json["single"] == ran.json["faces"]
    tight = faceid("--library", named_folder, "cluster", "--threshold", 0.01, "--json")
    named = sum(person["faces"] for person in before)  # names hold their faces together, whatever the distance
    assert (tight.json["threshold"], tight.json["clusters"], tight.json["grouped"]) == (0.01, 2, named)
    assert faceid("--library", named_folder, "people", "--json").json == before


def test_decisions_are_listed_taken_back_and_done_again(folder: Path) -> None:
    with Library.open(Settings(library=folder)) as library:
        library.people.name_faces([1], "Anna")
        library.people.rename(1, "Berta")
    library_ = ("--library", folder)
    listed = faceid(*library_, "history", "--limit", 2, "--json").json
    assert [event["summary"] for event in listed] == ["Renamed “Anna” to “Berta”", "Named 1 face “Anna”"]
    first = listed[1]["id"]
    assert "Renamed “Anna” to “Berta”" in faceid(*library_, "history").out
    assert faceid(*library_, "history", "--by", "owner", "--json").json[:2] == listed
    refused(faceid(*library_, "history", "--by", "Edi"), "Nothing was decided by Edi; --by takes one of: owner")
    refused(faceid(*library_, "undo", first), "“Renamed “Anna” to “Berta”” depends on this one")
    refused(faceid(*library_, "undo", first, "--back-to", first), "not both")
    assert "Undone" in faceid(*library_, "undo", "--back-to", first).err
    assert [each["name"] for each in faceid(*library_, "people", "--json").json] == ["Anna"]
    assert "There are no decisions after that one" in faceid(*library_, "undo", "--back-to", first).err
    assert f"Undone: {first}, Named 1 face “Anna”." in faceid(*library_, "undo", first).err
    assert f"Redone: {first}, Named 1 face “Anna”." in faceid(*library_, "redo").err
    refused(faceid(*library_, "undo", 99), "There is no decision 99 to undo")


def test_photos_are_listed_by_who_is_on_them_and_when(named_folder: Path, album: Album) -> None:
    library = ("--library", named_folder)

    def listed(*options: object) -> list[str]:
        return [Path(photo["path"]).name for photo in faceid(*library, "photos", *options, "--json").json]

    everything = listed()
    assert sorted(everything) == sorted(album.photos)
    anna, other = listed("--with", "Anna"), listed("--with", "[b]Øystein[/b]")
    assert listed("--with", "anna", "--with", "[b]Øystein[/b]") == [name for name in anna if name in other]
    assert listed("--with", "Anna", "--without", "[b]Øystein[/b]") == [name for name in anna if name not in other]
    assert listed("--folder", album.folder) == everything
    assert listed("--folder", album.folder / "no such") == []
    assert listed("--until", "1990-01-01") == []
    assert listed("--text", everything[0]) == everything[:1]
    assert faceid(*library, "photos", "--text", everything[0]).out == f"{album.folder / everything[0]}\n"
    refused(faceid(*library, "photos", "--with", "Nobody"), "There is no person called Nobody")
    refused(faceid(*library, "photos", "--from", "yesterday"), "yesterday")


@pytest.mark.slow
def test_groups_are_compared_with_the_given_names(named_folder: Path, folder: Path) -> None:
    found = faceid("--library", named_folder, "evaluate", "--json").json
    assert (found["people"], found["pairwise"]["f"] > 0.9, found["acts"] < 6) == (2, True, True)
    ran = faceid("--library", named_folder, "evaluate", "--algorithm", "agglomerative")
    assert "Pairs of faces" in ran.out and "2 at the least" in ran.err
    refused(faceid("--library", folder, "evaluate"), "Name faces of at least two people first")


def test_map_says_what_it_did_as_json(folder: Path) -> None:
    ran = faceid("--library", folder, "map", "--projector", "pca", "--json")
    assert ran.json["projector"] == "pca"
    with Library.open(Settings(library=folder)) as library:
        assert ran.json["faces"] == library.counts().mapped == library.counts().faces


def test_people_are_listed_as_a_table_and_as_json(folder: Path, named_folder: Path) -> None:
    nobody = faceid("--library", folder, "people")
    assert (nobody.code, nobody.out) == (0, "")
    assert "faceid serve" in nobody.err
    table = faceid("--library", named_folder, "people").out.splitlines()
    people = faceid("--library", named_folder, "people", "--json").json
    assert table[0].split() == ["Name", "Faces", "Photos"]
    assert [line.rsplit(maxsplit=2) for line in table[2:]] == [
        [person["name"], str(person["faces"]), str(person["photos"])] for person in people
    ]
    assert {person["name"] for person in people} == {"Anna", "[b]Øystein[/b]"}


@pytest.mark.slow
def test_a_trained_recogniser_names_the_people_on_photos(trained_folder: Path, album: Album) -> None:
    with Library.open(Settings(library=trained_folder)) as library:
        best = [library.faces.of_person(person.id)[0] for person in library.people.all()]
        shown = [(library.photos.get(face.photo_id).path, face.person) for face in best]
    photos = list(dict.fromkeys(path for path, _ in shown))  # both may be on one: it is looked at once
    ran = faceid("--library", trained_folder, "recognise", *(path for path, _ in shown), "--json")
    assert ran.code == 0
    assert [entry["photo"] for entry in ran.json] == photos
    for entry in ran.json:
        named = {face["name"] for face in entry["faces"]}
        assert {name for path, name in shown if path == entry["photo"]} <= named
        for face in entry["faces"]:
            assert set(face) == {"box", "status", "person_id", "name", "probability", "score", "runners_up"}
            assert (face["person_id"] is None) == (face["name"] is None) == (face["status"] == "unknown")
    with_anna = next(path for path, name in shown if name == "Anna")
    as_text = faceid("--library", trained_folder, "recognise", with_anna).out
    assert as_text.startswith(f"{with_anna}: ")
    assert "Anna (" in as_text


def test_recognise_skips_what_it_cannot_read(trained_folder: Path, tmp_path: Path) -> None:
    LANDSCAPE.save(tmp_path / "sky.png")
    (tmp_path / "text.jpg").write_text("no picture")
    ran = faceid("--library", trained_folder, "recognise", tmp_path, "--json")
    assert (ran.code, ran.json) == (0, [{"photo": str(tmp_path / "sky.png"), "faces": []}])
    assert "text.jpg: not an image." in ran.err
    assert faceid("--library", trained_folder, "recognise", tmp_path / "sky.png").out.endswith("sky.png: no face\n")
    only_bad = faceid("--library", trained_folder, "recognise", tmp_path / "text.jpg", "--json")
    refused(only_bad, "could be read", "JPEG, PNG, HEIC")
    assert only_bad.json == []
    (tmp_path / "void").mkdir()
    refused(faceid("--library", trained_folder, "recognise", tmp_path / "void"), "There is no photo in", "void")
    refused(faceid("--library", trained_folder, "recognise", tmp_path / "nowhere"), "no file or folder")


def test_export_writes_exactly_the_columns_that_scripts_rely_on(named_folder: Path, tmp_path: Path) -> None:
    ran = faceid("--library", named_folder, "export", tmp_path / "faces.csv")
    with (tmp_path / "faces.csv").open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    assert ",".join(header) == "photo,left,top,right,bottom,score,quality,cluster,person,label_source"
    assert (ran.code, ran.out, ran.err) == (0, "", f"Wrote {len(rows)} faces to {tmp_path / 'faces.csv'}.\n")
    assert {(row[8], row[9]) for row in rows} == {("Anna", "human"), ("[b]Øystein[/b]", "human"), ("", "")}


@pytest.mark.slow
def test_doctor_as_a_table_and_as_json(folder: Path) -> None:
    ran = faceid("--library", folder, "doctor", "--json")
    assert ran.code == 0, ran
    checks = {check["name"]: check for check in ran.json}
    assert set(checks["Engine"]) == {"name", "found", "ok", "advice"}
    assert str(folder) in checks["Library"]["found"]
    table = faceid("--library", folder, "doctor").out
    assert all(name in table for name in checks)


def test_doctor_fails_with_the_table_where_something_is_wrong(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEID_DETECTOR", "eyes")
    ran = faceid("--library", folder, "doctor")
    refused(ran, "see the advice in the table")
    assert "choose one of centerface, mmod" in ran.out


def test_db_upgrade_makes_or_updates_the_database(folder: Path, tmp_path: Path) -> None:
    assert faceid("--library", folder, "db", "upgrade").err == "The database is up to date.\n"
    assert faceid("--library", tmp_path / "new", "db", "upgrade").code == 0
    assert faceid("--library", tmp_path / "new", "people", "--json").json == []


def test_an_outdated_database_says_how_to_update(folder: Path) -> None:
    with sqlite3.connect(folder / "faceid.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '0000'")
    database.close()
    refused(faceid("--library", folder, "people"), "faceid db upgrade")


def test_erasing_while_somebody_reads_says_what_remains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "WAIT_SECONDS", 0.2)
    monkeypatch.setattr(compaction, "OPENING_WAIT_SECONDS", 0.2)
    folder = tmp_path / "library"
    with Library.open(Settings(library=folder)) as library:
        library.photos.add_many([new_photo("/1.jpg"), new_photo("/2.jpg")])
        library.people.name_faces([1], "Ada")
        library.people.name_faces([2], "Bo")
        with library._database.read() as reader:
            assert reader.scalars(text("SELECT name FROM person")).all()
            assert "some erased data remains" in faceid("--library", folder, "erase", "person", "Ada", "--yes").err
    assert "remain" not in faceid("--library", folder, "erase", "person", "Bo", "--yes").err
    assert not any(name in path.read_bytes() for path in folder.glob("faceid.db*") for name in (b"Ada", b"Bo"))
    assert faceid("--library", folder, "erase", "leftovers", "--yes").code == 0
