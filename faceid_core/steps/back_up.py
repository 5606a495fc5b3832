"""Backup and restore: the whole library - names, faces, journal, recognisers - in one file, while the app runs.

A backup is a zip archive with `faceid.db`, the folder `models`, the keys that users chose, and `backup.json`, which
says what is inside. The engine's cache is left out, as it is made again, and so are the photos themselves, which
faceid only reads.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from dataclasses import replace as with_fields
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from faceid_core import __version__
from faceid_core.atomic import make_private, replaced
from faceid_core.errors import (
    BackupUnusable,
    BadInput,
    DiskFull,
    FaceIdError,
    LibraryBusy,
    LibraryError,
    NotWritable,
)
from faceid_core.library.store import database, transfer
from faceid_core.settings import Settings
from faceid_core.steps import backups, key_bindings
from faceid_core.steps.backups import DATABASE

MODELS, CONTENTS = "models", "backup.json"
WRITES = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database in use: new writes, the index of those, and old pages that undo a write."""

MOST_CONTENTS_BYTES = 65536
"""Beyond this, `backup.json` is not ours."""

MOST_GROWTH = 20
"""A backup is stored, not deflated. One that was packed again may be smaller, but not by more than this."""

NOT_A_BACKUP = "{} is not a faceid backup; give a file written by `faceid backup`."


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds. made_at: local time, ISO 8601."""

    version: str
    revision: str
    made_at: str
    photos: int
    faces: int
    people: int


def back_up(settings: Settings, file: Path, *, replace: bool = False) -> Contents:
    """Write the library to `file`, complete or not at all; others may go on writing meanwhile.

    Raises BadInput for a file that is there already (unless `replace`), NotWritable, LibraryError.
    """
    if file.exists() and not replace:
        raise BadInput(f"The file {file} already exists; choose another name, or add --replace.")
    if not database.exists(settings):
        raise BadInput(f"There is no library in {settings.library.absolute()}; nothing to back up.")
    try:
        with replaced(file, private=True) as partial, _scratch(file.absolute().parent) as folder:
            copy = folder / DATABASE
            if settings.database_url is None:
                copy_database(settings, copy)
            else:
                transfer.to_file(settings, copy)
            contents = _read_contents(copy)
            _pack(partial, copy, settings, contents)
    except OSError as error:
        raise NotWritable(
            f"The backup can't be written to {file} ({error.strerror}); choose another place."
        ) from error
    backups.remember(settings, file)
    return contents


def verify(settings: Settings, file: Path) -> Contents:
    """Read a backup back as a restore would. Raises BackupUnusable."""
    with _scratch(settings.library) as folder:
        return _unpack(file, folder)


def contents_of(file: Path) -> Contents | None:
    """What a backup says that it holds, without reading the rest; None for what is none."""
    try:
        with zipfile.ZipFile(file) as packed:
            return _stated_contents(packed)
    except (OSError, zipfile.BadZipFile, zlib.error, KeyError, ValueError, TypeError, RecursionError):
        return None


def copy_database(settings: Settings, target: Path) -> None:
    """A consistent copy of the database by SQLite's online backup. Raises DiskFull, LibraryError."""
    source = f"file:{(settings.library / DATABASE).resolve().as_posix()}?mode=ro"
    try:
        with closing(sqlite3.connect(source, uri=True)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)  # in one step: a step that others write in between would start all over again
            new.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        if database.is_disk_full(error):
            raise DiskFull(database.DISK_FULL) from error
        raise LibraryError(f"The database can't be copied ({error}); run `faceid doctor --deep`.") from error


def restore(settings: Settings, file: Path) -> tuple[Contents, Path | None]:
    """Put a backup in the place of the library, in a file or on a server, wherever it was made. What was there
    moves into a folder, or a backup, of its own, which is returned.

    Raises BackupUnusable, LibraryBusy while the app runs; then nothing has changed.
    """
    with _folder_kept_if_used(settings):
        return (_restore_to_file if settings.database_url is None else _restore_to_server)(settings, file)


@contextmanager
def _folder_kept_if_used(settings: Settings) -> Iterator[None]:
    """The library's folder, made where there is none; a restore that is refused leaves no empty one."""
    is_new = not settings.library.exists()
    database.make_folder(settings)
    try:
        yield
    except FaceIdError:
        if is_new:
            with suppress(OSError):  # it is not empty
                settings.library.rmdir()
        raise


def _restore_to_file(settings: Settings, file: Path) -> tuple[Contents, Path | None]:
    with _scratch(settings.library) as folder:
        contents = _unpack(file, folder)
        replaced = _kept(settings)
        models = _brought_in(folder / MODELS, settings.models_folder)
        # SQLite would replay them into whatever bears the database's name; they are kept beside the damaged one.
        for left in _writes_beside(settings.library / DATABASE):
            left.unlink()
        # The one step that counts: whatever is killed, either library is there as a whole.
        (folder / DATABASE).replace(settings.library / DATABASE)
        _bring_in_keys(folder, settings)
    if replaced is not None:
        _remove_all_but(models, settings.models_folder)
    return contents, replaced


def _restore_to_server(settings: Settings, file: Path) -> tuple[Contents, Path | None]:
    """As restore, into PostgreSQL. What was there becomes a backup of its own, unless it was empty."""
    with _scratch(settings.library) as folder:
        contents = _unpack(file, folder)
        copy = folder / DATABASE
        database.upgrade(Settings(library=folder, database_url=f"sqlite:///{copy.absolute()}"))
        replaced = None
        if not transfer.is_empty(settings):
            replaced = settings.backups_folder / f"before-restore-{datetime.now():%Y-%m-%d-%H%M%S-%f}.zip"
            replaced.parent.mkdir(exist_ok=True)
            back_up(settings, replaced)
        models = _brought_in(folder / MODELS, settings.models_folder)
        transfer.from_file(copy, settings)
        _bring_in_keys(folder, settings)
    if replaced is not None:
        _remove_all_but(models, settings.models_folder)
    return with_fields(contents, revision=database.HEAD), replaced


@contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    """A folder on the same disk as the result, so that the last step is a rename."""
    with TemporaryDirectory(prefix=".faceid-", dir=parent) as folder:
        yield Path(folder)


def _read_contents(copy: Path) -> Contents:
    with closing(sqlite3.connect(copy)) as connection:
        numbers = [
            # The names of the tables are those below.
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # nosec B608
            for table in ("photo", "face", "person")
        ]
        revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    return Contents(__version__, revision, datetime.now().isoformat(timespec="seconds"), *numbers)


def _pack(archive: Path, copy: Path, settings: Settings, contents: Contents) -> None:
    models, keys = settings.models_folder, settings.library / key_bindings.FILE
    # Stored, not deflated: most of a library is JPEG pictures and float vectors, which don't shrink.
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        packed.writestr(CONTENTS, json.dumps(asdict(contents), indent=1))
        packed.write(copy, DATABASE)
        if keys.is_file():
            packed.write(keys, key_bindings.FILE)
        for path in sorted(models.rglob("*")):
            if path.is_file():
                packed.write(path, f"{MODELS}/{path.relative_to(models).as_posix()}")


def _unpack(file: Path, folder: Path) -> Contents:
    """Unpack into the folder and make sure that it is sound. Raises BackupUnusable."""
    try:
        with zipfile.ZipFile(file) as packed:
            contents = _stated_contents(packed)
            members = [
                member
                for member in packed.infolist()
                if member.filename in (DATABASE, key_bindings.FILE) or member.filename.startswith(f"{MODELS}/")
            ]
            _check_room(file, sum(member.file_size for member in members), folder)
            for member in members:
                # Checks size and CRC, and never leaves the folder, in which nobody else could look until now.
                make_private(Path(packed.extract(member, folder)), quietly=True)
    except FileNotFoundError as error:
        raise BackupUnusable(f"There is no file {file}; check the path.") from error
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, TypeError, RecursionError) as error:
        raise BackupUnusable(NOT_A_BACKUP.format(file)) from error
    except OSError as error:
        raise BackupUnusable(f"The backup {file} can't be unpacked ({error.strerror}).") from error
    _check(folder / DATABASE, file)
    return contents


def _stated_contents(packed: zipfile.ZipFile) -> Contents:
    if packed.getinfo(CONTENTS).file_size > MOST_CONTENTS_BYTES:
        raise ValueError("too long")
    return Contents(**json.loads(packed.read(CONTENTS)))


def _check_room(file: Path, unpacked: int, folder: Path) -> None:
    """Raises BackupUnusable for a zip bomb, and where the disk has no room, before anything is unpacked."""
    if unpacked > MOST_GROWTH * file.stat().st_size:
        raise BackupUnusable(f"{file} would unpack to {unpacked / 1e9:.1f} GB, which no backup of this size does.")
    if unpacked > (free := shutil.disk_usage(folder).free):
        raise BackupUnusable(
            f"The backup {file} takes {unpacked / 1e9:.1f} GB, but {free / 1e9:.1f} GB are free; free some space."
        )


def _check(copy: Path, file: Path) -> None:
    try:
        with closing(sqlite3.connect(copy)) as connection:
            # A library has none of these. They would act in the owner's name whenever the library is used.
            if connection.execute(
                "SELECT 1 FROM sqlite_master WHERE type IN ('trigger', 'view') OR sql LIKE 'create virtual%'"
            ).fetchone():
                raise BackupUnusable(f"The database in {file} holds code that faceid did not write; don't use it.")
            sound = connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    except (sqlite3.Error, TypeError) as error:
        raise BackupUnusable(NOT_A_BACKUP.format(file)) from error
    if not sound:
        raise BackupUnusable(f"The database in {file} is damaged; use another backup.")
    if revision > database.HEAD:
        raise BackupUnusable(f"{file} was made by a newer version; update the program first.")


def _kept(settings: Settings) -> Path | None:
    """The present library, or what is left of it, kept in a folder of its own.

    Raises LibraryBusy while anybody has it open.
    """
    present = settings.library / DATABASE
    if present.exists():
        _close(present)
    files = [path for path in (present, *_writes_beside(present)) if path.exists()]
    if not files:
        return None
    aside = settings.replaced_folder / datetime.now().strftime("%Y-%m-%d-%H%M%S-%f")
    aside.mkdir(parents=True)
    if (keys := settings.library / key_bindings.FILE).exists():
        files.append(keys)
    for path in files:
        _link(path, aside / path.name)
    if settings.models_folder.exists():
        shutil.copytree(settings.models_folder, aside / MODELS, copy_function=_link)
    return aside


def _writes_beside(present: Path) -> list[Path]:
    """What a database leaves beside it that was not closed: one that is damaged, or was deleted by hand."""
    beside = (present.with_name(present.name + ending) for ending in WRITES)
    return [path for path in beside if path.exists()]


def _link(source: str | Path, target: str | Path) -> None:
    """A second name for a file, at no cost; a copy where the disk knows no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _brought_in(models: Path, target: Path) -> set[str]:
    """Move the backup's recognisers beside the present ones; their folders' names tell them apart."""
    names = {folder.name for folder in models.iterdir()} if models.is_dir() else set()
    target.mkdir(exist_ok=True)
    for name in names:
        if not (target / name).exists():
            (models / name).replace(target / name)
    return names


def _bring_in_keys(folder: Path, settings: Settings) -> None:
    """The keys that users chose; those that are here stay where the backup has none."""
    if (keys := folder / key_bindings.FILE).is_file():
        keys.replace(settings.library / key_bindings.FILE)


def _remove_all_but(names: set[str], folder: Path) -> None:
    for path in folder.iterdir():
        if path.name not in names:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _close(present: Path) -> None:
    """Fold the write-ahead log into the file, which SQLite does only for whoever is alone with it."""
    try:
        with closing(sqlite3.connect(present, timeout=1)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            raise LibraryBusy(
                "The library is open in the app or another command; stop it, then restore."
            ) from error
        # Else it is damaged, which is why it is being replaced; it is kept as it is.


def upgrade(settings: Settings) -> Path | None:
    """Bring the database to this version, after copying it to `backups`. Returns the copy; None if none was needed.

    Raises LibraryError.
    """
    copy = None
    if settings.database_url is None and database.exists(settings) and not database.is_current(settings):
        folder = settings.backups_folder
        folder.mkdir(exist_ok=True)
        copy = folder / f"before-{database.HEAD}-{datetime.now():%Y-%m-%d-%H%M%S-%f}.db"
        copy_database(settings, copy)
    database.upgrade(settings)
    return copy
