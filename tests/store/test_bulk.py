"""Many rows at once are the same rows as one by one, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, event, insert, select
from sqlalchemy.exc import IntegrityError

from faceid_core.library import Library
from faceid_core.library.store import bulk
from faceid_core.library.store.tables import Face, Photo
from faceid_core.settings import Settings
from faceid_core.values import utc_now

MANY = bulk.FEW + 1


def photos(number: int) -> list[dict[str, Any]]:
    """Texts, times, nothing at all, and what a text form of COPY would have to quote."""
    return [
        {"id": n, "sha256": None if n % 2 else f"{n:064x}", "path": f"/ä\\N\t\n\"'{n}", "width": n,
         "height": 2**31 - 1, "taken_at": None if n % 3 else utc_now(), "imported_at": utc_now(), "status": "done",
         "error": None, "detector": "", "camera": "\\." } for n in range(1, number + 1)]  # fmt: skip


def faces(number: int) -> list[dict[str, Any]]:
    return [
        {"id": n, "photo_id": n, "left": 1, "top": -2.5, "right": 1e300, "bottom": 0.1, "score": 1.0,
         "landmarks": bytes(range(256)), "quality": 1 / n, "quality_parts": {"ä": [None, "\\"]}, "detector": "mmod",
         "flag": "none"} for n in range(1, number + 1)]  # fmt: skip


def one_by_one(library: Library, table: Table, rows: list[dict[str, Any]]) -> None:
    with library._database.write() as session:
        session.execute(insert(table), rows)


def at_once(library: Library, table: Table, rows: list[dict[str, Any]]) -> None:
    with library._database.write() as session:
        bulk.copy_rows(session.connection(), table, rows)


Way = Callable[[Library, Table, list[dict[str, Any]]], None]


def stored(folder: Path, url: str | None, way: Way, number: int) -> list[Any]:
    tables = {Photo: photos(number), Face: faces(number)}
    with Library.open(Settings(library=folder, database_url=url)) as library:
        for model, rows in tables.items():
            way(library, model.__table__, rows)  # type: ignore[attr-defined]
        with library._database.read() as session:
            found = [session.execute(select(model.__table__)).all() for model in tables]  # type: ignore[attr-defined]
        with library._database.write() as session:
            for model in reversed(tables):
                session.execute(model.__table__.delete())  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("number", [1, MANY])
def test_the_rows_are_the_same(database_url: str | None, tmp_path: Path, number: int) -> None:
    first, second = (stored(tmp_path, database_url, way, number) for way in (one_by_one, at_once))
    assert _without_times(first) == _without_times(second)
    assert len(first[0]) == len(first[1]) == number


def _without_times(tables: list[Any]) -> list[Any]:
    """Only whether there is a time: the two ways had different ones."""
    return [[[hasattr(value, "year") or value for value in row] for row in rows] for rows in tables]


def test_many_rows_are_one_statement_on_postgresql_and_refused_as_any_other(
    database_url: str | None, tmp_path: Path
) -> None:
    with Library.open(Settings(library=tmp_path, database_url=database_url)) as library:
        seen: list[str] = []
        event.listen(library._database.engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
        at_once(library, Photo.__table__, photos(MANY))  # type: ignore[attr-defined]
        assert any("INSERT" in statement for statement in seen) == (database_url is None)
        with pytest.raises(IntegrityError):
            at_once(library, Photo.__table__, photos(MANY))  # type: ignore[attr-defined]
        assert library.counts().photos == MANY


def test_columns_that_are_left_out_get_their_defaults(database_url: str | None, tmp_path: Path) -> None:
    with Library.open(Settings(library=tmp_path, database_url=database_url)) as library:
        rows = [{"id": n, "path": f"/{n}"} for n in range(1, MANY + 1)]
        with library._database.write() as session:
            bulk.add_rows(session, Photo, rows)
            bulk.add_rows(session, Photo, [])
        with library._database.read() as session:
            assert set(session.scalars(select(Photo.__table__.c.status))) == {"done"}  # type: ignore[attr-defined]
