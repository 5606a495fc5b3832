"""Sets up database connections: SQLite by default, PostgreSQL by URL."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from faceid_core.errors import DriverMissing, LibraryError
from faceid_core.extras import install
from faceid_core.library.store.read_only import file_of, is_read_only, open_read_only
from faceid_core.settings import Settings

BUSY_SECONDS = 20
"""How long a write waits for another program's write."""

CONNECT_SECONDS = 10
"""How long a connection to PostgreSQL may take."""

STATEMENT_SECONDS = 600
"""PostgreSQL cancels statements that take longer. Our slowest take a minute, with a million faces."""

IDLE_SECONDS = 120
"""PostgreSQL ends a write transaction that is idle for longer: its program hangs, and all others wait for it."""

PAGE_BYTES = 2048
"""SQLite's page size for new files. Crops have 4 to 8 kB; the default of 4,096 bytes would leave a fifth of the
space unused (tests/bench/bench_library.py)."""

_URL_FORM = "write it like postgresql://user@host/database, or unset it to use a file."

WRITE_LOCK = 0xFACE1D
"""The advisory lock that writes hold on PostgreSQL, which allows one writer at a time, like SQLite. Without it, two
concurrent actions could read the same rows and both act on them."""


def open_engine(settings: Settings) -> Engine:
    """Create a connection pool without opening a connection. Raises LibraryError, DriverMissing."""
    url = _parsed(settings.url)
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url)
    if url.get_backend_name() == "postgresql":
        return _postgres_engine(url)
    raise LibraryError(f"FACEID_DATABASE_URL is not a database address; {_URL_FORM}")


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:  # ValueError: the port is not a number
        raise LibraryError(f"FACEID_DATABASE_URL is not a database address; {_URL_FORM}") from error
    # Managed databases hand out "postgres://" URLs. SQLAlchemy would choose another driver by default.
    if parsed.drivername in {"postgres", "postgresql"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed


def _sqlite_engine(url: URL) -> Engine:
    file = file_of(url)
    if file is not None and is_read_only(file):
        return open_read_only(url, file, BUSY_SECONDS)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, pool_size=10, max_overflow=50)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        connection.isolation_level = None  # we begin transactions ourselves below
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")  # only has an effect on an empty file
        _use_wal(connection)
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("faceid_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgres_engine(url: URL) -> Engine:
    """Create the PostgreSQL engine: writes take the writer lock at the start, and reads see one snapshot."""
    try:
        engine = create_engine(
            url, pool_pre_ping=True, pool_size=10, max_overflow=50, connect_args=_connecting(url)
        )
    except ImportError as error:
        raise DriverMissing(f"PostgreSQL needs its driver; install it with {install('postgres')}.") from error

    event.listen(engine, "connect", _check_encoding)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        limit = f"SET LOCAL statement_timeout = '{int(STATEMENT_SECONDS * 1000)}ms'"
        if options.get("faceid_patient", False):  # schema changes, and waiting for them, may take long
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")
        elif options.get("faceid_write", False):
            connection.exec_driver_sql(
                f"SET LOCAL lock_timeout = '{int(BUSY_SECONDS * 1000)}ms'; {limit}; "
                f"SET LOCAL idle_in_transaction_session_timeout = '{int(IDLE_SECONDS * 1000)}ms'; "
                f"SELECT pg_advisory_xact_lock({WRITE_LOCK})"
            )
        else:
            connection.exec_driver_sql(f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; {limit}")

    return engine


def _check_encoding(connection: Any, _: object) -> None:
    """Raise LibraryError if the encoding can't store every name or compare names without regard to case."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise LibraryError(
            f"The database has the encoding {encoding}; create it again, for example with "
            "`createdb --encoding=UTF8 --template=template0 faceid`."
        )


def _connecting(url: URL) -> dict[str, int | str]:
    """Return driver parameters that the URL does not set itself, such as when a server or client counts as gone.
    A worker whose machine vanished must not hold the writer lock for hours."""
    usual: dict[str, int | str] = {
        "client_encoding": "utf8",  # without an encoding, psycopg returns bytes
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    }
    return {name: value for name, value in usual.items() if name not in url.query}


def _use_wal(connection: Any) -> None:
    """Switch the file to a write-ahead log. SQLite ignores the busy timeout here: if another program opens the same
    new file at this moment, the statement fails at once, so we retry."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
