"""A real PostgreSQL server for the tests, in a temporary folder, and an empty library in it for each test.

The programs come from the package pgserver (PostgreSQL in a wheel) or, where that has no wheel, from the system.
FACEID_TEST_POSTGRES names a running server instead, such as postgresql://postgres@/postgres?host=/tmp.
Each process of a test run has a server of its own: a new data folder, and a socket in it instead of a port. On a
given server they keep apart by the names of their databases.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from uuid import uuid4

from sqlalchemy import URL, make_url

RUN = f"faceid_{uuid4().hex[:12]}"
"""Begins the names of our databases: other processes may use the same server, also with our process id."""

TEMPLATE = f"{RUN}_template"
_numbers = count(1)


class NoServer(Exception):
    """Why no server can be started here."""


class Server:
    """Makes and drops databases. Each is a copy of one that has the tables: 50 ms instead of a migration's 500."""

    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql")
        self._admin(f"CREATE DATABASE {TEMPLATE}")
        _make_tables(self.url(TEMPLATE))

    def url(self, database: str) -> str:
        return self._url.set(database=database).render_as_string(hide_password=False)

    @contextmanager
    def fresh(self, *, tables: bool = True) -> Iterator[str]:
        """The URL of a database of one's own, with the empty tables or with nothing at all."""
        name = f"{RUN}_{next(_numbers)}"
        self._admin(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE if tables else 'template0'}")
        try:
            yield self.url(name)
        finally:
            self._admin(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        """Drop the template."""
        self._admin(f"DROP DATABASE {TEMPLATE} WITH (FORCE)")

    def _admin(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._url.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(statement)


def _make_tables(url: str) -> None:
    from faceid_core.library.store.database import connect
    from faceid_core.settings import Settings

    connect(Settings(database_url=url)).close()


@contextmanager
def running() -> Iterator[Server]:
    """The server, until the end of the block. Raises NoServer."""
    if importlib.util.find_spec("psycopg") is None:
        raise NoServer("the driver psycopg is not installed")
    if url := os.environ.get("FACEID_TEST_POSTGRES"):
        server = Server(make_url(url))
        try:
            yield server
        finally:
            server.close()
        return
    # Not in pytest's folder: a socket's path has at most 107 characters, and the server's user must reach it.
    temporary = tempfile.TemporaryDirectory(prefix="faceid-pg-", dir="/tmp", ignore_cleanup_errors=True)
    with temporary as folder, _started(Path(folder)) as url:
        yield Server(make_url(url))


@contextmanager
def _started(folder: Path) -> Iterator[str]:
    user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name  # PostgreSQL refuses to be root
    programs = _programs(folder)
    data = folder / "data"
    data.mkdir(mode=0o700)
    if os.getuid() == 0:
        folder.chmod(0o711)
        shutil.chown(data, user)
    run_as = user if os.getuid() == 0 else None
    made = subprocess.run(
        [programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8",
         "--no-sync"], text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, user=run_as,
        cwd=data,
    )  # fmt: skip
    if made.returncode:
        raise NoServer(f"initdb failed: {made.stdout.strip()[-300:]}")
    options = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200",
               "listen_addresses=", f"unix_socket_directories={data}")  # fmt: skip
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, *(part for option in options for part in ("-c", option))],
            stdout=log, stderr=log, user=run_as, cwd=data,
        )  # fmt: skip
    url = f"postgresql://postgres@/postgres?host={data}"
    try:
        _wait_for(url, server, folder / "log")
        yield url
    finally:
        server.send_signal(signal.SIGINT)  # "fast": it does not wait for clients
        server.wait(timeout=30)


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise NoServer(f"the server does not start: {log.read_text()[-300:]}") from error
            time.sleep(0.05)


def _programs(folder: Path) -> Path:
    """The folder of initdb and postgres."""
    packaged = importlib.util.find_spec("pgserver")
    if packaged is not None and packaged.origin is not None:
        root = Path(packaged.origin).parent
        if os.getuid() != 0:
            return root / "pginstall" / "bin"
        # The user that the server runs as may not be allowed into the virtual environment: take the 30 MB along.
        copy = folder / "programs"
        shutil.copytree(root / "pginstall", copy / root.name / "pginstall")
        if (libraries := root.with_name("pgserver.libs")).is_dir():
            shutil.copytree(libraries, copy / libraries.name)
        return copy / root.name / "pginstall" / "bin"
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [
        Path(path) for path in [shutil.which("initdb")] if path
    ]
    if not found:
        raise NoServer("there is neither the package pgserver nor PostgreSQL on this system")
    return found[-1].parent
