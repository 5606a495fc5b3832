"""Rebuilds the database files after an erasure, so that they contain nothing but the current rows.

SQLite: VACUUM rebuilds the file through the write-ahead log, which is then checkpointed and truncated. Both have to
wait for writers, and for readers that still see the previous content. PostgreSQL: VACUUM FULL.
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError

from faceid_core.errors import LibraryError
from faceid_core.library.store import engines
from faceid_core.library.store.database import Database
from faceid_core.values import Role

log = logging.getLogger(__name__)

WAIT_SECONDS = 10.0
"""How long an erasure waits for other programs. Reads by pages take milliseconds; stuck ones are not waited for."""

OPENING_WAIT_SECONDS = 1.0
"""How long opening a library waits for other programs, to finish an erasure."""


class Compaction:
    """Rebuilds the database. A file in the library's folder records that this is still to be done."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database, self._marker = database, folder / "erasure-unfinished"

    @property
    def pending(self) -> bool:
        """Whether the files may still contain erased data."""
        return self._marker.exists()

    def announce(self) -> None:
        """Record that rows are about to be erased. Call it inside the transaction that deletes them, so that
        finishing an earlier erasure can't mark this one as done. Raises LibraryError."""
        try:
            self._marker.write_text(secrets.token_hex(8), encoding="ascii")
        except OSError as error:
            raise LibraryError(
                f"The library's folder can't be written ({error.strerror}), so nothing was erased; free some "
                "space or check its permissions."
            ) from error

    def finish(self, wait_seconds: float | None = None) -> bool:
        """Rebuild the database. Returns False if other programs prevented it or the disk is full; it stays
        pending."""
        wait = WAIT_SECONDS if wait_seconds is None else wait_seconds
        try:
            announced = self._announced()
            if not self._rebuilt(wait):
                return False
            with self._database.write(Role.OWNER):  # no other erasure can be announced in between
                if self._announced() == announced:
                    self._marker.unlink(missing_ok=True)
        except (LibraryError, OSError, sqlite3.Error, DBAPIError) as error:
            # The rows are already deleted, which must be reported. The rest is retried later.
            log.warning("The database could not be rebuilt after an erasure (%s)", error)
            return False
        return not self.pending

    def _announced(self) -> str:
        return self._marker.read_text(encoding="ascii") if self.pending else ""

    def _rebuilt(self, wait_seconds: float) -> bool:
        if self._database.engine.dialect.name == "sqlite":
            return _rebuild_sqlite(self._database, wait_seconds)
        _rebuild_postgres(self._database, wait_seconds)
        return True


def _rebuild_sqlite(database: Database, wait_seconds: float) -> bool:
    deadline = time.monotonic() + wait_seconds
    with closing(database.engine.raw_connection()) as connection:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={round(wait_seconds * 1000)}")
        try:
            cursor.execute("VACUUM")
            while not _folded_in(cursor):
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.05)
        finally:
            cursor.execute(f"PRAGMA busy_timeout={round(engines.BUSY_SECONDS * 1000)}")
            cursor.close()  # an unread result row of a PRAGMA would make the next VACUUM fail
    return True


def _folded_in(cursor: DBAPICursor) -> bool:
    """Checkpoint and truncate the log. Returns whether that worked: SQLite reports it in a row and raises
    nothing."""
    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ((busy, _, _),) = cursor.fetchall()
    return not busy


def _rebuild_postgres(database: Database, wait_seconds: float) -> None:
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"SET lock_timeout = '{round(wait_seconds * 1000)}ms'"))
        try:
            connection.execute(text("VACUUM FULL"))
        finally:
            connection.execute(text("RESET lock_timeout"))
