"""The backups that faceid made: where they are, which of them hold something, and how they are deleted.

`faceid backup` writes anywhere, so each file is noted in the library's folder. Copies made by hand are not known.
"""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from faceid_core.atomic import PRIVATE_FOLDER, replaced
from faceid_core.errors import NotWritable
from faceid_core.library import ErasedTrace
from faceid_core.settings import Settings

log = logging.getLogger(__name__)

DATABASE = "faceid.db"
KNOWN = "known.json"
"""In the folder of backups: the paths of those that were written elsewhere."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A file, or a folder that a restore put aside. made_at: UTC without a zone."""

    path: Path
    made_at: datetime
    bytes: int


def remember(settings: Settings, file: Path) -> None:
    """Note a backup. One that can't be noted is no less a backup, so that is only logged."""
    paths = sorted({*_still_there(settings), str(file.absolute())})
    try:
        settings.backups_folder.mkdir(PRIVATE_FOLDER, exist_ok=True)
        with replaced(settings.backups_folder / KNOWN, private=True) as partial:
            partial.write_text(json.dumps(paths, indent=1), encoding="utf-8")
    except OSError as error:
        log.warning("The backup could not be noted in the library's folder (%s).", error.strerror)


def all_backups(settings: Settings) -> list[Backup]:
    """Those that are there, the newest first: files by `faceid backup`, copies before an upgrade, and replaced
    libraries."""
    kept = [Path(path) for path in _noted(settings)]
    kept += settings.backups_folder.glob("*.db") if settings.backups_folder.is_dir() else ()
    kept += settings.replaced_folder.iterdir() if settings.replaced_folder.is_dir() else ()
    found = [backup for path in kept if (backup := _backup(path)) is not None]
    return sorted(found, key=lambda backup: (backup.made_at, str(backup.path)), reverse=True)


def made_before(settings: Settings, moment: datetime) -> list[Backup]:
    """Those that may hold what was erased at this moment (UTC without a zone), by their date alone."""
    return [backup for backup in all_backups(settings) if backup.made_at <= moment]


def holding(settings: Settings, trace: ErasedTrace) -> list[Backup]:
    """Those that hold a name or a face, by looking into each; one that can't be read counts as one."""
    return [backup for backup in all_backups(settings) if _holds(settings, backup, trace)]


def delete(settings: Settings, backups: Sequence[Backup]) -> int:
    """Delete them. Returns how many. Raises NotWritable where one can't be."""
    for backup in backups:
        try:
            shutil.rmtree(backup.path) if backup.path.is_dir() else backup.path.unlink(missing_ok=True)
        except OSError as error:
            raise NotWritable(f"The backup {backup.path} can't be deleted ({error.strerror}).") from error
    return len(backups)


def _noted(settings: Settings) -> list[str]:
    try:
        noted = json.loads((settings.backups_folder / KNOWN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [path for path in noted if isinstance(path, str)] if isinstance(noted, list) else []


def _still_there(settings: Settings) -> list[str]:
    """Without those of the library's own folder that are gone; other places may only be away for now."""
    own = settings.backups_folder.absolute()
    return [path for path in _noted(settings) if Path(path).parent != own or Path(path).exists()]


def _backup(path: Path) -> Backup | None:
    try:
        at = path.stat().st_mtime
        files = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
        size = sum(file.stat().st_size for file in files)
    except OSError:  # it was moved or deleted, or lies on a disk that is not there
        return None
    return Backup(path, datetime.fromtimestamp(at, UTC).replace(tzinfo=None), size)


def _holds(settings: Settings, backup: Backup, trace: ErasedTrace) -> bool:
    try:
        with _database_in(settings, backup.path) as file, closing(_opened(file)) as connection:
            return _has_names(connection, trace) or _has_faces(connection, trace)
    except (OSError, sqlite3.Error, zipfile.BadZipFile, KeyError):
        return True


@contextmanager
def _database_in(settings: Settings, path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield path / DATABASE
    elif path.suffix == ".db":
        yield path
    else:
        with TemporaryDirectory(prefix=".faceid-", dir=settings.library) as folder, zipfile.ZipFile(path) as packed:
            yield Path(packed.extract(DATABASE, folder))


def _opened(file: Path) -> sqlite3.Connection:
    """Read-only, and without a lock or a file beside it."""
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro&immutable=1", uri=True)


def _has_names(connection: sqlite3.Connection, trace: ErasedTrace) -> bool:
    """In the people, or anywhere in the history."""
    for name in trace.names:
        stored: tuple[Any, ...] = (name, json.dumps(name))
        wanted = (
            "SELECT 1 FROM person WHERE name = ?1 UNION ALL "
            "SELECT 1 FROM event WHERE instr(changes, ?2) OR instr(summary, '“' || ?1 || '”') LIMIT 1"
        )
        if connection.execute(wanted, stored).fetchone():
            return True
    return False


def _has_faces(connection: sqlite3.Connection, trace: ErasedTrace) -> bool:
    """Named or not: a backup that was made before somebody got a name holds their vectors, too."""
    wanted = """
        SELECT 1 FROM json_each(?) AS erased
        JOIN face ON face.id = json_extract(erased.value, '$[0]') JOIN photo ON photo.id = face.photo_id
        WHERE photo.sha256 = json_extract(erased.value, '$[1]') LIMIT 1
    """
    return connection.execute(wanted, [json.dumps(sorted(trace.faces))]).fetchone() is not None
