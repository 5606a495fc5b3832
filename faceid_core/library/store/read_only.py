"""Read-only libraries: on a read-only mount, in another user's folder, or on a standby server."""

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
    """Return the file of a SQLite database; None for an in-memory one."""
    return Path(url.database) if url.database and url.database != ":memory:" else None


def is_read_only(file: Path) -> bool:
    """Whether a SQLite file exists and can't be changed. Its folder must be writable as well."""
    return file.exists() and not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK))


def open_read_only(url: URL, file: Path, timeout_s: float) -> Engine:
    """Create an engine that never writes, not even the write-ahead log's index if the folder is not writable.

    Connections are not pooled: each one checks again how the file can be opened.
    """

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(_address(file), uri=True, timeout=timeout_s, check_same_thread=False)

    return create_engine(url, creator=connect, poolclass=NullPool)


def never_writes(engine: Engine) -> bool:
    """Whether the engine was created by open_read_only."""
    return isinstance(engine.pool, NullPool)


def _address(file: Path) -> str:
    """Return the URI to open. If another program has the library open, its log is read as well. Otherwise, SQLite
    is told that the file is immutable, or it could not read a WAL database in a read-only folder
    (sqlite.org/wal.html).
    """
    log = file.with_name(f"{file.name}-wal")
    open_elsewhere = log.exists() or os.access(file.parent, os.W_OK)
    return f"{file.resolve().as_uri()}?{'mode=ro' if open_elsewhere else 'immutable=1'}"


def server_is_read_only(connection: Connection) -> bool:
    """Whether PostgreSQL refuses our writes: a standby, a read-only role or database, or no INSERT privilege."""
    if connection.dialect.name != "postgresql":
        return False
    asked: Any = connection.execute(
        text(
            "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool "
            "OR NOT has_table_privilege('event', 'INSERT')"
        )
    ).scalar()
    return bool(asked)
