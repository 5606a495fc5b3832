"""Backup and restore of whole libraries: complete or not at all, and never at the cost of what is there."""

from __future__ import annotations

import sqlite3
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from faceid_core.errors import BackupUnusable, BadInput, LibraryBusy, NotWritable
from faceid_core.library import Library
from faceid_core.library.store import database
from faceid_core.settings import Settings
from faceid_core.steps import back_up
from faceid_core.steps.key_bindings import change_key, keys_of
from tests import sharing
from tests.library.conftest import EMBEDDER, new_photo


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return sharing.new_library(tmp_path / "library")


@pytest.fixture
def library(settings: Settings) -> Iterator[Library]:
    """Two named faces, one decision undone, and a recogniser with its files."""
    with Library.open(settings) as opened:
        opened.photos.add_many([new_photo(f"/{number}.jpg") for number in range(3)])
        opened.people.name_faces([1], "Ada")
        opened.people.name_faces([2], "Bo")
        opened.people.name_faces([3], "Cy")
        opened.journal.undo()
        opened.models.add(EMBEDDER, ["Ada", "Bo"], {}, 0.5, {}, "one")
        (settings.models_folder / "one").mkdir(parents=True)
        (settings.models_folder / "one" / "model.json").write_text("{}")
        yield opened


def names(settings: Settings) -> list[str]:
    with Library.open(settings) as library:
        return [person.name for person in library.people.all()]


def test_everything_comes_back(library: Library, settings: Settings, tmp_path: Path) -> None:
    held = back_up.back_up(settings, tmp_path / "mine.zip")
    assert (held.photos, held.faces, held.people) == (3, 3, 2)
    elsewhere = Settings(library=tmp_path / "elsewhere")
    assert back_up.restore(elsewhere, tmp_path / "mine.zip") == (held, None)
    with Library.open(elsewhere) as restored:
        assert restored.counts() == library.counts()
        assert restored.problems() == []
        assert restored.journal.recent() == library.journal.recent()
        assert restored.faces.crops([1, 2, 3]) == library.faces.crops([1, 2, 3])
        restored.journal.redo()
        assert [person.name for person in restored.people.all()] == ["Ada", "Bo", "Cy"]
    assert (elsewhere.models_folder / "one" / "model.json").read_text() == "{}"


def test_what_was_there_is_kept_beside(library: Library, settings: Settings, tmp_path: Path) -> None:
    back_up.back_up(settings, tmp_path / "mine.zip")
    library.people.name_faces([3], "Dee")
    library.close()
    _, replaced = back_up.restore(settings, tmp_path / "mine.zip")
    assert names(settings) == ["Ada", "Bo"]
    assert replaced is not None and names(Settings(library=replaced)) == ["Ada", "Bo", "Dee"]
    assert sorted(path.name for path in settings.library.iterdir() if path.name.startswith(".")) == []


def test_chosen_keys_come_back(library: Library, settings: Settings, tmp_path: Path) -> None:
    change_key(settings, "Ada", "skip", "k")
    back_up.back_up(settings, tmp_path / "mine.zip")
    change_key(settings, "Ada", "skip", "w")
    library.close()
    _, replaced = back_up.restore(settings, tmp_path / "mine.zip")
    assert keys_of(settings, "Ada")["skip"] == "K"
    assert replaced is not None and keys_of(Settings(library=replaced), "Ada")["skip"] == "W"
    (settings.library / "keys.json").unlink()
    back_up.back_up(settings, tmp_path / "none.zip")
    change_key(settings, "Ada", "skip", "w")
    back_up.restore(settings, tmp_path / "none.zip")
    assert keys_of(settings, "Ada")["skip"] == "W", "where the backup has none, those that are here stay"


def test_a_library_in_use_is_not_replaced(library: Library, settings: Settings, tmp_path: Path) -> None:
    back_up.back_up(settings, tmp_path / "mine.zip")
    with pytest.raises(LibraryBusy, match="stop it"):
        back_up.restore(settings, tmp_path / "mine.zip")
    library.people.name_faces([3], "Dee")
    assert [person.name for person in library.people.all()] == ["Ada", "Bo", "Dee"]


@pytest.mark.slow
def test_a_backup_while_others_write_is_one_moment(library: Library, settings: Settings, tmp_path: Path) -> None:
    stop = threading.Event()

    def go_on_naming() -> None:
        number = 0
        while not stop.is_set():
            library.people.name_faces([1, 2, 3], f"Name {number}")
            number += 1

    writer = threading.Thread(target=go_on_naming)
    writer.start()
    try:
        for number in range(5):
            back_up.back_up(settings, tmp_path / f"{number}.zip")
    finally:
        stop.set()
        writer.join()
    for number in range(5):
        restored = Settings(library=tmp_path / f"restored{number}")
        back_up.restore(restored, tmp_path / f"{number}.zip")
        with Library.open(restored) as opened:
            assert opened.problems() == []


def test_an_older_backup_is_kept_unless_asked(library: Library, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "mine.zip"
    file.write_text("precious")
    with pytest.raises(BadInput, match="--replace"):
        back_up.back_up(settings, file)
    assert file.read_text() == "precious"
    back_up.back_up(settings, file, replace=True)
    assert zipfile.is_zipfile(file)


def test_a_place_that_is_not_there(library: Library, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(NotWritable, match="choose another place"):
        back_up.back_up(settings, tmp_path / "nowhere" / "mine.zip")


def test_nothing_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no library"):
        back_up.back_up(Settings(library=tmp_path / "none"), tmp_path / "mine.zip")
    assert list(tmp_path.iterdir()) == []


def damaged_zip(good: Path, file: Path) -> None:
    content = bytearray(good.read_bytes())
    middle = content.index(b"SQLite format 3") + 5000
    content[middle : middle + 40] = b"x" * 40
    file.write_bytes(content)


def newer(good: Path, file: Path) -> None:
    copy = file.with_suffix(".db")
    with zipfile.ZipFile(good) as packed:
        copy.write_bytes(packed.read("faceid.db"))
        contents = packed.read("backup.json")
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with zipfile.ZipFile(file, "w") as packed:
        packed.write(copy, "faceid.db")
        packed.writestr("backup.json", contents)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda good, file: None, "There is no file"),
        (lambda good, file: file.write_text("a diary"), "is not a faceid backup"),
        (lambda good, file: zipfile.ZipFile(file, "w").close(), "is not a faceid backup"),
        (lambda good, file: file.write_bytes(good.read_bytes()[:-200]), "is not a faceid backup"),
        (damaged_zip, "is not a faceid backup"),
        (newer, "update the program"),
    ],
)
def test_a_bad_backup_changes_nothing(
    library: Library, settings: Settings, tmp_path: Path, spoil: Callable[[Path, Path], object], said: str
) -> None:
    back_up.back_up(settings, tmp_path / "good.zip")
    library.close()
    spoil(tmp_path / "good.zip", tmp_path / "bad.zip")
    with pytest.raises(BackupUnusable, match=said):
        back_up.restore(settings, tmp_path / "bad.zip")
    assert names(settings) == ["Ada", "Bo"]
    assert not (settings.library / "replaced").exists()


def test_a_damaged_library_can_be_replaced(library: Library, settings: Settings, tmp_path: Path) -> None:
    back_up.back_up(settings, tmp_path / "mine.zip")
    library.close()
    (settings.library / "faceid.db").write_bytes(b"rubbish" * 1000)
    _, replaced = back_up.restore(settings, tmp_path / "mine.zip")
    assert names(settings) == ["Ada", "Bo"]
    assert replaced is not None and (replaced / "faceid.db").read_bytes() == b"rubbish" * 1000


def crash(library: Library, settings: Settings) -> bytes:
    """Write a name that stays in the write-ahead log, and end without closing. Returns the log."""
    with closing(sqlite3.connect(settings.library / "faceid.db")) as reader:
        reader.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # else the log could mend what is damaged below
        reader.execute("BEGIN")
        reader.execute("SELECT count() FROM person").fetchone()  # so that nothing is folded in
        library.people.rename(2, "Eve")
        files = {path: path.read_bytes() for path in settings.library.glob("faceid.db*")}
        reader.rollback()
    library.close()
    for path, content in files.items():
        path.write_bytes(content)
    return files[settings.library / "faceid.db-wal"]


def damage(settings: Settings) -> None:
    """The first page is rubbish, so that SQLite says: file is not a database."""
    with (settings.library / "faceid.db").open("r+b") as file:
        file.write(b"rubbish" * 100)


def delete(settings: Settings) -> None:
    (settings.library / "faceid.db").unlink()


@pytest.mark.parametrize("lose", [damage, delete])
def test_writes_of_the_damaged_database_stay_with_it(
    library: Library, settings: Settings, tmp_path: Path, lose: Callable[[Settings], None]
) -> None:
    back_up.back_up(settings, tmp_path / "mine.zip")
    log = crash(library, settings)
    assert b"Eve" in log
    lose(settings)
    _, replaced = back_up.restore(settings, tmp_path / "mine.zip")
    assert not list(settings.library.glob("faceid.db-*"))
    assert replaced is not None and (replaced / "faceid.db-wal").read_bytes() == log
    assert names(settings) == ["Ada", "Bo"]
    with Library.open(settings) as restored:
        assert restored.problems() == []
        assert restored.counts().people == 2


def test_writes_of_a_sound_database_are_in_the_kept_copy(
    library: Library, settings: Settings, tmp_path: Path
) -> None:
    back_up.back_up(settings, tmp_path / "mine.zip")
    crash(library, settings)
    _, replaced = back_up.restore(settings, tmp_path / "mine.zip")
    assert names(settings) == ["Ada", "Bo"]
    assert replaced is not None and names(Settings(library=replaced)) == ["Ada", "Eve"]


def test_a_file_never_unpacks_outside(settings: Settings, tmp_path: Path, library: Library) -> None:
    back_up.back_up(settings, tmp_path / "mine.zip")
    with zipfile.ZipFile(tmp_path / "mine.zip", "a") as packed:
        packed.writestr("models/../../../evil.txt", "evil")
    back_up.restore(Settings(library=tmp_path / "elsewhere"), tmp_path / "mine.zip")
    assert not list(tmp_path.glob("evil.txt")) and not (tmp_path.parent / "evil.txt").exists()


def test_upgrading_keeps_a_copy_of_what_was(
    library: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.close()
    assert back_up.upgrade(settings) is None
    with closing(sqlite3.connect(settings.library / "faceid.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    migrated: list[str] = []
    monkeypatch.setattr(database, "_migrate", lambda connection, url: migrated.append(url))
    copy = back_up.upgrade(settings)
    assert migrated and copy is not None and copy.parent == settings.library / "backups"
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count() FROM person").fetchone() == (2,)


@pytest.mark.parametrize("step", range(2))
def test_stopped_in_the_middle_of_restoring_the_old_library_is_whole(
    library: Library, settings: Settings, tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped before each of the two renames: of a recogniser's folder, and of the database."""
    back_up.back_up(settings, tmp_path / "mine.zip")
    library.people.name_faces([3], "Dee")
    library.close()
    (settings.models_folder / "one").rename(settings.models_folder / "two")
    steps, rename = iter(range(9)), Path.replace

    def stopped(self: Path, target: Path) -> Path:
        if next(steps) == step:
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stopped)
        with pytest.raises(KeyboardInterrupt):
            back_up.restore(settings, tmp_path / "mine.zip")
    assert names(settings) == ["Ada", "Bo", "Dee"]
    assert (settings.models_folder / "two" / "model.json").exists()
    back_up.restore(settings, tmp_path / "mine.zip")
    assert names(settings) == ["Ada", "Bo"]
    assert [folder.name for folder in settings.models_folder.iterdir()] == ["one"]


def packed(file: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def test_a_bomb_is_refused_before_it_is_unpacked(settings: Settings, tmp_path: Path) -> None:
    said = b'{"version": "1", "revision": "0005", "made_at": "", "photos": 0, "faces": 0, "people": 0}'
    bomb = packed(
        tmp_path / "bomb.zip", {back_up.CONTENTS: said, "faceid.db": bytes(50_000_000)}, zipfile.ZIP_DEFLATED
    )
    assert bomb.stat().st_size < 100_000
    with pytest.raises(BackupUnusable, match="would unpack to 0"):
        back_up.restore(settings, bomb)


@pytest.mark.parametrize("contents", [b"[" * 60_000, b" " * 70_000 + b"{}"], ids=["nested", "long"])
def test_odd_contents_are_no_backup(settings: Settings, tmp_path: Path, contents: bytes) -> None:
    with pytest.raises(BackupUnusable, match="is not a faceid backup"):
        back_up.restore(settings, packed(tmp_path / "odd.zip", {back_up.CONTENTS: contents}))


@pytest.mark.parametrize(
    "planted",
    [
        "CREATE TRIGGER evil AFTER INSERT ON person BEGIN DELETE FROM label; END",
        "CREATE VIEW evil AS SELECT * FROM person",
    ],
    ids=["trigger", "view"],
)
def test_planted_code_is_refused(library: Library, settings: Settings, tmp_path: Path, planted: str) -> None:
    back_up.back_up(settings, tmp_path / "mine.zip")
    with zipfile.ZipFile(tmp_path / "mine.zip") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    (tmp_path / "planted.db").write_bytes(members["faceid.db"])
    with closing(sqlite3.connect(tmp_path / "planted.db")) as connection:
        connection.execute(planted)
        connection.commit()
    members["faceid.db"] = (tmp_path / "planted.db").read_bytes()
    before = names(settings)
    with pytest.raises(BackupUnusable, match="code that faceid did not write"):
        back_up.restore(Settings(library=tmp_path / "elsewhere"), packed(tmp_path / "planted.zip", members))
    assert names(settings) == before
