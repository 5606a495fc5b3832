"""The database file: made when absent, checked when present, plain words when it can't be used."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect
from sqlmodel import SQLModel

from faceid_core.database import HEAD, alembic_config, connect, upgrade
from faceid_core.errors import LibraryBusy, LibraryError, SchemaOutdated, SchemaTooNew
from faceid_core.library import Library
from faceid_core.settings import Settings


def write(settings: Settings, statement: str) -> None:
    with sqlite3.connect(settings.library / "faceid.db") as connection:
        connection.execute(statement)


def test_the_constant_names_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(alembic_config("sqlite://")).get_current_head() == HEAD


def test_the_migrations_make_just_the_tables_of_the_models(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path)
    database = connect(settings)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_migrations_go_down_and_up_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    config = alembic_config(url)
    command.upgrade(config, "head")
    command.downgrade(config, "base")
    assert set(inspect(create_engine(url)).get_table_names()) <= {"alembic_version"}
    command.upgrade(config, "head")
    assert "face" in inspect(create_engine(url)).get_table_names()


def test_older_and_newer_libraries_say_what_to_do(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path)
    Library.open(settings).close()
    write(settings, "UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(SchemaOutdated, match="faceid db upgrade"):
        Library.open(settings)
    write(settings, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaTooNew, match="update the program"):
        Library.open(settings)


def test_upgrade_makes_a_library_where_there_is_none(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path / "new")
    upgrade(settings)
    assert Library.open(settings).counts().photos == 0


def test_foreign_and_damaged_files_are_refused(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path)
    write(settings, "CREATE TABLE songs (title TEXT)")
    with pytest.raises(LibraryError, match="another program"):
        Library.open(settings)
    (tmp_path / "faceid.db").write_bytes(b"rubbish " * 1000)
    with pytest.raises(LibraryError, match="damaged"):
        Library.open(settings)


def test_a_busy_database_is_said_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceid_core.database.BUSY_SECONDS", 0.1)
    settings = Settings(library=tmp_path)
    library = Library.open(settings)
    other = sqlite3.connect(tmp_path / "faceid.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LibraryBusy, match="try again"):
        library.jobs.submit("map", {})
    other.execute("ROLLBACK")
    assert library.jobs.submit("map", {}).kind == "map"
