"""Opening, migrating, and one clear sentence when the database can't serve."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, text
from sqlmodel import SQLModel

from faceid_core.errors import LibraryBusy, LibraryError, SchemaOutdated, SchemaTooNew
from faceid_core.library import Library
from faceid_core.library.store import database, engines, tables
from faceid_core.settings import Settings

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(library=tmp_path)


@pytest.fixture
def made(settings: Settings) -> Settings:
    database.connect(settings).close()
    return settings


def raw(settings: Settings) -> sqlite3.Connection:
    return sqlite3.connect(settings.library / "faceid.db")


def test_head_is_the_newest_migration(settings: Settings) -> None:
    assert ScriptDirectory.from_config(database.alembic_config(settings.url)).get_current_head() == database.HEAD


def test_migrations_make_just_the_tables_that_the_code_declares(made: Settings) -> None:
    opened = database.connect(made)
    with opened.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
    opened.close()


def test_migrations_go_down_to_an_empty_file(made: Settings) -> None:
    from alembic import command

    command.downgrade(database.alembic_config(made.url), "base")
    rest = {row[0] for row in raw(made).execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert rest <= {"alembic_version", "sqlite_sequence"}


def test_upgrade_makes_a_library_where_there_is_none(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path / "new")
    database.upgrade(settings)
    assert Library.open(settings).counts().photos == 0


def test_connections_are_set_up(made: Settings) -> None:
    opened = database.connect(made)
    with opened.read() as session:
        found = [
            session.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        ]
    opened.close()
    assert found == ["wal", 1, engines.BUSY_SECONDS * 1000]


@pytest.mark.parametrize(
    ("revision", "expected", "advice"),
    [("0000", SchemaOutdated, "faceid db upgrade"), ("9999", SchemaTooNew, "update the program")],
)
def test_another_schema_is_refused(
    made: Settings, revision: str, expected: type[LibraryError], advice: str
) -> None:
    with raw(made) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [revision])
    with pytest.raises(expected, match=advice):
        database.connect(made)


def test_upgrade_of_a_current_database_changes_nothing(made: Settings) -> None:
    database.upgrade(made)
    database.connect(made).close()


def test_foreign_database_is_refused_and_left_alone(settings: Settings) -> None:
    with raw(settings) as connection:
        connection.execute("CREATE TABLE somebody_elses (x)")
    with pytest.raises(LibraryError, match="another program"):
        database.connect(settings)
    assert [row[0] for row in raw(settings).execute("SELECT name FROM sqlite_master")] == ["somebody_elses"]


def test_damaged_file(settings: Settings) -> None:
    (settings.library / "faceid.db").write_bytes(b"no database" * 1000)
    with pytest.raises(LibraryError, match="damaged"):
        database.connect(settings)


def test_library_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LibraryError, match="choose another library"):
        Library.open(Settings(library=tmp_path / "file"))


def test_a_long_writer_elsewhere_is_one_sentence(made: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0.1)
    opened = database.connect(made)
    other = raw(made)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LibraryBusy, match="try again"), opened.write() as session:
        session.execute(text("SELECT 1"))  # even a write that only reads at first has the lock from its start
    with opened.read() as session:  # a writer never keeps anybody from reading
        assert session.execute(text("SELECT count(*) FROM photo")).scalar() == 0
    other.rollback()
    with opened.write() as session:
        session.execute(text("SELECT 1"))
    opened.close()


def test_full_disk_is_one_sentence_and_loses_nothing(made: Settings) -> None:
    opened = database.connect(made)
    with opened.read() as session:
        pages = session.execute(text("PRAGMA page_count")).scalar()
    with pytest.raises(LibraryError, match="disk is full"), opened.write() as session:
        session.execute(text(f"PRAGMA max_page_count = {pages}"))
        session.execute(text("INSERT INTO photo (path, width, height, imported_at, status, detector)"
                             " VALUES (hex(zeroblob(1000000)), 0, 0, '2026-01-01', 'done', '')"))  # fmt: skip
    with opened.read() as session:
        assert session.execute(text("SELECT count(*) FROM photo")).scalar() == 0
    opened.close()


def test_an_error_rolls_the_whole_act_back(made: Settings) -> None:
    opened = database.connect(made)
    with pytest.raises(RuntimeError), opened.write() as session:
        session.add(tables.Photo(path="/a"))
        session.flush()
        raise RuntimeError
    with opened.read() as session:
        assert session.execute(text("SELECT count(*) FROM photo")).scalar() == 0
    opened.close()


def open_at_once(settings: Settings, number: int) -> list[BaseException]:
    """What goes wrong when so many threads open one library."""
    errors: list[BaseException] = []

    def open_it() -> None:
        try:
            with Library.open(settings) as library:
                library.counts()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_many_threads_may_open_a_new_library_at_once(settings: Settings) -> None:
    assert open_at_once(settings, 6) == []


ADD = """
import sys
from faceid_core.library.store.database import connect
from faceid_core.settings import Settings
from faceid_core.library.store.tables import Photo
database = connect(Settings(library=sys.argv[1]))
for number in range(50):
    with database.write() as session:
        session.add(Photo(path=f"{sys.argv[2]}-{number}"))
"""


@pytest.mark.slow
def test_processes_and_threads_write_at_once_without_losing_anything(settings: Settings) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", ADD, str(settings.library), name], cwd=CHECKOUT) for name in "ab"
    ]
    opened = database.connect(settings)

    def add(name: str) -> None:
        for number in range(50):
            with opened.write() as session:
                session.add(tables.Photo(path=f"{name}-{number}"))

    threads = [threading.Thread(target=add, args=(name,)) for name in "cd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    with opened.read() as session:
        assert session.execute(text("SELECT count(DISTINCT path) FROM photo")).scalar() == 200
    opened.close()


@pytest.mark.slow
def test_estimates_are_made_once_rows_have_multiplied(settings: Settings) -> None:
    opened = database.connect(settings)

    def estimated() -> list[tuple[str, str]]:
        with raw(settings) as connection:
            there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'").fetchone()
            query = "SELECT idx, stat FROM sqlite_stat1 WHERE tbl = 'face' ORDER BY idx"
            return connection.execute(query).fetchall() if there else []

    def add(number: int) -> None:
        with opened.write() as session:
            session.add(tables.Photo(id=number, path="/"))
            session.flush()
            face = {"photo_id": number, "left": 0, "top": 0, "right": 1, "bottom": 1, "score": 1, "landmarks": b"",
                    "quality_parts": {}, "detector": "", "flag": "none"}  # fmt: skip
            session.execute(insert(tables.Face), [{**face, "quality": float(n)} for n in range(5000)])

    add(1)
    opened.optimise()
    first = estimated()
    assert ("ix_face_flag_quality", "5000 5000 1") in first
    opened.optimise()
    assert estimated() == first
    for number in range(2, 8):
        add(number)
    opened.optimise()
    assert estimated() != first
    opened.close()
