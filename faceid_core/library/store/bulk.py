"""Many rows at once, the fastest way that each database has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Table, insert
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel

FEW = 50
"""So many rows PostgreSQL gets one by one: COPY has to ask for the columns' types first."""


def add_rows(session: Session, model: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows of a table, if any, all with the same columns. Raises DBAPIError as any other INSERT does."""
    if rows:
        copy_rows(session.connection(), model.__table__, rows)  # type: ignore[attr-defined]


def copy_rows(target: Connection, table: Table, rows: Sequence[Mapping[Any, Any]], *, frozen: bool = False) -> None:
    """As add_rows, where there is no session. frozen: into a table that was emptied in the same transaction. That
    spares PostgreSQL a later pass over all rows (VACUUM), before which it answers nothing from an index alone."""
    whole = rows[0].keys() >= {column.name for column in table.columns}  # COPY knows no defaults of ours
    if target.dialect.name == "postgresql" and whole and len(rows) > FEW:
        _copy_in(target, table, rows, "FORMAT BINARY, FREEZE" if frozen else "FORMAT BINARY")
    else:
        target.execute(insert(table), [dict(row) for row in rows])


def _copy_in(target: Connection, table: Table, rows: Sequence[Mapping[Any, Any]], options: str) -> None:
    """PostgreSQL's COPY: one message for all rows, in its binary form, in which pictures take half of the text's
    room. It needs the values as the driver would get them."""
    into = [(column.name, _for_driver(target, column)) for column in table.columns]
    names = ", ".join(f'"{name}"' for name, _ in into)
    command = f'COPY "{table.name}" ({names}) FROM STDIN ({options})'
    driver: Any = target.dialect.loaded_dbapi
    connection: Any = target.connection
    try:
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT {names} FROM "{table.name}" LIMIT 0')  # nosec B608  (names of ours)
            types = [column[1] for column in cursor.description or ()]
            with cursor.copy(command) as copy:
                copy.set_types(types)
                for row in rows:
                    copy.write_row([value_of(row[name]) for name, value_of in into])
    except driver.Error as error:  # as SQLAlchemy raises it for its own statements
        raise DBAPIError.instance(command, None, error, driver.Error, dialect=target.dialect) from error


def _for_driver(target: Connection, column: Column[Any]) -> Callable[[Any], Any]:
    """What makes a column's value one that the driver takes."""
    processor = column.type.dialect_impl(target.dialect).bind_processor(target.dialect)
    return processor or (lambda value: value)
