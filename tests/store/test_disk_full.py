"""A full disk is told as one, whatever SQLite calls it."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy.exc import OperationalError

from faceid_core.errors import DiskFull, LibraryError
from faceid_core.library.store.database import plain_errors


def failed(message: str, name: str) -> OperationalError:
    error = sqlite3.OperationalError(message)
    error.sqlite_errorname = name
    return OperationalError("SELECT 1", {}, error)


@pytest.mark.parametrize(
    ("message", "name", "kind"),
    [
        ("database or disk is full", "SQLITE_FULL", DiskFull),
        ("disk I/O error", "SQLITE_IOERR_SHMSIZE", DiskFull),  # a file of 32 kB that WAL needs, at the first read
        ("disk I/O error", "SQLITE_IOERR_READ", LibraryError),
    ],
)
def test_what_sqlite_says_of_the_disk(message: str, name: str, kind: type[LibraryError]) -> None:
    with pytest.raises(LibraryError) as told, plain_errors():
        raise failed(message, name)
    assert type(told.value) is kind and ("disk is full" in str(told.value)) == (kind is DiskFull)
