"""Bulk inserts, by the fastest method of each database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Table, insert, select
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel

FEW = 50
"""Up to this many rows, PostgreSQL gets plain INSERTs, because COPY needs a query for the column types first."""


def add_rows(session: Session, model: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows into a table, if any. All have the same columns. Raises DBAPIError like any INSERT."""
    if rows:
        copy_rows(session.connection(), model.__table__, rows)  # type: ignore[attr-defined]


def copy_rows(target: Connection, table: Table, rows: Sequence[Mapping[Any, Any]], *, frozen: bool = False) -> None:
    """Like add_rows, but without a session. frozen: the table was truncated in the same transaction. This saves
    PostgreSQL a later VACUUM of all rows, before which it can't use index-only scans."""
    whole = rows[0].keys() >= {column.name for column in table.columns}  # COPY does not apply our Python defaults
    if target.dialect.name == "postgresql" and whole and len(rows) > FEW:
        _copy_in(target, table, rows, "FORMAT BINARY, FREEZE" if frozen else "FORMAT BINARY")
    else:
        target.execute(insert(table), [dict(row) for row in rows])


def _copy_in(target: Connection, table: Table, rows: Sequence[Mapping[Any, Any]], options: str) -> None:
    """Insert with PostgreSQL's COPY: one message for all rows, in binary format, in which pictures take half the
    space of text. It needs the values as the driver expects them."""
    into = [(column.name, _for_driver(target, column)) for column in table.columns]
    names = ", ".join(f'"{name}"' for name, _ in into)
    with target.execute(select(table).limit(0)) as nothing:
        types = [column[1] for column in nothing.cursor.description]
    command = f'COPY "{table.name}" ({names}) FROM STDIN ({options})'
    driver: Any = target.dialect.loaded_dbapi
    connection: Any = target.connection
    try:
        with connection.cursor() as cursor, cursor.copy(command) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row([value_of(row[name]) for name, value_of in into])
    except driver.Error as error:  # as SQLAlchemy raises it for its own statements
        raise DBAPIError.instance(command, None, error, driver.Error, dialect=target.dialect) from error


def _for_driver(target: Connection, column: Column[Any]) -> Callable[[Any], Any]:
    """Return a function that converts a column's values for the driver."""
    processor = column.type.dialect_impl(target.dialect).bind_processor(target.dialect)
    return processor or (lambda value: value)
