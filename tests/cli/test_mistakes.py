"""Every mistake is one sentence that says what to do."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from PIL import Image

from faceid_core.library import Library, PhotoQuery
from faceid_core.sample import Album
from faceid_core.settings import Settings
from faceid_core.values import PhotoStatus
from tests.cli.running import LANDSCAPE, faceid, refused


@pytest.mark.parametrize("command", [["people"], ["cluster"], ["map"], ["train"], ["recognise", "x.jpg"],
                                     ["export", "x.csv"]])  # fmt: skip
def test_a_mistyped_library_is_not_made(command: list[str], tmp_path: Path) -> None:
    refused(faceid("--library", tmp_path / "typo", *command), "There is no library in", "import photos first")
    assert list(tmp_path.iterdir()) == []


def test_a_library_that_is_a_file_is_refused(tmp_path: Path, album: Album) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    for command in (["people"], ["import", album.folder], ["db", "upgrade"], ["demo", "--no-serve"]):
        refused(faceid("--library", file, *command), "is a file, not a folder")
        refused(faceid("--library", file / "below", "db", "upgrade"), "can't be created", "choose another one")
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["serve", "--host", "0.0.0.0"], "add a user"),
        (["demo", "--host", "0.0.0.0"], "add a user"),
        (["watch", "nowhere"], "check the path"),
        (["restore", "nowhere.zip"], "check the path"),
        (["user", "list"], "There is no library in"),
        (["user", "remove", "Ada"], "There is no library in"),
        (["token", "list"], "There is no library in"),
        (["token", "add", "frame", "--user", "Ada"], "There is no library in"),
    ],
)
def test_a_refused_command_makes_no_library(command: list[str], words: str, tmp_path: Path) -> None:
    refused(faceid("--library", tmp_path / "new", *command), words)
    assert list(tmp_path.iterdir()) == []


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_steps_that_come_too_early_say_what_comes_first(folder: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    faceid("--library", new, "db", "upgrade")
    for command in ("cluster", "map"):
        refused(faceid("--library", new, command), "no photo yet", "import a folder of photos first")
    for library in (new, folder):
        refused(faceid("--library", library, "train"), "Name at least one person", "then train.")
        refused(
            faceid("--library", library, "recognise", tmp_path), "No recogniser has been trained yet", "train one"
        )
    assert not (new / "models").exists()


def test_nobody_named_is_not_enough_to_train(folder: Path) -> None:
    with Library.open(Settings(library=folder)) as library:
        refused(faceid("--library", folder, "train", "--json"), "Name at least one person", "then train.")
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
        (["import", ""], ["it is empty", "see `faceid import --help`"]),
        (["cluster", "--threshold", "nan"], ["nan is not a number", "see `faceid cluster --help`"]),
        (["cluster", "--strictness", "nan"], ["nan is not a number"]),
        (["undo", "9" * 30], ["is too large", "see `faceid undo --help`"]),
        (["faces", "remove", "9" * 30], ["is too large"]),
        (["names", "push", "immich", "http://127.0.0.1:1"], ["IMMICH_API_KEY", "in a terminal"]),
        (["names", "write", "no/such/folder", "--dry-run"], ["no file or folder no/such/folder"]),
        (["photos", "--missing", "--look-in", "no/such/folder"], ["no file or folder", "check the path"]),
        (["watch", "no/such/folder"], ["no file or folder", "check the path"]),
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
        ("FACEID_DETECTOR", "eyes", "choose one of centerface, mmod"),
        ("FACEID_EMBEDDER", "guess", "choose one of dlib-resnet"),
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
    monkeypatch.setattr("faceid_core.steps.export.export_as", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        faceid("--library", folder, "export", "faces.csv")
