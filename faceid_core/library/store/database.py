"""The database connection: SQLite by default, PostgreSQL by URL. Everything that differs between them is here."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy import table as table_named
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from sqlmodel import Session, SQLModel

from faceid_core.atomic import PRIVATE_FOLDER, make_private
from faceid_core.errors import (
    DiskFull,
    LibraryBusy,
    LibraryError,
    ReadOnlyLibrary,
    SchemaOutdated,
    SchemaTooNew,
    Unreachable,
)
from faceid_core.library.store.engines import open_engine
from faceid_core.library.store.lease import Lease
from faceid_core.library.store.purging import ANNOUNCE, PURGED, TRIM, Purging
from faceid_core.library.store.read_only import READ_ONLY, is_read_only, never_writes, server_is_read_only
from faceid_core.settings import Settings
from faceid_core.values import LOCAL_OWNER, Actor, Role

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0017"
"""The newest migration. A constant, because asking Alembic would take 0.3 s at every start. A test checks it."""

ANALYSED_ROWS = 1000
"""Rows sampled per index for its statistics: a few seconds in total for a million faces."""

CHUNK = 5000
"""Values per IN (...): below the variable limits of SQLite (32,766) and PostgreSQL (65,535)."""

UNAVAILABLE = "55P03"
"""PostgreSQL's code for a lock that was not free in time (appendix A of its manual)."""

NO_RIGHTS = "42501"
"""PostgreSQL's code for missing privileges."""

REFUSED = ("authentication failed", "no password supplied", "pg_hba.conf", "is not permitted to log in", 'role "')
"""Phrases in PostgreSQL's messages about failed logins, as failed connections have no error code."""

ADDRESS = re.compile(r"connection failed: |connection to server .*? failed: |FATAL:\s+|(?<=resolve host) '[^']*'")

TOO_NEW = "This library was made by a newer version; update the program, for example with `git pull`."

Value = TypeVar("Value")

_ACTOR = "faceid_actor"


class Database:
    """Read and write sessions for an actor. Safe to share between threads. read_only: every write is refused.
    lease: the work that writes belong to; once it is lost, they are refused."""

    def __init__(
        self, engine: Engine, actor: Actor = LOCAL_OWNER, *, read_only: bool = False, lease: Lease | None = None
    ) -> None:
        self.engine, self.actor, self.read_only, self.lease = engine, actor, read_only, lease
        self.purging: Purging | None = None
        # A write takes SQLite's lock at the start, so that it can't fail half-way because of another writer.
        self._writing = engine.execution_options(faceid_write=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a read-only session with a consistent view."""
        with plain_errors(), Session(self.engine, info={_ACTOR: self.actor}) as session:
            yield session

    def file_version(self) -> tuple[object, ...] | None:
        """Return a value that changes when SQLite's files are written. None for a database server."""
        if self.engine.dialect.name != "sqlite":
            return None
        return tuple(_last_written(Path(f"{self.engine.url.database}{ending}")) for ending in ("", "-wal"))

    def acting_as(self, actor: Actor, lease: Lease | None = None) -> Database:
        """Share the connections with another actor. lease: the work that their writes belong to, by default as
        here."""
        return Database(self.engine, actor, read_only=self.read_only, lease=lease or self.lease)

    @contextmanager
    def write(self, need: Role = Role.EDITOR) -> Iterator[Session]:
        """Open a transaction, committed at the end and rolled back on any error. Keep it short.

        need: the required role. Raises NotAllowed, LibraryBusy, ReadOnlyLibrary, LeaseLost.
        """
        self.actor.require(need)
        if self.read_only:
            raise ReadOnlyLibrary(READ_ONLY)
        info = {_ACTOR: self.actor, ANNOUNCE: self._announce, TRIM: self._trim}
        with plain_errors(), Session(self._writing, info=info) as session, session.begin():
            if self.lease is not None:
                self.lease.check(session)
            yield session
        if PURGED in session.info and self.purging is not None:
            self.purging.purged(session.info[PURGED])

    def _announce(self) -> None:
        if self.purging is not None:
            self.purging.announce()

    def _trim(self, session: Session, faces: Iterable[int]) -> list[str]:
        return [] if self.purging is None else self.purging.trim(session, faces)

    def optimise(self) -> None:
        """Update SQLite's index statistics after tables have grown, or it would choose the wrong index. PostgreSQL
        does so by itself. Does nothing if the library is busy."""
        if self.engine.dialect.name != "sqlite" or self.read_only:
            return
        with suppress(LibraryBusy), plain_errors():
            with self.engine.begin() as connection:
                if _is_estimated(connection):
                    return
            with self._writing.begin() as connection:
                connection.exec_driver_sql(f"PRAGMA analysis_limit={ANALYSED_ROWS}")
                connection.exec_driver_sql("ANALYZE")
                # A sample would suggest that each flag is rare, although nearly all faces have the same one: none.
                connection.exec_driver_sql("PRAGMA analysis_limit=0")
                connection.exec_driver_sql("ANALYZE ix_face_flag_quality")

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def acting(session: Session) -> Actor:
    """Return the actor of a Database session."""
    actor: Actor = session.info[_ACTOR]
    return actor


def exists(settings: Settings) -> bool:
    """Whether the library exists. A database given by URL is assumed to exist."""
    return settings.database_url is not None or (settings.library / "faceid.db").exists()


def read_only(settings: Settings) -> bool:
    """Whether the library is in a file that can't be changed."""
    return settings.database_url is None and is_read_only(settings.library / "faceid.db")


def is_current(settings: Settings) -> bool:
    """Whether the database has the tables of this version. Raises LibraryError."""
    return revision(settings) == HEAD


def _is_estimated(connection: Connection) -> bool:
    """Whether SQLite has statistics for the large tables that are right within a factor of three."""
    if not inspect(connection).has_table("sqlite_stat1"):
        return False
    for table in ("face", "label", "clustermember"):
        wanted = text("SELECT max(CAST(stat AS INTEGER)) FROM sqlite_stat1 WHERE tbl = :table")
        estimated = connection.execute(wanted, {"table": table}).scalar() or 0
        rows = connection.execute(select(func.count()).select_from(table_named(table))).scalar() or 0
        if not rows <= 3 * estimated + 1000 <= 9 * rows + 10_000:
            return False
    return True


def connect(settings: Settings) -> Database:
    """Open the database; an empty one gets its tables.

    Raises LibraryError, LibraryBusy, SchemaOutdated (older than the program), SchemaTooNew (newer).
    """
    engine = open_engine(settings)
    with plain_errors():
        with engine.connect() as connection:
            found = _revision(connection)
            server_reads = found is not None and server_is_read_only(connection)
        if found is None:
            with engine.execution_options(faceid_write=True, faceid_patient=True).begin() as connection:
                # Another process may have created them while we waited for the lock.
                if _revision(connection) is None:
                    _create(connection)
            for path in _files(settings):  # SQLite has just created them with default permissions
                make_private(path, quietly=True)
        elif found < HEAD:
            raise SchemaOutdated("This library was made by an older version; upgrade it with `faceid db upgrade`.")
        elif found > HEAD:
            raise SchemaTooNew(TOO_NEW)
    return Database(engine, read_only=server_reads or never_writes(engine))


def upgrade(settings: Settings) -> None:
    """Upgrade a database to HEAD, or create it if it does not exist. Raises LibraryError, SchemaTooNew."""
    make_folder(settings)
    if (found := revision(settings)) is not None and found > HEAD:
        raise SchemaTooNew(TOO_NEW)
    with migrating(settings) as connection:
        if _revision(connection) is None:  # another process may have created it while we waited for the lock
            _create(connection)
        else:
            _migrate(connection, settings.url)


def revision(settings: Settings) -> str | None:
    """Return the database's migration; None if the database does not exist yet. Raises LibraryError."""
    engine = open_engine(settings)
    try:
        with plain_errors(), engine.connect() as connection:
            return _revision(connection)
    finally:
        engine.dispose()


@contextmanager
def migrating(settings: Settings) -> Iterator[Connection]:
    """Open a transaction for schema changes, which checks that no row loses its parent. Raises LibraryError.

    SQLite changes a table by creating a new one and dropping the old. With foreign keys on, that would delete every
    child row, so they are turned off, and checked at the end.
    """
    engine = open_engine(settings)
    sqlite = engine.dialect.name == "sqlite"
    try:
        with (
            plain_errors(),
            engine.execution_options(faceid_write=True, faceid_patient=True).connect() as connection,
        ):
            if sqlite:  # only has an effect outside a transaction
                connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
            with connection.begin():
                yield connection
                if sqlite and connection.execute(text("PRAGMA foreign_key_check")).first():
                    raise LibraryError("The library's tables are inconsistent; restore it from your latest backup.")
            connection.invalidate()  # the next user must get one with foreign keys on
    finally:
        engine.dispose()


def make_folder(settings: Settings) -> None:
    """Create the library's folder if it does not exist. Raises LibraryError."""
    try:
        settings.library.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise LibraryError(
            f"{settings.library} is a file, not a folder; choose another library with --library."
        ) from error
    except OSError as error:
        raise LibraryError(
            f"The library's folder {settings.library} can't be created ({error.strerror}); "
            "choose another one with --library."
        ) from error
    for path in (settings.library, *_files(settings)):
        make_private(path, quietly=read_only(settings))


def _files(settings: Settings) -> list[Path]:
    """Return the database file and the files that SQLite keeps next to it while it is open."""
    return [settings.library / f"faceid.db{ending}" for ending in ("", "-wal", "-shm")]


def alembic_config(url: str) -> Config:
    """Return Alembic's configuration, with the migrations of this installation."""
    from alembic.config import Config

    here = Path(__file__).parents[2]
    packaged = here / "_migrations"  # in a wheel; in a checkout, they are at the top level
    config = Config()
    config.set_main_option("script_location", str(packaged if packaged.is_dir() else here.parent / "migrations"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def chunks(values: Iterable[Value]) -> Iterator[Sequence[Value]]:
    """Split values into chunks that fit into one statement."""
    everything = list(values)
    for at in range(0, len(everything), CHUNK):
        yield everything[at : at + CHUNK]


def _last_written(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size


def _revision(connection: Connection) -> str | None:
    """Return the database's migration; None if it is empty. Raises LibraryError for another program's database."""
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables:
        found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return found
    if tables:
        raise LibraryError("That database belongs to another program; choose another library folder.")
    return None


def _create(connection: Connection) -> None:
    """Create the tables of HEAD in an empty database. The result equals that of all migrations
    (tests/store/test_migrations.py), in a tenth of the time because Alembic is not loaded."""
    from faceid_core.library.store import tables  # noqa: F401  (fills the metadata)

    SQLModel.metadata.create_all(connection)
    # As Alembic would create it: MigrationContext, "version_table".
    versions = Table("alembic_version", MetaData(), Column("version_num", String(32), nullable=False))
    versions.append_constraint(PrimaryKeyConstraint("version_num", name="alembic_version_pkc"))
    versions.create(connection, checkfirst=True)
    connection.execute(versions.insert().values(version_num=HEAD))


def _migrate(connection: Connection, url: str) -> None:
    from alembic import command

    config = alembic_config(url)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def plain_errors() -> Iterator[None]:
    """Convert driver errors that a user can do something about to LibraryError."""
    try:
        yield
    except OperationalError as error:
        raise _operational(error) from error
    except DBAPIError as error:
        if "not a database" in str(error.orig) or "malformed" in str(error.orig):
            raise LibraryError("faceid.db is damaged; restore it from your latest backup.") from error
        if getattr(error.orig, "sqlstate", None) == NO_RIGHTS:
            raise LibraryError(
                "The database user lacks privileges; allow it to create and change tables, or set another user "
                "in FACEID_DATABASE_URL."
            ) from error
        if isinstance(error, ProgrammingError) and error.statement is None:  # the driver rejects the URL itself
            raise LibraryError(
                f"FACEID_DATABASE_URL can't be used ({_first_line(error)}); correct what follows the question mark."
            ) from error
        raise


def _operational(error: OperationalError) -> LibraryError:
    reason = _first_line(error)
    low = reason.lower()
    if getattr(error.orig, "sqlstate", None) == UNAVAILABLE or "is locked" in low or "busy" in low:
        return LibraryBusy("Another program is writing to the library; wait a moment and try again.")
    if "disk is full" in low or "no space left" in low:
        return DiskFull("The disk is full; free some space and try again. Nothing was lost.")
    if "readonly" in low or "unable to open" in low:
        return LibraryError("The library's folder can't be written to; check its permissions.")
    if isinstance(error.orig, sqlite3.Error):
        return LibraryError(f"The database can't be used ({reason}); run `faceid doctor`.")
    return Unreachable(_about_server(reason))


def _about_server(reason: str) -> str:
    low = reason.lower()
    if any(words in low for words in REFUSED):
        return "The database server refused the login; correct user and password in FACEID_DATABASE_URL."
    if low.startswith("database ") and low.endswith("does not exist"):
        return "The database server has no such database; create it or correct FACEID_DATABASE_URL."
    return f"The database server can't be used ({reason}); start it or correct FACEID_DATABASE_URL."


def _first_line(error: DBAPIError) -> str:
    """Return the driver's message without the server's address, which not everybody should see."""
    return ADDRESS.sub("", str(error.orig).strip().partition("\n")[0])
