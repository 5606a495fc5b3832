"""Names written into files: which names belong there, what faceid wrote, and the previous content."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlmodel import Session, col

from faceid_core.errors import NotFound
from faceid_core.library.store.database import Database, acting, chunks
from faceid_core.library.store.photo_tables import PersonOnPhoto
from faceid_core.library.store.tables import Consent, Face, Label, NamesFile, NamesRun, Person, Photo, Source
from faceid_core.library.store.withholding import withheld_faces
from faceid_core.values import Box, ConsentState, Flag, PhotoStatus, Role, utc_now


@dataclass(frozen=True, slots=True)
class PhotoToName:
    """A photo file as it was imported, and the names that belong in it. Boxes are in pixels of the upright photo.
    without_face: names of people on it without a face."""

    photo_id: int
    path: str
    sha256: str
    width: int
    height: int
    size_bytes: int
    modified_ns: int
    names: tuple[tuple[str, Box], ...]
    without_face: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileBefore:
    """A file that a run changes. photo: the photo's path; path: the changed file; before: its previous content,
    None if that is stored elsewhere or has been erased; before_sha256: None if the file did not exist."""

    photo_id: int
    photo: str
    path: str
    before: bytes | None
    before_sha256: str | None
    after_sha256: str
    entries: list[list[Any]]
    id: int = 0


@dataclass(frozen=True, slots=True)
class NamesRunView:
    """A run that wrote names. files: the number of files that still contain what it wrote."""

    id: int
    at: datetime
    actor: str
    files: int
    undone: bool


class WrittenNames:
    """The names to write into files, and the record of what was written. For owners only, as it contains paths."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def photos(self) -> list[PhotoToName]:
        """Return every photo file that has names to write, or that names were written into, by path.

        People who are hidden or refused consent, and flagged faces, are left out.
        """
        names: dict[int, list[tuple[str, Box]]] = defaultdict(list)
        without: dict[int, list[str]] = defaultdict(list)
        files: list[PhotoToName] = []
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            for photo, name, *edges in session.execute(_names()):
                names[photo].append((name, Box(*edges)))
            for photo, name in session.execute(_without_face()):
                without[photo].append(name)
            written = set(session.scalars(select(col(NamesFile.photo_id)).distinct()))
            known = {*names, *without, *written}
            rows = [row for row in session.execute(_files()) if row[0] in known]
            files += [_photo(row, names[row[0]], without[row[0]]) for row in rows]
        return files

    def entries(self) -> dict[str, list[list[Any]]]:
        """Return path of a changed file -> everything in it that faceid wrote, by the latest run that changed
        it."""
        columns = select(NamesFile.path, NamesFile.entries).order_by(col(NamesFile.id))  # type: ignore[call-overload]
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            return dict(session.execute(columns).tuples().all())

    def begin(self) -> int:
        """Start a run. Returns its id."""
        with self._database.write(Role.OWNER) as session:
            run = NamesRun(actor=acting(session).name)
            session.add(run)
            session.flush()
            return int(run.id or 0)

    def about_to_change(self, run_id: int, files: Sequence[FileBefore]) -> list[int]:
        """Record the content of files before they are changed. Returns the ids of the records."""
        with self._database.write(Role.OWNER) as session:
            rows = [_row(run_id, file) for file in files]
            session.add_all(rows)
            session.flush()
            return [int(row.id or 0) for row in rows]

    def forget(self, ids: Iterable[int]) -> None:
        """Delete the records of files that were not changed after all, or were restored. A run without files counts
        as undone."""
        with self._database.write(Role.OWNER) as session:
            for chunk in chunks(ids):
                session.execute(delete(NamesFile).where(col(NamesFile.id).in_(chunk)))
            left = select(col(NamesFile.run_id))
            empty = select(NamesRun).where(col(NamesRun.id).not_in(left), col(NamesRun.undone_at).is_(None))
            for run in session.scalars(empty):
                run.undone_at = utc_now()

    def runs(self, limit: int = 10) -> list[NamesRunView]:
        """Return the latest runs, newest first, without those that changed nothing."""
        files = select(func.count()).where(col(NamesFile.run_id) == col(NamesRun.id)).scalar_subquery()
        columns = select(NamesRun.id, NamesRun.at, NamesRun.actor, files, NamesRun.undone_at)  # type: ignore[call-overload]
        wanted = columns.order_by(col(NamesRun.id).desc()).limit(limit)
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            rows = session.execute(wanted).tuples()
            return [
                NamesRunView(number, at, actor, files, undone is not None)
                for number, at, actor, files, undone in rows
            ]

    def files(self, run_id: int | None) -> tuple[int, list[FileBefore]]:
        """Return the id of a run, by default the latest that is not undone, and the files that it changed, last
        change first. Raises NotFound."""
        standing = select(func.max(col(NamesRun.id))).where(col(NamesRun.undone_at).is_(None))
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            number = run_id if run_id is not None else session.scalar(standing)
            run = None if number is None else session.get(NamesRun, number)
            if run is None or run.undone_at is not None:
                which = "" if run_id is None else f" {run_id}"
                raise NotFound(f"There is no writing of names{which} to undo.")
            rows = session.scalars(
                select(NamesFile).where(col(NamesFile.run_id) == number).order_by(col(NamesFile.id).desc())
            )
            return int(run.id or 0), [_before(row) for row in rows]

    def photo_rewritten(self, file: FileBefore, sha256: str, size_bytes: int, modified_ns: int) -> None:
        """Record that we rewrote a photo file without changing its picture, so that imports need not read it."""
        with self._database.write(Role.OWNER) as session:
            photo = session.get(Photo, file.photo_id)
            known = session.scalar(select(col(Photo.id)).where(col(Photo.sha256) == sha256))
            source = session.get(Source, file.photo)
            if source is not None:
                source.size_bytes, source.modified_ns = size_bytes, modified_ns
            if photo is not None and known is None:
                photo.sha256 = sha256


def forget_names(session: Session, names: Iterable[str]) -> None:
    """Delete previous file contents that contain a name of an erased person. They can't be restored afterwards."""
    wanted = [name.encode() for name in names]
    kept = select(NamesFile).where(col(NamesFile.before).is_not(None)).execution_options(yield_per=100)
    for row in session.scalars(kept) if wanted else ():
        before = zlib.decompress(row.before or b"")
        if any(name in before for name in wanted):
            row.before = None


def _names() -> Any:
    return (
        select(Face.photo_id, Person.name, Face.left, Face.top, Face.right, Face.bottom)  # type: ignore[call-overload]
        .join(Label, col(Label.face_id) == col(Face.id))
        .join(Person, col(Person.id) == col(Label.person_id))
        .where(col(Face.flag) == Flag.NONE.value, col(Person.hidden).is_(False))
        .where(col(Face.id).not_in(withheld_faces()))
        .order_by(col(Face.id))
    )


def _without_face() -> Any:
    """Select people who are on a photo without a face and are neither hidden nor have refused consent."""
    refused = select(col(Consent.person_id)).where(col(Consent.state) == ConsentState.REFUSED.value)
    return (
        select(PersonOnPhoto.photo_id, Person.name)  # type: ignore[call-overload]
        .join(Person, col(Person.id) == col(PersonOnPhoto.person_id))
        .where(col(Person.hidden).is_(False), col(Person.id).not_in(refused))
        .order_by(col(Person.name_key))
    )


def _files() -> Any:
    columns = (Source.photo_id, Source.path, Photo.sha256, Photo.width, Photo.height, Source.size_bytes,
               Source.modified_ns)  # fmt: skip
    return (
        select(*columns)  # type: ignore[call-overload]
        .join(Photo, col(Photo.id) == col(Source.photo_id))
        .where(col(Photo.status) == PhotoStatus.DONE.value, col(Photo.sha256).is_not(None))
        .order_by(col(Source.path))
    )


def _photo(row: Any, names: Sequence[tuple[str, Box]], without: Sequence[str]) -> PhotoToName:
    photo, path, sha256, width, height, size, modified = row
    return PhotoToName(photo, path, sha256, width, height, size, modified, tuple(names), tuple(without))


def _row(run_id: int, file: FileBefore) -> NamesFile:
    before = None if file.before is None else zlib.compress(file.before)
    return NamesFile(
        run_id=run_id,
        photo_id=file.photo_id,
        photo=file.photo,
        path=file.path,
        before=before,
        before_sha256=file.before_sha256,
        after_sha256=file.after_sha256,
        entries=file.entries,
    )


def _before(row: NamesFile) -> FileBefore:
    before = None if row.before is None else zlib.decompress(row.before)
    return FileBefore(
        row.photo_id,
        row.photo,
        row.path,
        before,
        row.before_sha256,
        row.after_sha256,
        row.entries,
        int(row.id or 0),
    )
