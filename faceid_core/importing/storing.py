"""Stores photos in small transactions as their analyses arrive."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from faceid_core import frame_path
from faceid_core.errors import UnreadableImage
from faceid_core.executors.executor import Executor, WorkerLate, WorkerLost
from faceid_core.importing.photo import unread
from faceid_core.importing.report import NEWS, Failure, ImportReport
from faceid_core.importing.searching import threads_of, without_secrets
from faceid_core.importing.work import File, Piece
from faceid_core.importing.worker import look_at
from faceid_core.library import Added, Library, PersonDecision
from faceid_core.media import folders
from faceid_core.remote import is_remote
from faceid_core.remote_cache import ahead
from faceid_core.settings import Settings
from faceid_core.values import PROGRAM, NewPhoto, Progress, VideoFrame
from faceid_core.vision.detection import report_idle_providers

BATCH_PHOTOS = 16
"""Photos per transaction: the most a crash can lose."""

BATCH_SECONDS = 2.0
"""No photo waits longer than this to be stored, however slow the others are."""

OUTCOMES = ("renewed", "imported", "duplicate", "unchanged", "failed")
"""The outcome of a video is the first of these that occurred for one of its frames."""

CRASHED = "the face search crashed on this photo twice"
TOO_LONG = "it took longer than {:g} seconds; raise FACEID_MAX_PHOTO_SECONDS to wait for it"


@dataclass
class ImportRun:
    """Stores photos as their analyses arrive, in small transactions."""

    library: Library
    settings: Settings
    report: ImportReport
    progress: Progress
    again: bool = False
    batch: list[NewPhoto] = field(default_factory=list)
    stored_at: float = field(default_factory=time.monotonic)
    repeats: list[File] = field(default_factory=list)
    """Files with the same content as another one. They wait until that one is stored."""
    rest: deque[File] = field(default_factory=deque)
    frames: dict[str, list[Added]] = field(default_factory=dict)
    """The outcomes of the frames of each incomplete video."""

    def store_all(self, files: Iterable[File], executor: Executor) -> None:
        """Search and store the files. After an error, what was searched so far is stored as well."""
        report_idle_providers(self.settings)
        work = partial(look_at, settings=without_secrets(self.settings), threads=threads_of(executor))
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
        """Store the frames of a piece of a video, and continue with it before any other file."""
        for photo in piece.photos:
            self.add(photo)
        if piece.rest is not None and piece.rest.watched:
            self.rest.append(piece.rest)
            self._tell(frame_path.moment(piece.rest.path, piece.rest.watched.due))

    def _given_up(self, file: File, outcome: WorkerLost | WorkerLate) -> NewPhoto:
        seconds = self.settings.max_photo_seconds
        return self._unread(file, CRASHED if isinstance(outcome, WorkerLost) else TOO_LONG.format(seconds))

    def _new_content(self, files: Iterable[File]) -> Iterator[File]:
        """Yield files with new content. The others are kept for the end, see `repeats`."""
        seen: set[str] = set()
        for file in ahead(files, _hash, lambda file: is_remote(file.path)):
            if file.sha256 in seen or self._known(file):
                self.repeats.append(file)
                continue
            if file.sha256:
                seen.add(file.sha256)
            yield file

    def _is_stored(self, file: File) -> bool:
        """Whether this content is already stored. If so, record the file as another source of it."""
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
        """Store a photo, together with a few others."""
        self.batch.append(photo)
        if len(self.batch) >= BATCH_PHOTOS or time.monotonic() - self.stored_at > BATCH_SECONDS:
            self.flush()
        self._tell(photo.path)

    def flush(self) -> None:
        """Store the waiting photos."""
        batch, self.batch = self.batch, []
        self.stored_at = time.monotonic()
        if batch:
            self._take_over(self._store(batch), {photo.embedder: photo.unit for photo in batch})

    def _store(self, batch: Sequence[NewPhoto]) -> list[Added]:
        outcomes = self.library.photos.add_many(batch, again=self.again)
        self._count(batch, outcomes)
        return outcomes

    def _report_of(self, path: str) -> ImportReport:
        """Return the report in which the file at this path is counted."""
        return self.report

    def _count(self, batch: Sequence[NewPhoto], outcomes: Sequence[Added]) -> None:
        for photo, added in zip(batch, outcomes, strict=True):
            if photo.frame is None:
                self._report_of(photo.path).add(photo, added)
            else:
                self._count_frame(photo, photo.frame, added, self._report_of(photo.frame.video))

    def _count_frame(self, photo: NewPhoto, frame: VideoFrame, added: Added, report: ImportReport) -> None:
        """Count a frame. A video counts as one file."""
        self.frames.setdefault(frame.video, []).append(added)
        report.frames += added.outcome in NEWS
        report.faces += len(photo.faces) if added.outcome in NEWS else 0
        if frame.every:
            best = min(self.frames.pop(frame.video), key=lambda each: OUTCOMES.index(each.outcome))
            report.count(best.outcome)
            if best.error:
                report.failures.append(Failure(frame.video, best.error))

    def _take_over(self, outcomes: Sequence[Added], units: Mapping[str, float]) -> None:
        """Copy decisions to the faces of near copies from the photos that they are copies of."""
        for copies in _in_rounds(outcomes):
            decided = self.library.decisions.of_near_copies(copies, units)
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
    """The files to read; the remaining pieces of videos in progress come first. It may continue after its end."""

    files: Iterator[File]
    rest: deque[File]

    def __next__(self) -> File:
        return self.rest.popleft() if self.rest else next(self.files)


def _in_rounds(outcomes: Sequence[Added]) -> Iterator[list[Added]]:
    """Group the near copies in rounds, so that a copy of a copy is named after the copy."""
    waiting = [added for added in outcomes if added.near_copy is not None]
    while waiting:
        later = {added.photo_id for added in waiting}
        ready = [added for added in waiting if added.near_copy not in later]
        yield ready or waiting
        waiting = [added for added in waiting if added.near_copy in later] if ready else []


def _hash(file: File) -> File:
    try:
        return replace(file, sha256=folders.sha256_of(file.path))
    except UnreadableImage as error:
        return replace(file, error=str(error))
    except OSError as error:
        return replace(file, error=f"the file can't be opened ({error.strerror})")
