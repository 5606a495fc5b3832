"""What is special about a library in PostgreSQL: one writer at a time, reads of one moment, and plain sentences."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError

from faceid_core.errors import LibraryBusy, LibraryError
from faceid_core.library import Library
from faceid_core.library.store import database, engines, tables
from faceid_core.settings import Settings
from tests import postgres
from tests.store.test_database import open_at_once

PASSWORD = "s3cret-word"


@pytest.fixture
def settings(postgres_server: postgres.Server, tmp_path: Path) -> Iterator[Settings]:
    """Of a database with nothing in it."""
    with postgres_server.fresh(tables=False) as url:
        yield Settings(library=tmp_path, database_url=url)


@pytest.mark.slow
def test_an_empty_database_gets_its_tables_once_however_many_open_it(settings: Settings) -> None:
    assert open_at_once(settings, 4) == []


def test_somebody_elses_database_is_refused(settings: Settings) -> None:
    engine = database.connect(settings)
    with engine.write() as session:
        session.execute(text("DROP TABLE alembic_version"))
    engine.close()
    with pytest.raises(LibraryError, match="another program"):
        database.connect(settings)


def test_a_writer_that_takes_too_long_is_one_sentence(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = database.connect(settings)
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0.2)
    with opened.write() as session:
        session.execute(text("SELECT 1"))
        with pytest.raises(LibraryBusy, match="wait a moment and try again"), opened.write() as other:
            other.execute(text("SELECT 1"))
    opened.close()


def test_a_read_sees_one_moment_and_writes_nothing(settings: Settings) -> None:
    opened = database.connect(settings)
    with opened.read() as session:
        assert session.execute(text("SELECT count(*) FROM photo")).scalar() == 0
        with opened.write() as writer:
            writer.add(tables.Photo(path="/a"))
        assert session.execute(text("SELECT count(*) FROM photo")).scalar() == 0
    with pytest.raises(Exception, match="read-only"), opened.read() as session:
        session.execute(text("DELETE FROM photo"))
    opened.close()


def test_acts_at_the_same_moment_wait_for_each_other(settings: Settings) -> None:
    """Each adds one to a number that it read before: without the one writer's lock some would be lost."""
    opened = database.connect(settings)
    with opened.write() as session:
        session.add(tables.Photo(path="/a", width=0))

    def add() -> None:
        for _ in range(20):
            with opened.write() as session:
                photo = session.get(tables.Photo, 1)
                assert photo is not None
                photo.width += 1

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with opened.read() as session:
        assert session.execute(text("SELECT width FROM photo")).scalar() == 80
    opened.close()


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        (f"postgresql://anna:{PASSWORD}@127.0.0.1:1/faceid", "start it or correct FACEID_DATABASE_URL"),
        (f"postgres://anna:{PASSWORD}@127.0.0.1:1/faceid", "start it or correct FACEID_DATABASE_URL"),
        (f"mysql://anna:{PASSWORD}@127.0.0.1/faceid", "write it like postgresql://"),
        (f"postgresql://anna:{PASSWORD}@127.0.0.1:port/faceid", "write it like postgresql://"),
        ("just words", "write it like postgresql://"),
    ],
)
def test_an_address_that_does_not_work_is_one_sentence_without_the_password(
    tmp_path: Path, url: str, advice: str
) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(LibraryError, match=advice) as caught:
        Library.open(Settings(library=tmp_path, database_url=url))
    assert PASSWORD not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_host_without_an_address_is_a_sentence_without_its_name() -> None:
    psycopg = pytest.importorskip("psycopg")
    said = psycopg.OperationalError("failed to resolve host 'far.away': [Errno -2] Name or service not known")
    with pytest.raises(LibraryError, match=r"resolve host: .*; start it") as caught, database.plain_errors():
        raise OperationalError("SELECT 1", None, said)
    assert "far.away" not in str(caught.value)


@pytest.mark.slow
def test_a_refused_login_and_missing_rights_are_a_sentence_without_the_address(
    postgres_server: postgres.Server, tmp_path: Path
) -> None:
    import psycopg

    with postgres_server.fresh(tables=False) as url:
        address, weak = make_url(url), f"weak_{postgres.RUN}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {weak} LOGIN")
        try:
            for wrong, sentence in (
                (address.set(username="nobody_here"), "refused the login; correct user and password"),
                (address.set(database="not_here"), "has no such database; create it"),
                (address.set(username=weak), "lacks privileges"),
                (address.update_query_dict({"nonsense": "1"}), "correct what follows the question mark"),
                (address.set(query={"host": str(tmp_path)}), "start it or correct FACEID_DATABASE_URL"),
            ):
                given = wrong.render_as_string(hide_password=False)
                with pytest.raises(LibraryError, match=sentence) as caught:
                    Library.open(Settings(library=tmp_path / "new", database_url=given))
                assert "/" not in str(caught.value) and "\n" not in str(caught.value)
        finally:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f"DROP ROLE {weak}")


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_hold_every_name_is_refused(
    postgres_server: postgres.Server, tmp_path: Path, encoding: str
) -> None:
    import psycopg

    name = f"{postgres.RUN}_{encoding.lower()}"
    with postgres_server.fresh(tables=False) as url, psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} ENCODING {encoding} LOCALE 'C' TEMPLATE template0")
        try:
            given = make_url(url).set(database=name).render_as_string(hide_password=False)
            with pytest.raises(LibraryError, match=f"has the encoding {encoding}; create it again"):
                Library.open(Settings(library=tmp_path, database_url=given))
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.slow
def test_a_missing_driver_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from faceid_core.library.store.database import connect; from faceid_core.settings import Settings\n"
        "try: connect(Settings(library=sys.argv[1], database_url='postgresql://localhost/faceid'))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("DriverMissing")
    assert "./run install postgres" in done.stdout
