"""Libraries that may only be read: on a read-only mount, in somebody else's folder, on a standby server."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, text

READ_ONLY = (
    "This library is read-only: everything can be viewed, but nothing can be changed. To change it, give faceid "
    "write access to the library."
)


def file_of(url: URL) -> Path | None:
    """The file of a SQLite database; None for one in memory."""
    return Path(url.database) if url.database and url.database != ":memory:" else None


def is_read_only(file: Path) -> bool:
    """Whether a SQLite file is there and can't be changed. SQLite writes beside it, too: its folder counts."""
    return file.exists() and not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK))


def open_read_only(url: URL, file: Path, timeout_s: float) -> Engine:
    """An engine that never writes, not even the index of the write-ahead log where its folder does not let it.

    Connections are not kept: each one looks anew how the file can be opened.
    """

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(_address(file), uri=True, timeout=timeout_s, check_same_thread=False)

    return create_engine(url, creator=connect, poolclass=NullPool)


def never_writes(engine: Engine) -> bool:
    """Whether it is one of open_read_only."""
    return isinstance(engine.pool, NullPool)


def _address(file: Path) -> str:
    """Where somebody else has the library open, its log is read along. Otherwise SQLite is told that the file does
    not change, without which it can't read one with a log in a read-only folder (sqlite.org/wal.html)."""
    log = file.with_name(f"{file.name}-wal")
    open_elsewhere = log.exists() or os.access(file.parent, os.W_OK)
    return f"{file.resolve().as_uri()}?{'mode=ro' if open_elsewhere else 'immutable=1'}"


def server_is_read_only(connection: Connection) -> bool:
    """Whether PostgreSQL takes no writes from us: a standby, a read-only role or database, no right to insert."""
    if connection.dialect.name != "postgresql":
        return False
    asked: Any = connection.execute(
        text(
            "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool "
            "OR NOT has_table_privilege('event', 'INSERT')"
        )
    ).scalar()
    return bool(asked)
