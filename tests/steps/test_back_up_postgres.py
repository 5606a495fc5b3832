"""A library moves by a backup from a file to PostgreSQL and back, and loses nothing on the way."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Table

from faceid_core.errors import BackupUnusable, Unreachable
from faceid_core.library import Library
from faceid_core.library.store import bulk, transfer
from faceid_core.settings import Settings
from faceid_core.steps import back_up
from faceid_core.steps.key_bindings import change_key, keys_of
from tests import postgres, sharing
from tests.cli.running import faceid, refused
from tests.library.conftest import EMBEDDER, new_photo
from tests.store.test_migrations import contents, fill


@pytest.fixture
def server(postgres_server: postgres.Server, tmp_path: Path) -> Iterator[Settings]:
    """A library on a server, with nothing in it yet."""
    with postgres_server.fresh(tables=False) as url:
        yield Settings(library=tmp_path / "server", database_url=url)


@pytest.fixture
def file(tmp_path: Path) -> Settings:
    """A library in a file, with decisions, an erased photo and a recogniser."""
    settings = sharing.new_library(tmp_path / "file")
    fill(settings)
    with Library.open(settings) as library:
        library.photos.add_many([new_photo("/gone.jpg")])
        library.erasing.photos(library.photos.at(["/gone.jpg"]).values())
        library.models.add(EMBEDDER, ["Ada"], {}, 0.5, {}, "one")
    (settings.models_folder / "one").mkdir(parents=True)
    (settings.models_folder / "one" / "weights").write_bytes(b"of a recogniser")
    change_key(settings, "Ada", "skip", "k")
    return settings


def moved(source: Settings, target: Settings, by: Path) -> None:
    back_up.back_up(source, by)
    back_up.restore(target, by)


@pytest.mark.slow
@pytest.mark.parametrize("few", [0, bulk.FEW])
def test_there_and_back(
    file: Settings, server: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch, few: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(bulk, "FEW", few)  # each table by COPY, or only the large ones
    before = contents(file)
    moved(file, server, tmp_path / "there.zip")
    assert "other users" not in caplog.text  # the folder in which it was unpacked was private
    assert contents(server) != {} and _alike(contents(server)) == _alike(before)
    assert (server.models_folder / "one" / "weights").read_bytes() == b"of a recogniser"
    back = sharing.new_library(tmp_path / "back")
    moved(server, back, tmp_path / "back.zip")
    assert contents(back) == before
    for settings in (server, back):
        assert keys_of(settings, "Ada")["skip"] == "K"
        with Library.open(settings) as library:
            assert library.problems() == []
            assert library.photos.add_many([new_photo("/new.jpg")])[0].photo_id == 6  # 5 was erased
            summary = library.journal.undo().summary
            assert summary and library.problems() == []


def _alike(rows: dict[str, list[str]]) -> dict[str, int]:
    """Rows by table: the databases write times and booleans differently; the way back shows that none is lost."""
    return {table: len(found) for table, found in rows.items()}


def _keys(settings: Settings) -> list[Any]:
    """Foreign keys and indexes as the server knows them."""
    wanted = (
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint "
        "WHERE connamespace = current_schema()::regnamespace ORDER BY 1, 2"
    )
    with psycopg.connect(settings.database_url or "") as connection:
        return connection.execute(wanted).fetchall()


@pytest.mark.slow
def test_a_restore_leaves_every_constraint_as_it_was(file: Settings, server: Settings, tmp_path: Path) -> None:
    Library.open(server).close()
    before = _keys(server)
    moved(file, server, tmp_path / "there.zip")
    assert _keys(server) == before and any("FOREIGN KEY" in definition for _, _, definition, _ in before)


@pytest.mark.slow
def test_a_row_without_its_parent_refuses_the_restore_as_a_whole(
    file: Settings, server: Settings, tmp_path: Path
) -> None:
    with Library.open(server) as library:
        library.photos.add_many([new_photo("/before.jpg")])
    before, keys = contents(server), _keys(server)
    with closing(sqlite3.connect(file.library / "faceid.db")) as damaged, damaged:
        damaged.execute("UPDATE face SET photo_id = 4711")  # foreign keys are off by default
    with pytest.raises(BackupUnusable, match=r"refuses a row of the backup .*foreign key"):
        transfer.from_file(file.library / "faceid.db", server)
    assert (contents(server), _keys(server)) == (before, keys)


@pytest.mark.slow
def test_a_text_that_postgresql_cannot_hold_refuses_the_restore_in_one_sentence(
    file: Settings, server: Settings
) -> None:
    with closing(sqlite3.connect(file.library / "faceid.db")) as damaged, damaged:
        damaged.execute("UPDATE photo SET camera = printf('%0200d', 1)")
    with pytest.raises(BackupUnusable, match="too long"):
        transfer.from_file(file.library / "faceid.db", server)
    assert transfer.is_empty(server)


@pytest.mark.slow
def test_the_server_knows_at_once_how_much_there_is(file: Settings, server: Settings, tmp_path: Path) -> None:
    moved(file, server, tmp_path / "there.zip")
    with psycopg.connect(server.database_url or "") as connection:
        wanted = "SELECT reltuples FROM pg_class WHERE oid = 'face'::regclass"  # -1 before it was counted
        assert connection.execute(wanted).fetchone() == (len(contents(server)["face"]),)


@pytest.mark.slow
def test_what_was_there_is_kept(file: Settings, server: Settings, tmp_path: Path) -> None:
    with Library.open(server) as library:
        library.photos.add_many([new_photo("/before.jpg")])
    back_up.back_up(file, tmp_path / "file.zip")
    _, kept = back_up.restore(server, tmp_path / "file.zip")
    assert kept is not None
    again = sharing.new_library(tmp_path / "again")
    back_up.restore(again, kept)
    with Library.open(again) as library:
        assert [photo.path for photo in library.photos.page()] == ["/before.jpg"]


@pytest.mark.slow
def test_a_restore_that_fails_changes_nothing(
    file: Settings, server: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Library.open(server) as library:
        library.photos.add_many([new_photo("/before.jpg")])
    before = contents(server)
    back_up.back_up(file, tmp_path / "file.zip")

    def breaks(*_: object) -> None:
        raise BackupUnusable("It ends here.")

    monkeypatch.setattr(transfer, "_continue_numbers", breaks)
    with pytest.raises(BackupUnusable):
        transfer.from_file(file.library / "faceid.db", server)
    assert contents(server) == before


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_wrong_address_is_one_sentence(
    command: str, file: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up.back_up(file, tmp_path / "file.zip")
    monkeypatch.setenv("FACEID_DATABASE_URL", "postgresql://nobody:s3cret-word@127.0.0.1:1/none")
    target = tmp_path / ("file.zip" if command == "restore" else "new.zip")
    sentence = refused(faceid("--library", tmp_path / "other", command, target), "can't be used")
    assert "s3cret" not in sentence
    assert not (tmp_path / "new.zip").exists()


@pytest.mark.slow
def test_a_server_that_goes_away_in_the_middle_is_one_sentence_and_nothing_is_restored(
    file: Settings, server: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copying = bulk.copy_rows

    def cut(target: Connection, table: Table, rows: Sequence[Mapping[Any, Any]], **options: Any) -> None:
        if table.name == "label":
            with psycopg.connect(server.database_url or "") as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        copying(target, table, rows, **options)

    monkeypatch.setattr(bulk, "copy_rows", cut)
    back_up.back_up(file, tmp_path / "file.zip")
    with pytest.raises(Unreachable, match="can't be used"):
        back_up.restore(server, tmp_path / "file.zip")
    assert transfer.is_empty(server)


def test_a_server_that_refuses_is_unreachable(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path, database_url="postgresql://x@127.0.0.1:1/y")
    with pytest.raises(Unreachable, match="FACEID_DATABASE_URL"):
        transfer.is_empty(settings)
