"""Copies a library between a SQLite file and a database server, in either direction, for backups."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, func, inspect, select, text
from sqlalchemy import table as table_named
from sqlalchemy.exc import DataError, IntegrityError
from sqlmodel import SQLModel

from faceid_core.errors import BackupUnusable
from faceid_core.library.store import bulk, database
from faceid_core.library.store.engines import open_engine
from faceid_core.settings import Settings

ROWS = 2000
"""Rows per batch. The largest, which contain pictures, have 8 kB."""


def to_file(settings: Settings, file: Path) -> None:
    """Copy a consistent snapshot of the library on a database server into a new SQLite file.

    Raises LibraryError, SchemaOutdated.
    """
    opened = database.connect(settings)
    try:
        with database.plain_errors(), opened.engine.connect() as source, _new_file(file) as target:
            _copy(source, target)
    finally:
        opened.close()


def from_file(file: Path, settings: Settings) -> None:
    """Replace the library on a database server with the one in a SQLite file of this version, in one transaction.

    Raises LibraryError, and BackupUnusable for rows that the server refuses.
    """
    database.connect(settings).close()  # creates the tables if they don't exist
    source_engine = _file_engine(file)
    try:
        with database.migrating(settings) as target, source_engine.connect() as source:
            names = ", ".join(f'"{table.name}"' for table in SQLModel.metadata.sorted_tables)
            target.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
            with _parents_checked_at_the_end(target):
                _copy(source, target)
            target.execute(text(f"ANALYZE {names}"))  # the server would do so by itself only after a minute
    except (IntegrityError, DataError) as error:  # SQLite checks less, and does not check files repaired by hand
        reason = str(error.orig).partition("\n")[0]
        raise BackupUnusable(f"PostgreSQL refuses a row of the backup ({reason}); use another backup.") from error
    finally:
        source_engine.dispose()


def is_empty(settings: Settings) -> bool:
    """Whether the server's database has no library, or one without photos and users. Raises LibraryError."""
    if database.revision(settings) is None:
        return True
    opened = database.connect(settings)
    try:
        with opened.read() as session:
            counted = (
                select(func.count()).select_from(table_named(name)) for name in ("photo", "account", "event")
            )
            return not any(session.execute(each).scalar() for each in counted)
    finally:
        opened.close()


def _file_engine(file: Path) -> Engine:
    return open_engine(Settings(library=file.parent, database_url=f"sqlite:///{file.absolute()}"))


@contextmanager
def _new_file(file: Path) -> Iterator[Connection]:
    """Create the tables in a new file, to be filled in one transaction. If that fails, the file is useless anyway,
    so SQLite needs no rollback journal: it writes each row once, and leaves no log next to the file."""
    settings = Settings(library=file.parent, database_url=f"sqlite:///{file.absolute()}")
    database.connect(settings).close()
    engine = _file_engine(file)
    try:
        with engine.execution_options(faceid_write=True).connect() as target:
            for pragma in ("journal_mode=OFF", "synchronous=OFF", "foreign_keys=OFF"):
                target.connection.cursor().execute(f"PRAGMA {pragma}")
            with target.begin():
                yield target
    finally:
        engine.dispose()


@contextmanager
def _parents_checked_at_the_end(target: Connection) -> Iterator[None]:
    """Drop the foreign keys and add them again at the end: PostgreSQL checks all rows at once much faster than each
    row on insert."""
    of_ours = (
        "SELECT conrelid::regclass, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
    )
    keys = target.execute(text(of_ours)).all()
    for table, name, _ in keys:
        target.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
    yield
    for table, name, definition in keys:
        target.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"))


def _copy(source: Connection, target: Connection) -> None:
    """Copy every row, parents first, and the id sequences, so that ids are never reused."""
    for table in SQLModel.metadata.sorted_tables:
        rows = source.execute(select(table).execution_options(yield_per=ROWS)).mappings()
        for some in rows.partitions(ROWS):
            bulk.copy_rows(target, table, some, frozen=True)
        _continue_numbers(source, target, table)


def _continue_numbers(source: Connection, target: Connection, table: Table) -> None:
    """Continue ids after all that were ever used, so that the id of an erased row is never reused."""
    if "id" not in table.primary_key.columns or table.c.id.type.python_type is not int:
        return
    last = max(_last_number(source, table), source.scalar(select(func.max(table.c.id))) or 0)
    if not last:
        return
    if target.dialect.name == "postgresql":
        sequence = text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :last)")
        target.execute(sequence, {"table": f'"{table.name}"', "last": last})
    elif table.dialect_options["sqlite"]["autoincrement"]:
        target.execute(text("DELETE FROM sqlite_sequence WHERE name = :table"), {"table": table.name})
        numbered = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last)")
        target.execute(numbered, {"table": table.name, "last": last})


def _last_number(connection: Connection, table: Table) -> int:
    """Return the highest id that the database ever assigned in the table; 0 if unknown."""
    if connection.dialect.name == "postgresql":
        wanted = text("SELECT pg_sequence_last_value(pg_get_serial_sequence(:table, 'id')::regclass)")
        return connection.scalar(wanted, {"table": f'"{table.name}"'}) or 0
    if not inspect(connection).has_table("sqlite_sequence"):
        return 0
    return (
        connection.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = :table"), {"table": table.name}) or 0
    )
