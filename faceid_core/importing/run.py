"""The import step: photo files -> photos, faces, crops and vectors in the library."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from faceid_core import frame_path
from faceid_core.errors import UnreadableImage
from faceid_core.executors.executor import Executor, WorkerLate, WorkerLost
from faceid_core.executors.in_process import InProcess
from faceid_core.executors.process_pool import ProcessPool
from faceid_core.importing.photo import unread
from faceid_core.importing.work import File, Piece
from faceid_core.importing.worker import look_at
from faceid_core.library import Added, Library, PersonDecision
from faceid_core.media import folders
from faceid_core.media.left_out import LeftOut, LeftOuts
from faceid_core.settings import Settings, SmallestFace, usable_cores
from faceid_core.values import PROGRAM, NewPhoto, Progress, Role, VideoFrame, no_progress
from faceid_core.wording import file_name

BATCH_PHOTOS = 16
"""Photos per transaction: the most a crash can lose."""

BATCH_SECONDS = 2.0
"""No photo waits longer than this to be stored, however slow its neighbours are."""

POOL_FROM = 8
"""Fewer photos than this are not worth starting processes for (about a second each). More have at least one of
their own, also on a single core: what a photo does to it, it does not do to the import. So have videos."""

OUTCOMES = ("renewed", "imported", "duplicate", "unchanged", "failed")
"""What became of a video: the first of these that became of one of its frames."""

CRASHED = "the face search crashed on this photo twice"
TOO_LONG = "it took longer than {:g} seconds; raise FACEID_MAX_PHOTO_SECONDS to wait for it"
BAD_NAME = "its name, or that of its folder, is not valid UTF-8; rename it"


NEWS = ("imported", "renewed")
"""Outcomes of photos whose faces were searched."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be imported, with its plain reason."""

    path: str
    reason: str


@dataclass(slots=True)
class ImportReport:
    """What an import did, in photos; every file found is counted in exactly one of the five outcomes.

    renewed: known photos that were searched anew, as the file was edited, turned or moved, or as it was asked for.
    A video counts as one; frames: those of videos that were stored or searched anew.
    """

    photos: int = 0
    imported: int = 0
    duplicates: int = 0
    unchanged: int = 0
    renewed: int = 0
    failed: int = 0
    faces: int = 0
    frames: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def done(self) -> int:
        """Files with an outcome so far."""
        return self.imported + self.duplicates + self.unchanged + self.renewed + self.failed

    def add(self, photo: NewPhoto, added: Added) -> None:
        """Count a photo by what became of it."""
        self.count(added.outcome)
        if added.error:
            self.failures.append(Failure(photo.path, added.error))
        elif added.outcome in NEWS:
            self.faces += len(photo.faces)

    def count(self, outcome: str) -> None:
        """Count a file without its faces; outcome: see library.Added."""
        self.imported += outcome == "imported"
        self.duplicates += outcome == "duplicate"
        self.unchanged += outcome == "unchanged"
        self.renewed += outcome == "renewed"
        self.failed += outcome == "failed"

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        return asdict(self)


def import_photos(
    library: Library,
    paths: Iterable[str | Path] | Found,
    *,
    again: bool = False,
    video_seconds: float | None = None,
    smallest_face: SmallestFace | None = None,
    exclude: Sequence[str] = (),
    progress: Progress = no_progress,
    executor: Executor | None = None,
) -> ImportReport:
    """Import every photo under `paths`; files that the library knows unchanged are skipped without reading them.

    again: search known photos anew, too, as after a change of the detector; names stay with their faces.
    video_seconds, smallest_face: instead of the settings; 0 seconds leave videos alone. exclude: see folders.walk.
    A photo whose own file is gone shows another one that holds it, if that is found here.
    Raises NotAllowed for all but owners, PathNotFound, NothingToImport, LibraryError; JobCancelled from `progress`,
    after storing what is done.
    """
    library.actor.require(Role.OWNER)  # before any path of this machine is looked at
    started = time.monotonic()
    wanted = {"video_seconds": video_seconds, "smallest_face": smallest_face}
    given = {name: value for name, value in wanted.items() if value is not None}
    settings = library.settings.model_copy(update=given)
    if not isinstance(paths, Found):
        paths = photos_under(paths, videos=settings.video_seconds > 0, exclude=exclude)
    report = ImportReport(photos=len(paths.files), left_out=paths.left_out)
    files = [_stat(path) for path in _well_named(paths.files, report)]
    fresh = files if again else _skip_unchanged(library, files, report)
    run = _ImportRun(library, settings, report, progress, again)
    try:
        run.store_all(fresh, executor or _executor(settings, len(fresh)))
        library.photos.follow([str(file.path) for file in files])
        library.models.forget_gone_faces()
    finally:
        report.seconds = time.monotonic() - started
    return report


@dataclass(frozen=True, slots=True)
class Found:
    """The photo files, and the videos, to import, and what was left out."""

    files: list[Path]
    left_out: list[LeftOut] = field(default_factory=list)


def photos_under(paths: Iterable[str | Path], *, videos: bool = False, exclude: Sequence[str] = ()) -> Found:
    """The photo files, and the videos, under files and folders. exclude: see folders.walk.

    Raises PathNotFound, NothingToImport.
    """
    roots, left = [Path(path) for path in paths], LeftOuts()
    found = list(folders.walk(roots, videos=videos, exclude=exclude, leave=left))
    if not found:
        raise folders.nothing_in(roots[0] if len(roots) == 1 else "these folders", left)
    return Found(found, list(left.values()))


@dataclass
class _ImportRun:
    """Stores photos as their analyses arrive, in small transactions."""

    library: Library
    settings: Settings
    report: ImportReport
    progress: Progress
    again: bool = False
    batch: list[NewPhoto] = field(default_factory=list)
    stored_at: float = field(default_factory=time.monotonic)
    repeats: list[File] = field(default_factory=list)
    """Files with the bytes of another one; they wait until that is surely stored."""
    rest: deque[File] = field(default_factory=deque)
    frames: dict[str, list[Added]] = field(default_factory=dict)
    """Of each video that is not complete: what became of its frames."""

    def store_all(self, files: Sequence[File], executor: Executor) -> None:
        # Processes share the cores; alone, one has them all.
        threads = max(usable_cores() // executor.workers, 1) if isinstance(executor, ProcessPool) else None
        work = partial(look_at, settings=self.settings, threads=threads)
        self._tell()
        try:
            self._work_on(executor, work, self._new_content(files))
            self.flush()
            self._work_on(executor, work, (file for file in self.repeats if not self._is_stored(file)))
        finally:
            self.flush()

    def _work_on(self, executor: Executor, work: Callable[[File], NewPhoto | Piece], files: Iterator[File]) -> None:
        for file, found in executor.run(work, _Queue(files, self.rest)):
            if isinstance(found, Piece):
                self._take(found)
            else:
                self.add(found if isinstance(found, NewPhoto) else self._given_up(file, found))

    def _take(self, piece: Piece) -> None:
        """Store the frames of a part of a video, and go on with it before any other file."""
        for photo in piece.photos:
            self.add(photo)
        if piece.rest is not None and piece.rest.watched:
            self.rest.append(piece.rest)
            self._tell(frame_path.moment(piece.rest.path, piece.rest.watched.due))

    def _given_up(self, file: File, outcome: WorkerLost | WorkerLate) -> NewPhoto:
        seconds = self.settings.max_photo_seconds
        return self._unread(file, CRASHED if isinstance(outcome, WorkerLost) else TOO_LONG.format(seconds))

    def _new_content(self, files: Sequence[File]) -> Iterator[File]:
        """Files whose content is new. The others are kept for the end, see `repeats`."""
        seen: set[str] = set()
        for file in map(_hash, files):
            if file.sha256 in seen or self._known(file):
                self.repeats.append(file)
                continue
            if file.sha256:
                seen.add(file.sha256)
            yield file

    def _is_stored(self, file: File) -> bool:
        """Whether this content is; the file is then noted as another source of it."""
        if stored := self._stored(file):
            self.add(self._unread(file))
        return stored

    def _known(self, file: File) -> bool:
        return not self.again and self._stored(file)

    def _stored(self, file: File) -> bool:
        return file.sha256 is not None and self.library.photos.knows(file.sha256)

    def _unread(self, file: File, error: str | None = None) -> NewPhoto:
        return unread(file, self.settings, error)

    def add(self, photo: NewPhoto) -> None:
        self.batch.append(photo)
        if len(self.batch) >= BATCH_PHOTOS or time.monotonic() - self.stored_at > BATCH_SECONDS:
            self.flush()
        self._tell(photo.path)

    def flush(self) -> None:
        batch, self.batch = self.batch, []
        self.stored_at = time.monotonic()
        outcomes = self.library.photos.add_many(batch, again=self.again)
        self._take_over(outcomes)
        for photo, added in zip(batch, outcomes, strict=True):
            if photo.frame is None:
                self.report.add(photo, added)
            else:
                self._count_frame(photo, photo.frame, added)

    def _count_frame(self, photo: NewPhoto, frame: VideoFrame, added: Added) -> None:
        """A video is one file."""
        self.frames.setdefault(frame.video, []).append(added)
        self.report.frames += added.outcome in NEWS
        self.report.faces += len(photo.faces) if added.outcome in NEWS else 0
        if frame.every:
            best = min(self.frames.pop(frame.video), key=lambda each: OUTCOMES.index(each.outcome))
            self.report.count(best.outcome)
            if best.error:
                self.report.failures.append(Failure(frame.video, best.error))

    def _take_over(self, outcomes: Sequence[Added]) -> None:
        """The faces of near copies get the names of the photos that they are copies of."""
        for copies in _in_rounds(outcomes):
            decided = self.library.decisions.of_near_copies(copies)
            if decided:
                each = ((said.person, *said.not_people) for _, said in decided)
                names = dict.fromkeys(name for names in each for name in names if name)
                self.library.acting_as(PROGRAM).decisions.take_over(
                    [PersonDecision(name) for name in names], decided
                )

    def _tell(self, path: str | None = None) -> None:
        files = sum(photo.frame is None or bool(photo.frame.every) for photo in self.batch)
        message = frame_path.shown(path) if path else "Finding faces"
        self.progress(self.report.done + files, self.report.photos, message)


@dataclass
class _Queue(Iterator[File]):
    """The files, and before the next one whatever has been put aside of those begun. It may go on after its end."""

    files: Iterator[File]
    rest: deque[File]

    def __next__(self) -> File:
        return self.rest.popleft() if self.rest else next(self.files)


def _in_rounds(outcomes: Sequence[Added]) -> Iterator[list[Added]]:
    """The near copies, in an order in which a copy of a copy finds the names there already."""
    waiting = [added for added in outcomes if added.near_copy is not None]
    while waiting:
        later = {added.photo_id for added in waiting}
        ready = [added for added in waiting if added.near_copy not in later]
        yield ready or waiting
        waiting = [added for added in waiting if added.near_copy in later] if ready else []


def _executor(settings: Settings, photos: int) -> Executor:
    workers = max(min(settings.worker_count, photos), 1)
    if photos < POOL_FROM and not settings.video_seconds:
        return InProcess()
    return ProcessPool(workers, limit_s=settings.max_photo_seconds)


def _well_named(paths: Iterable[Path], report: ImportReport) -> Iterator[Path]:
    """The paths that can be stored, as they were given: a link is shown under its own name. Names on a disk are
    bytes; those that are no text go to the report at once."""
    for path in map(folders.absolute, paths):
        name = file_name(path)
        if name == str(path):
            yield path
        else:
            report.failed += 1
            report.failures.append(Failure(name, BAD_NAME))


def _stat(path: Path) -> File:
    try:
        stat = path.stat()
    except OSError:  # gone since we looked: reading it will say so
        return File(path, 0, 0)
    return File(path, stat.st_size, stat.st_mtime_ns)


def _hash(file: File) -> File:
    try:
        return replace(file, sha256=folders.sha256_of(file.path))
    except UnreadableImage as error:
        return replace(file, error=str(error))
    except OSError as error:
        return replace(file, error=f"the file can't be opened ({error.strerror})")


def _skip_unchanged(library: Library, files: Sequence[File], report: ImportReport) -> list[File]:
    known = library.photos.unchanged({str(file.path): (file.size_bytes, file.modified_ns) for file in files})
    fresh = [file for file in files if str(file.path) not in known]
    report.unchanged = len(files) - len(fresh)
    return fresh
