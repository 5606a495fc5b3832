"""The command line: every command, every mistake as one sentence, and standard output that a script can read."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from faceid_core.cli import main
from faceid_core.importing import ImportReport
from faceid_core.library import Library, PhotoQuery
from faceid_core.sample import Album
from faceid_core.settings import Settings
from faceid_core.tables import PhotoStatus
from tests import videos

ROOT = Path(__file__).parents[1]
LANDSCAPE = Image.linear_gradient("L").resize((320, 240)).convert("RGB")


@dataclass(frozen=True)
class Ran:
    """How a command ended: its exit code and what it wrote to both outputs."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def quick_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the one who runs the tests; a quick search, no processes, a map that needs no compiling."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"FACEID_{name.upper()}", raising=False)
    monkeypatch.setenv("FACEID_WORKERS", "1")
    monkeypatch.setenv("FACEID_DETECTION_SIDE_PX", "800")
    monkeypatch.setenv("FACEID_PROJECTOR", "pca")


def faceid(*arguments: object) -> Ran:
    """Run a command in this process. What no sentence explains comes through as the exception that it is."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="faceid")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Ran(done.exit_code, done.stdout, done.stderr)


def refused(ran: Ran, *words: str) -> str:
    """Assert that the command was refused with one sentence that has these words; give the sentence."""
    sentence = ran.err.splitlines()[-1]
    assert ran.code == 2, ran
    assert sentence.startswith("faceid: ")
    assert sentence.endswith((".", "`."))
    assert "Traceback" not in ran.err
    for word in words:
        assert word in sentence
    return sentence


def in_the_environment(**settings: object) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **{name: str(value) for name, value in settings.items()}}


@pytest.fixture
def folder(imported_folder: Path, tmp_path: Path) -> Path:
    """The folder of a library of one's own: the album, imported and grouped."""
    return Path(shutil.copytree(imported_folder, tmp_path / "library"))


@pytest.fixture(scope="module")
def named_folder(imported_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of the album's groups named."""
    named = Path(shutil.copytree(imported_folder, tmp_path_factory.mktemp("named") / "library"))
    with Library.open(Settings(library=named)) as library:
        for number, name in ((1, "Anna"), (2, "[b]Øystein[/b]")):
            library.people.name_faces([face.id for face in library.faces.of_cluster(number)], name, actor="test")
    return named


@pytest.fixture(scope="module")
def trained_folder(named_folder: Path) -> Path:
    """A recogniser trained from those names, by the command line."""
    ran = faceid("--library", named_folder, "train", "--epochs", 2, "--json")
    assert ran.code == 0
    assert ran.json["classes"] == ["Anna", "[b]Øystein[/b]"]
    assert ran.json["accuracy"] > 0.9
    assert "knows 2 people" in ran.err
    return named_folder


# --- help ------------------------------------------------------------------------------------------------------
def test_help_lists_the_commands_in_the_order_of_work() -> None:
    ran = faceid("--help")
    assert ran.code == 0
    listed = [line.split()[0] for line in ran.out.partition("Commands:")[2].splitlines() if line.strip()]
    assert listed == [
        "demo", "import", "cluster", "map", "evaluate", "photos", "people", "train", "recognise", "export", "serve",
        "history", "undo", "redo", "erase", "doctor", "backup", "restore", "decisions", "db",
    ]  # fmt: skip


def test_every_command_and_option_is_documented() -> None:
    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    for name, command in main.commands.items():
        if command.hidden:
            continue
        assert f"faceid {name}" in text
        for option in (option for option in command.params if option.param_type_name == "option"):
            flag = (option.secondary_opts or option.opts)[0]  # of a pair, the one that changes something
            assert flag in text, f"{name} {flag}"
    assert "faceid db upgrade" in text


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    assert [name for name in Settings.model_fields if f"FACEID_{name.upper()}" not in text] == []


# --- the main job ----------------------------------------------------------------------------------------------
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
    assert "0 photos imported with 0 faces, 3 photos already here" in again.err


def test_the_demo_takes_ones_own_photos(tmp_path: Path, album: Album) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in sorted(album.photos)[:3]:
        shutil.copy(album.folder / name, photos)
    ran = faceid("--library", tmp_path / "own", "demo", photos, "--no-serve")
    assert ran.code == 0
    assert "3 photos imported" in ran.err
    assert not (tmp_path / "own" / "sample-album").exists()


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


def test_import_says_what_it_did_as_json(tmp_path: Path, album: Album) -> None:
    photos = [album.folder / name for name in sorted(album.photos)[:2]]
    ran = faceid("--library", tmp_path / "new", "import", *photos, photos[0], "--json")
    assert ran.code == 0
    outcome = {name: ran.json[name] for name in ("photos", "imported", "duplicates", "unchanged", "failed")}
    assert outcome == {"photos": 2, "imported": 2, "duplicates": 0, "unchanged": 0, "failed": 0}
    assert ran.json["faces"] >= 2
    again = faceid("--library", tmp_path / "new", "import", *photos, "--json")
    assert (again.json["unchanged"], again.json["imported"]) == (2, 0)


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
    refused(faceid("--library", tmp_path / "other", "people"), "No library is in", "other")


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
    assert (tight.json["threshold"], tight.json["grouped"]) == (0.01, 0)
    assert faceid("--library", named_folder, "people", "--json").json == before


def test_decisions_are_listed_taken_back_and_done_again(folder: Path) -> None:
    with Library.open(Settings(library=folder)) as library:
        library.people.name_faces([1], "Anna", actor="me")
        library.people.rename(1, "Berta", actor="me")
    library_ = ("--library", folder)
    listed = faceid(*library_, "history", "--limit", 2, "--json").json
    assert [event["summary"] for event in listed] == ["Renamed Anna to Berta", "Named 1 face Anna"]
    first = listed[1]["id"]
    assert "Renamed Anna to Berta" in faceid(*library_, "history").out
    refused(faceid(*library_, "undo", first), "“Renamed Anna to Berta” builds on this one")
    refused(faceid(*library_, "undo", first, "--back-to", first), "not both")
    assert "Undone" in faceid(*library_, "undo", "--back-to", first).err
    assert [each["name"] for each in faceid(*library_, "people", "--json").json] == ["Anna"]
    assert "Nothing was decided after that" in faceid(*library_, "undo", "--back-to", first).err
    assert f"Undone: {first}, Named 1 face Anna." in faceid(*library_, "undo", first).err
    assert f"Done again: {first}, Named 1 face Anna." in faceid(*library_, "redo").err
    refused(faceid(*library_, "undo", 99), "Decision 99 is not there")


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
    refused(faceid(*library, "photos", "--with", "Nobody"), "Nobody is called Nobody")
    refused(faceid(*library, "photos", "--from", "yesterday"), "yesterday")


def test_groups_are_compared_with_the_given_names(named_folder: Path, folder: Path) -> None:
    found = faceid("--library", named_folder, "evaluate", "--json").json
    assert (found["people"], found["pairwise"]["f"] > 0.9, found["acts"] < 6) == (2, True, True)
    ran = faceid("--library", named_folder, "evaluate", "--algorithm", "agglomerative")
    assert "Pairs of faces" in ran.out and "2 at the least" in ran.err
    refused(faceid("--library", folder, "evaluate"), "Name the faces of at least two people first")


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


def test_a_trained_recogniser_names_the_people_on_photos(trained_folder: Path, album: Album) -> None:
    with Library.open(Settings(library=trained_folder)) as library:
        anna, other = library.people.all()
        photos = {face.person: library.photos.get(face.photo_id).path
                  for person in (anna, other) for face in library.faces.of_person(person.id)}  # fmt: skip
    ran = faceid("--library", trained_folder, "recognise", *photos.values(), "--json")
    assert ran.code == 0
    for name, entry in zip(photos, ran.json, strict=True):
        assert entry["photo"] == photos[name]
        assert name in {face["name"] for face in entry["faces"]}
        for face in entry["faces"]:
            assert set(face) == {"box", "name", "probability", "score", "runners_up"}
    as_text = faceid("--library", trained_folder, "recognise", photos["Anna"]).out
    assert as_text.startswith(f"{photos['Anna']}: ")
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
    refused(ran, "the table says what and how")
    assert "choose one of mmod" in ran.out


def test_db_upgrade_makes_or_updates_the_database(folder: Path, tmp_path: Path) -> None:
    assert faceid("--library", folder, "db", "upgrade").err == "The database is up to date.\n"
    assert faceid("--library", tmp_path / "new", "db", "upgrade").code == 0
    assert faceid("--library", tmp_path / "new", "people", "--json").json == []


def test_an_outdated_database_says_how_to_update(folder: Path) -> None:
    with sqlite3.connect(folder / "faceid.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '0000'")
    database.close()
    refused(faceid("--library", folder, "people"), "faceid db upgrade")


# --- mistakes --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("command", [["people"], ["cluster"], ["map"], ["train"], ["recognise", "x.jpg"],
                                     ["export", "x.csv"]])  # fmt: skip
def test_a_mistyped_library_is_not_made(command: list[str], tmp_path: Path) -> None:
    refused(faceid("--library", tmp_path / "typo", *command), "No library is in", "import photos first")
    assert list(tmp_path.iterdir()) == []


def test_a_library_that_is_a_file_is_refused(tmp_path: Path, album: Album) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    for command in (["people"], ["import", album.folder], ["db", "upgrade"], ["demo", "--no-serve"]):
        refused(faceid("--library", file, *command), "is a file and a library is a folder")
        refused(faceid("--library", file / "below", "db", "upgrade"), "can't be made", "choose another one")
    assert file.read_text() == "mine"


def bomb(folder: Path) -> Path:
    """A PNG whose header declares 40,000 x 40,000 pixels."""
    file = folder / "bomb.png"
    Image.new("1", (8, 8)).save(file)
    data = bytearray(file.read_bytes())
    data[16:24] = (40_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    file.write_bytes(data)
    return file


def test_each_kind_of_bad_file_gets_its_reason(tmp_path: Path, album: Album) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    good = (album.folder / "photo-0001.jpg").read_bytes()
    (photos / "zero.jpg").touch()
    (photos / "cut.jpg").write_bytes(good[: len(good) // 3])
    (photos / "text.jpg").write_text("no picture")
    bomb(photos)
    ran = faceid("--library", tmp_path / "new", "import", photos)
    refused(ran, "None of these files could be imported", "JPEG, PNG, HEIC")
    reasons = dict(
        line.removeprefix("Skipped ").split(": ", 1) for line in ran.err.splitlines() if "Skipped" in line
    )
    assert {Path(path).name: reason for path, reason in reasons.items()} == {
        "bomb.png": "the photo declares 1,600 megapixels and the limit is 150; "
        "raise FACEID_MAX_MEGAPIXELS if you trust it.",
        "cut.jpg": "the file is damaged or cut off: its end is missing.",
        "text.jpg": "not an image.",
        "zero.jpg": "the file is empty.",
    }
    with Library.open(Settings(library=tmp_path / "new")) as library:
        assert library.counts().faces == 0
        assert len(library.photos.page(query=PhotoQuery(status=PhotoStatus.FAILED))) == 4


@pytest.mark.parametrize("command", ["import", "demo"])
def test_no_folder_an_empty_folder_and_a_folder_without_photos_make_no_library(
    command: str, tmp_path: Path
) -> None:
    new = tmp_path / "new"
    refused(faceid("--library", new, command, tmp_path / "nowhere"), "no file or folder", "check the path")
    (tmp_path / "void").mkdir()
    refused(
        faceid("--library", new, command, tmp_path / "void"), "There is no photo in", "choose a folder with JPEG"
    )
    (tmp_path / "void" / "notes.txt").write_text("no photo")
    refused(faceid("--library", new, command, tmp_path / "void"), "There is no photo in")
    assert not new.exists()


@pytest.mark.parametrize("command", [["import"], ["demo", "--no-serve"]])
def test_photos_without_a_face_are_refused_in_a_library_without_any(command: list[str], tmp_path: Path) -> None:
    LANDSCAPE.save(tmp_path / "sky.png")
    ran = faceid("--library", tmp_path / "new", command[0], tmp_path / "sky.png", *command[1:])
    refused(ran, "No face was found in these photos", "import photos that show people")


def test_photos_without_a_face_are_welcome_beside_others(folder: Path, tmp_path: Path) -> None:
    LANDSCAPE.save(tmp_path / "sky.png")
    ran = faceid("--library", folder, "import", tmp_path / "sky.png")
    assert ran.code == 0
    assert "1 photo imported with 0 faces" in ran.err


def test_steps_that_come_too_early_say_what_comes_first(folder: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    faceid("--library", new, "db", "upgrade")
    for command in ("cluster", "map"):
        refused(faceid("--library", new, command), "no photo yet", "import a folder of photos first")
    for library in (new, folder):
        refused(faceid("--library", library, "train"), "Name at least two people", "train again")
        refused(
            faceid("--library", library, "recognise", tmp_path), "No recogniser has been trained yet", "train one"
        )
    assert not (new / "models").exists()


def test_one_person_or_too_few_faces_are_not_enough_to_train(folder: Path) -> None:
    with Library.open(Settings(library=folder)) as library:
        anna = [face.id for face in library.faces.of_cluster(1)]
        ben = [face.id for face in library.faces.of_cluster(2)]
        library.people.name_faces(anna, "Anna", actor="test")
        refused(faceid("--library", folder, "train", "--json"), "two people with two photos each")
        library.people.name_faces(ben[:1], "Ben", actor="test")
        refused(faceid("--library", folder, "train"), "two people with two photos each")
        assert library.counts().models == 0
    assert not (folder / "models").exists()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["cluster", "--algorithm", "magic"], ["'magic'", "choose one of"]),
        (["map", "--projector", "magic"], ["'magic'", "choose one of umap"]),
        (["cluster", "--threshold", "0"], ["--threshold", "see `faceid cluster --help`"]),
        (["train", "--epochs", "0"], ["--epochs", "see `faceid train --help`"]),
        (["demo", "--people", "1"], ["--people", "see `faceid demo --help`"]),
        (["serve", "--port", "99999"], ["--port", "see `faceid serve --help`"]),
        (["import"], ["Missing argument", "see `faceid import --help`"]),
        (["import", "--jsn", "x"], ["No such option", "Did you mean", "See `faceid import --help`"]),
        (["grp"], ["No such command 'grp'", "see `faceid --help`"]),
        (["db", "downgrade"], ["Did you mean 'upgrade'", "See `faceid db --help`"]),
        (["export", "faces.xls"], ["*.csv or *.json", "faces.xls"]),
        (["export", "no/such/faces.csv"], ["There is no folder", "create it"]),
        (["export", "."], ["is a directory"]),
    ],
)
def test_a_wrong_command_line_is_one_sentence(command: list[str], words: list[str], folder: Path) -> None:
    ran = faceid("--library", folder, *command)
    assert refused(ran, *words) == ran.err.removesuffix("\n")
    assert ran.out == ""


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("FACEID_WORKERS", "many", "should be a valid integer"),
        ("FACEID_PORT", "-1", "greater than or equal to 0"),
        ("FACEID_MAX_MEGAPIXELS", "-5", "greater than 0"),
        ("FACEID_PROVIDERS", ",", "at least one provider"),
        ("FACEID_DETECTOR", "eyes", "choose one of mmod"),
        ("FACEID_EMBEDDER", "guess", "choose one of dlib-resnet"),
        ("FACEID_PROVIDERS", "QuantumExecutionProvider", "set FACEID_PROVIDERS to"),
        ("FACEID_DATABASE_URL", "nonsense", "write it like"),
        ("FACEID_DATABASE_URL", "oracle+nodriver://host/name", "FACEID_DATABASE_URL"),
    ],
)
def test_a_bad_setting_is_one_sentence(
    name: str, value: str, words: str, tmp_path: Path, album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    ran = faceid("--library", tmp_path / "new", "import", album.folder / "photo-0001.jpg", "--json")
    assert refused(ran, words) == ran.err.removesuffix("\n")
    assert ran.out == ""


def test_a_damaged_database_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "faceid.db").write_bytes(b"no database at all" * 100)
    refused(faceid("--library", tmp_path, "people"), "damaged", "backup")


def test_what_nobody_expected_keeps_its_traceback(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug must not look like a mistake of the user."""
    monkeypatch.setattr("faceid_core.exporting.export", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        faceid("--library", folder, "export", "faces.csv")


# --- real processes --------------------------------------------------------------------------------------------
def test_pipes_get_json_alone_and_no_progress_bar(tmp_path: Path, album: Album) -> None:
    """In a process of its own, with the setting that makes rich believe in a terminal."""
    command = [sys.executable, "-m", "faceid_core.cli", "--library", tmp_path / "new", "import", "--json"]
    photo = album.folder / "photo-0001.jpg"
    environment = in_the_environment(FORCE_COLOR=1)
    done = subprocess.run([*command, photo], capture_output=True, text=True, env=environment, check=True)
    assert json.loads(done.stdout)["imported"] == 1
    assert len(done.stderr.splitlines()) == 1
    assert "\r" not in done.stderr and "\x1b" not in done.stderr


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="sends Ctrl+C to a group of processes, as a terminal does")
def test_ctrl_c_keeps_what_is_imported_and_the_same_command_goes_on(tmp_path: Path, album: Album) -> None:
    new, photos = tmp_path / "new", tmp_path / "photos"
    photos.mkdir()
    for copy in range(3):  # many, so that a loaded machine finds time to stop it
        for path in album.folder.glob("*.jpg"):
            (photos / f"{copy}-{path.name}").write_bytes(path.read_bytes() + bytes([copy]))
    number = len(list(photos.iterdir()))
    faceid("--library", new, "db", "upgrade")
    command = [sys.executable, "-m", "faceid_core.cli", "--library", new, "import", photos]
    slow = in_the_environment(FACEID_DETECTOR="dlib-cnn", FACEID_DETECTION_SIDE_PX=400, FACEID_WORKERS=2)
    with (
        Library.open(Settings(library=new)) as library,
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=slow, start_new_session=True) as running,
    ):
        while not library.counts().photos:
            assert running.poll() is None, "the import ended before it could be stopped"
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGINT)
        _, said = running.communicate(timeout=30)
        kept = library.counts().photos
        assert said == (
            "faceid: Stopped; the photos imported so far are kept, and the same command goes on with the others.\n"
        )
        assert running.returncode == 130
        assert 1 <= kept < number
    ran = faceid("--library", new, "import", photos, "--json")
    assert (ran.json["unchanged"], ran.json["imported"]) == (kept, number - kept)


def test_ctrl_c_elsewhere_is_a_word_and_130(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("faceid_core.pipeline.cluster", stop)
    ran = faceid("--library", folder, "cluster")
    assert (ran.code, ran.out, ran.err) == (130, "", "faceid: Stopped.\n")


# --- videos ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "every"), [((), 0.0), (("--video",), 1.0), (("--video", "0.5"), 0.5), (("--video=2",), 2.0)]
)
def test_videos_are_looked_into_when_asked(
    options: tuple[str, ...], every: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the number is left out before a path."""
    given: list[float] = []
    monkeypatch.setattr(
        "faceid_core.importing.import_photos",
        lambda library, paths, **_: given.append(library.settings.video_seconds) or ImportReport(photos=len(paths)),
    )
    (tmp_path / "a.jpg").touch()
    (tmp_path / "a.mp4").touch()
    faceid("--library", tmp_path / "library", "import", *options, tmp_path / "a.mp4", tmp_path)
    assert given == [every]


def test_a_wrong_interval_is_one_sentence(tmp_path: Path) -> None:
    ran = faceid("--library", tmp_path, "import", "--video=-1", tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "--video" in ran.err


def test_all_pictures_of_a_video_are_erased_by_its_path(tmp_path: Path) -> None:
    path = videos.write(tmp_path / "a.mp4", videos.greys(2))
    library = ("--library", tmp_path / "library")
    assert "No face was found" in faceid(*library, "import", "--video", path).err
    assert faceid(*library, "photos").out.strip() == f"{path}#t=0"
    assert faceid(*library, "erase", "photo", "--yes", path).code == 0
    assert faceid(*library, "photos").out == ""
