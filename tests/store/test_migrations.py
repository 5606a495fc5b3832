"""Migrations up and down with data in, on SQLite and PostgreSQL: no row is lost, no table differs from the code."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlmodel import SQLModel

from faceid_core.errors import LibraryError, SchemaOutdated, SchemaTooNew
from faceid_core.library import FileBefore, Library
from faceid_core.library.store import database, engines
from faceid_core.settings import Settings
from faceid_core.steps import back_up
from faceid_core.values import Box, ConsentState
from tests.library.conftest import new_photo
from tests.library.test_integrity import decide

REVISIONS = [
    script.revision for script in ScriptDirectory.from_config(database.alembic_config("")).walk_revisions()
]
"""The newest first."""


@pytest.fixture
def settings(tmp_path: Path, database_url: str | None) -> Settings:
    return Settings(library=tmp_path / "library")


def migrate(settings: Settings, revision: str) -> None:
    down = REVISIONS.index(revision) if revision in REVISIONS else len(REVISIONS)
    with database.migrating(settings) as connection:
        config = database.alembic_config(settings.url)
        config.attributes["connection"] = connection
        current = MigrationContext.configure(connection).get_current_revision()
        goes_up = current is None or (current in REVISIONS and REVISIONS.index(current) >= down)
        (command.upgrade if goes_up else command.downgrade)(config, revision)


def fill(settings: Settings) -> None:
    with Library.open(settings) as library:
        photos = [new_photo(f"/photos/{n}.jpg", faces=2) for n in range(4)]
        hashed = [replace(photo, phashes=bytes([n]) * 256) for n, photo in enumerate(photos[:3])]
        library.photos.add_many([*hashed, photos[3]])
        decide(library, list(range(1, 9)))
        written = FileBefore(
            1, "/photos/0.jpg", "/photos/0.jpg.xmp", b"before", "1" * 64, "2" * 64, [["mwg", "x", [0.1]]]
        )
        library.written_names.about_to_change(library.written_names.begin(), [written])


DERIVED = {"persontally"}
LOST_GOING_DOWN = {"undone_by", "alike", "camera"}
"""Columns that older versions don't have."""


SINCE = {"verdict": "0004", "eventface": "0005", "perceptualhash": "0005"}
SINCE |= dict.fromkeys(("account", "accesstoken", "endedsession"), "0006")
SINCE |= dict.fromkeys(("namesrun", "namesfile"), "0008")
SINCE["sharelink"] = "0009"
SINCE["consent"] = "0010"
SINCE |= dict.fromkeys(("handbox", "undescribedface"), "0011")
SINCE |= dict.fromkeys(("jobpart", "jobworker"), "0012")
SINCE["watchedfolder"] = "0014"
SINCE |= dict.fromkeys(("persondetails", "savedsearch"), "0015")
SINCE |= dict.fromkeys(("persononphoto", "phototag"), "0017")
"""Tables that older versions don't have, with the first that does."""


FORGOTTEN_GOING_DOWN = ("namesrun", "namesfile")
"""Tables whose rows older versions can't keep anywhere."""

FIRST_HASH = "0003"
"""The first version that keeps perceptual hashes, in a column of the photo."""


def contents(settings: Settings) -> dict[str, list[Any]]:
    """Every row of every table."""
    opened = database.Database(engines.open_engine(settings))
    with opened.read() as session:
        there = inspect(session.connection()).get_table_names()
        rows = {
            table.name: sorted(
                repr([(name, value) for name, value in sorted(row.items()) if name not in LOST_GOING_DOWN])
                for row in session.execute(text(f"SELECT * FROM {table.name}")).mappings()
            )
            for table in SQLModel.metadata.sorted_tables
            if table.name not in DERIVED and table.name in there
        }
    opened.close()
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("revision", REVISIONS[1:])
def test_down_and_up_again_keeps_every_row(settings: Settings, revision: str) -> None:
    fill(settings)
    before = contents(settings)
    migrate(settings, revision)
    assert {name: len(rows) for name, rows in contents(settings).items()} == {
        name: len(rows) for name, rows in before.items() if SINCE.get(name, "") <= revision
    }
    with pytest.raises(SchemaOutdated, match="faceid db upgrade"):
        Library.open(settings)
    database.upgrade(settings)
    if revision < FIRST_HASH:
        before["perceptualhash"] = []
    before |= {table: [] for table in FORGOTTEN_GOING_DOWN if SINCE[table] > revision}
    assert contents(settings) == before
    with Library.open(settings) as library:
        assert library.problems() == []
        library.journal.undo()
        assert library.problems() == []


@pytest.mark.slow
def test_from_nothing_to_head_and_back_step_by_step(settings: Settings) -> None:
    settings.library.mkdir()
    for revision in reversed(REVISIONS):
        migrate(settings, revision)
        assert database.revision(settings) == revision
    engine = engines.open_engine(settings)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
    engine.dispose()
    for revision in REVISIONS[1:]:
        migrate(settings, revision)
        assert database.revision(settings) == revision
    migrate(settings, "base")
    database.upgrade(settings)
    assert Library.open(settings).counts().photos == 0


def structure(settings: Settings) -> dict[str, Any]:
    """All of the schema that has a meaning: not the order of columns, which nothing here relies on."""
    engine = engines.open_engine(settings)
    with engine.connect() as connection:
        look, tables = inspect(connection), dict[str, Any]()
        for name in look.get_table_names():
            tables[name] = {
                "columns": sorted(repr({**each, "type": str(each["type"])}) for each in look.get_columns(name)),
                "primary key": look.get_pk_constraint(name),
                "foreign keys": sorted(map(repr, look.get_foreign_keys(name))),
                "indexes": sorted(map(repr, look.get_indexes(name))),
                "unique": sorted(map(repr, look.get_unique_constraints(name))),
                "checks": sorted(map(repr, look.get_check_constraints(name))),
            }
        if engine.dialect.name == "sqlite":
            made = connection.execute(text("SELECT name, sql LIKE '%AUTOINCREMENT%' FROM sqlite_master"))
            tables["autoincrement"] = sorted(map(tuple, made))
        tables["version"] = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    engine.dispose()
    return tables


@pytest.mark.slow
def test_a_new_database_is_what_all_migrations_make(settings: Settings) -> None:
    """The program makes it at once, see database._create."""
    settings.library.mkdir()
    migrate(settings, database.HEAD)
    migrated = structure(settings)
    migrate(settings, "base")
    with database.migrating(settings) as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    database.connect(settings).close()
    assert structure(settings) == migrated


@pytest.mark.slow
def test_consent_comes_back_from_the_history(settings: Settings) -> None:
    """An older version has no table for it, and going down must lose nothing that a human decided."""
    fill(settings)
    with Library.open(settings) as library:
        ada, cy = (library.people.known(name).id for name in ("Ada Lovelace", "Cy"))
        library.consents.set(ada, ConsentState.GIVEN, basis="form", until=date(2999, 1, 1))
        library.consents.set(cy, ConsentState.GIVEN)
        library.consents.set(cy, ConsentState.REFUSED)
        library.consents.set(ada, ConsentState.GIVEN, basis="undone")
        library.journal.undo()
    before = contents(settings)
    assert len(before["consent"]) == 2
    migrate(settings, "0009")
    database.upgrade(settings)
    assert contents(settings) == before
    with Library.open(settings) as library:
        assert library.problems() == []


@pytest.mark.slow
def test_death_dates_and_favourites_come_back_from_the_history(settings: Settings) -> None:
    fill(settings)
    with Library.open(settings) as library:
        ada, cy = (library.people.known(name).id for name in ("Ada Lovelace", "Cy"))
        library.people.describe(ada, death_date=date(1999, 1, 1), favourite=True)
        library.people.describe(cy, favourite=True)
        library.people.describe(cy, favourite=False)
    before = contents(settings)
    assert len(before["persondetails"]) == 1
    migrate(settings, "0014")
    database.upgrade(settings)
    assert contents(settings) == before
    with Library.open(settings) as library:
        assert library.problems() == []


@pytest.mark.slow
def test_boxes_by_hand_come_back_from_the_history(settings: Settings) -> None:
    with Library.open(settings) as library:
        library.photos.add_many([new_photo(f"/photos/{n}.jpg", faces=2) for n in range(2)])
        drawn = library.faces.add(1, Box(200, 200, 260, 280)).face_id
        library.people.name_faces([drawn], "Ada")
        library.faces.move(3, Box(30, 40, 80, 90))
        library.faces.move(4, Box(130, 40, 180, 90))
        library.journal.undo()
        boxes = [face.box for face in library.faces.get_many(range(1, 7))]
        waiting = {face.face_id for face in library.faces.undescribed()}
    migrate(settings, "0010")
    database.upgrade(settings)
    with Library.open(settings) as library:
        assert [face.box for face in library.faces.get_many(range(1, 7))] == boxes
        assert {face.face_id for face in library.faces.undescribed()} == waiting == {3, 4, drawn}
        assert library.problems() == []
        library.journal.undo()
        assert library.faces.get(3).box == Box(30, 40, 80, 90), "what the detector found is forgotten by now"
        library.journal.undo()
        library.journal.undo()
        assert library.faces.get_many([drawn]) == [] and library.problems() == []


@pytest.mark.slow
def test_a_failed_migration_leaves_everything_as_it_was(settings: Settings) -> None:
    fill(settings)
    before = contents(settings)
    with pytest.raises(RuntimeError), database.migrating(settings) as connection:
        connection.execute(text("DROP TABLE crop"))
        connection.execute(text("DELETE FROM label"))
        raise RuntimeError
    assert contents(settings) == before


def test_a_migration_that_orphans_rows_is_refused(tmp_path: Path) -> None:
    """SQLite's foreign keys are off while its tables are made anew; PostgreSQL's stay on."""
    settings = Settings(library=tmp_path)
    fill(settings)
    before = contents(settings)
    with pytest.raises(LibraryError, match="backup"), database.migrating(settings) as connection:
        connection.execute(text("DELETE FROM face"))
    assert contents(settings) == before
    with Library.open(settings) as library, library._database.read() as session:
        assert session.execute(text("PRAGMA foreign_keys")).scalar() == 1


@pytest.mark.slow
def test_a_newer_library_is_left_alone(settings: Settings) -> None:
    fill(settings)
    engine = engines.open_engine(settings)
    with engine.execution_options(faceid_write=True).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    before = contents(settings)
    with pytest.raises(SchemaTooNew, match="update the program"):
        Library.open(settings)
    with pytest.raises(SchemaTooNew, match="update the program"):
        back_up.upgrade(settings)
    assert contents(settings) == before
