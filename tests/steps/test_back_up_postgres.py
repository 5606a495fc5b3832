"""A library moves by a backup from a file to PostgreSQL and back, and loses nothing on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Column, Connection

from faceid_core.errors import BackupUnusable, Unreachable
from faceid_core.library import Library
from faceid_core.library.store import transfer
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
def test_there_and_back(file: Settings, server: Settings, tmp_path: Path) -> None:
    before = contents(file)
    moved(file, server, tmp_path / "there.zip")
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
    copying = transfer._for_driver

    def cut(target: Connection, column: Column[Any]) -> Callable[[Any], Any]:
        if column.table.name == "label":
            with psycopg.connect(server.database_url or "") as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        return copying(target, column)

    monkeypatch.setattr(transfer, "_for_driver", cut)
    back_up.back_up(file, tmp_path / "file.zip")
    with pytest.raises(Unreachable, match="can't be used"):
        back_up.restore(server, tmp_path / "file.zip")
    assert transfer.is_empty(server)


def test_a_server_that_refuses_is_unreachable(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path, database_url="postgresql://x@127.0.0.1:1/y")
    with pytest.raises(Unreachable, match="FACEID_DATABASE_URL"):
        transfer.is_empty(settings)
