"""The import step: photo files -> photos, faces, crops and vectors in the library."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from faceid_core import images
from faceid_core.detection import Detector, make_detector
from faceid_core.embedding import DlibResNet, Embedder, align, make_embedder
from faceid_core.errors import NothingToImport, UnreadableImage
from faceid_core.executors import Executor, InProcess, ProcessPool, WorkerLate, WorkerLost
from faceid_core.library import PROGRAM, Added, Library, NewFace, NewPhoto, PersonDecision
from faceid_core.likeness import looks
from faceid_core.quality import assess
from faceid_core.settings import Settings, usable_cores
from faceid_core.values import DetectedFace, Image, Progress, no_progress
from faceid_core.wording import file_name

BATCH_PHOTOS = 16
"""Photos a transaction: what a crash can lose."""

BATCH_SECONDS = 2.0
"""No photo waits longer than this to be stored, however slow its neighbours are."""

POOL_FROM = 8
"""Fewer photos than this are not worth starting processes for (about a second each). More have at least one of
their own, also on a single core: what a photo does to it, it does not do to the import."""


CROP_EYES_PX = 53
"""Distance of the eyes in an aligned crop of 150 pixels: a face with as much or more in a draft loses nothing."""

CRASHED = "the face search crashed on this photo twice"
TOO_LONG = "it took longer than {:g} seconds; raise FACEID_MAX_PHOTO_SECONDS to wait for it"
BAD_NAME = "its name, or that of its folder, is not valid UTF-8; rename it"


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be imported, with its plain reason."""

    path: str
    reason: str


@dataclass(slots=True)
class ImportReport:
    """What an import did, in photos; every file found is counted in exactly one of the five outcomes.

    renewed: known photos that were searched anew, as the file was edited, turned or moved, or as it was asked for.
    """

    photos: int = 0
    imported: int = 0
    duplicates: int = 0
    unchanged: int = 0
    renewed: int = 0
    failed: int = 0
    faces: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)

    @property
    def done(self) -> int:
        return self.imported + self.duplicates + self.unchanged + self.renewed + self.failed

    def add(self, photo: NewPhoto, outcome: str) -> None:
        """Count a photo by what became of it, see library.Added."""
        if outcome == "duplicate":
            self.duplicates += 1
        elif outcome == "unchanged":
            self.unchanged += 1
        elif photo.error:
            self.failed += 1
            self.failures.append(Failure(photo.path, photo.error))
        else:
            self.renewed += outcome == "renewed"
            self.imported += outcome == "imported"
            self.faces += len(photo.faces)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    size_bytes: int
    modified_ns: int
    sha256: str | None = None
    error: str | None = None


def import_photos(
    library: Library,
    paths: Iterable[str | Path],
    *,
    again: bool = False,
    progress: Progress = no_progress,
    executor: Executor | None = None,
) -> ImportReport:
    """Import every photo under `paths`; files that the library knows unchanged are skipped without reading them.

    again: search known photos anew, too, as after a change of the detector; names stay with their faces.
    Raises PathNotFound, NothingToImport, LibraryError; JobCancelled from `progress`, after storing what is done.
    """
    started = time.monotonic()
    found = photos_under(paths)
    report = ImportReport(photos=len(found))
    files = [_stat(path) for path in _well_named(found, report)]
    fresh = files if again else _skip_unchanged(library, files, report)
    run = _ImportRun(library, report, progress, again)
    try:
        run.store_all(fresh, executor or _executor(library.settings, len(fresh)))
    finally:
        report.seconds = time.monotonic() - started
    return report


def photos_under(paths: Iterable[str | Path]) -> list[Path]:
    """The photo files under files and folders. Raises PathNotFound, NothingToImport."""
    roots = [Path(path) for path in paths]
    found = list(images.walk(roots))
    if not found:
        where = roots[0] if len(roots) == 1 else "these folders"
        raise NothingToImport(
            f"There is no photo in {where}; choose a folder with JPEG, PNG, HEIC or similar files."
        )
    return found


def analyse(file: _File, *, settings: Settings, threads: int | None = None) -> NewPhoto:
    """Read one photo, find its faces and embed them. A photo that can't be read comes back with `error` set."""
    if file.error:
        return _unread(file, settings, file.error)
    try:
        photograph = images.read(
            file.path, max_megapixels=settings.max_megapixels, enough_px=settings.detection_side_px
        )
        detector, embedder = _networks(settings.model_dump_json(), threads)
        faces = _faces(file, photograph, detector, embedder, settings)
    except UnreadableImage as error:
        return _unread(file, settings, str(error))
    return replace(
        _unread(file, settings),
        width=photograph.width,
        height=photograph.height,
        taken_at=photograph.taken_at,
        detector=detector.name,
        embedder=embedder.name,
        faces=faces,
        looks=looks(photograph.pixels),
    )


def _faces(
    file: _File, photo: images.Photograph, detector: Detector, embedder: Embedder, settings: Settings
) -> tuple[NewFace, ...]:
    """The faces of a photo. Those of a draft are cut from the whole photo where the draft would blur one."""
    found, factor = detector.detect(photo.pixels), photo.drafted
    if factor == 1 or all(_eyes_px(face) >= CROP_EYES_PX for face in found):
        return _described(photo.pixels, found, embedder, factor)
    pixels = images.read(file.path, max_megapixels=settings.max_megapixels).pixels
    boxes = [face.box.scaled(factor) for face in found]
    exact = [
        DetectedFace(box, face.score, detector.landmarks(pixels, box))
        for box, face in zip(boxes, found, strict=True)
    ]
    return _described(pixels, exact, embedder)


def _eyes_px(face: DetectedFace) -> float:
    """Distance of the eyes' centres."""
    one, other = face.landmarks[0:2].mean(axis=0), face.landmarks[2:4].mean(axis=0)
    return float(((one - other) ** 2).sum() ** 0.5)


def find_faces(pixels: Image, detector: Detector, embedder: Embedder) -> tuple[NewFace, ...]:
    """The faces of an upright photo (H, W, 3), each with quality, aligned crop and vector."""
    return _described(pixels, detector.detect(pixels), embedder)


def _described(
    pixels: Image, found: Sequence[DetectedFace], embedder: Embedder, factor: float = 1.0
) -> tuple[NewFace, ...]:
    """Faces found in pixels (H, W, 3) of a photo that is `factor` times as large."""
    import numpy as np

    if not found:
        return ()
    crops = np.stack([align(pixels, face.landmarks) for face in found])
    own = crops if isinstance(embedder, DlibResNet) else [embedder.align(pixels, face.landmarks) for face in found]
    vectors = embedder.embed(np.asarray(own))
    faces = [
        DetectedFace(face.box.scaled(factor), face.score, face.landmarks * np.float32(factor)) for face in found
    ]
    return tuple(
        NewFace(face=face, quality=assess(pixels, face, crop), crop=images.encode_jpeg(crop), vector=vector)
        for face, crop, vector in zip(faces, crops, vectors, strict=True)
    )


@dataclass
class _ImportRun:
    """Stores photos as their analyses arrive, in small transactions."""

    library: Library
    report: ImportReport
    progress: Progress
    again: bool = False
    batch: list[NewPhoto] = field(default_factory=list)
    stored_at: float = field(default_factory=time.monotonic)
    twins: list[_File] = field(default_factory=list)

    def store_all(self, files: Sequence[_File], executor: Executor) -> None:
        # Processes share the cores; alone, one has them all.
        threads = max(usable_cores() // executor.workers, 1) if isinstance(executor, ProcessPool) else None
        work = partial(analyse, settings=self.library.settings, threads=threads)
        self._tell()
        try:
            for file, photo in executor.run(work, self._new_content(files)):
                self.add(photo if isinstance(photo, NewPhoto) else self._given_up(file, photo))
            self.flush()
            for file in self.twins:
                self.add(self._unread(file) if self._stored(file) else work(file))
        finally:
            self.flush()

    def _given_up(self, file: _File, outcome: WorkerLost | WorkerLate) -> NewPhoto:
        seconds = self.library.settings.max_photo_seconds
        return self._unread(file, CRASHED if isinstance(outcome, WorkerLost) else TOO_LONG.format(seconds))

    def _new_content(self, files: Sequence[_File]) -> Iterator[_File]:
        """Files whose content is new. The others are kept for the end, when their twin is surely stored."""
        seen: set[str] = set()
        for file in map(_hash, files):
            if file.sha256 in seen or self._known(file):
                self.twins.append(file)
                continue
            if file.sha256:
                seen.add(file.sha256)
            yield file

    def _known(self, file: _File) -> bool:
        return not self.again and self._stored(file)

    def _stored(self, file: _File) -> bool:
        return file.sha256 is not None and self.library.photos.knows(file.sha256)

    def _unread(self, file: _File, error: str | None = None) -> NewPhoto:
        return _unread(file, self.library.settings, error)

    def add(self, photo: NewPhoto) -> None:
        self.batch.append(photo)
        if len(self.batch) >= BATCH_PHOTOS or time.monotonic() - self.stored_at > BATCH_SECONDS:
            self.flush()
        self._tell(photo)

    def flush(self) -> None:
        batch, self.batch = self.batch, []
        self.stored_at = time.monotonic()
        outcomes = self.library.photos.add_many(batch, again=self.again)
        self._take_over(outcomes)
        for photo, added in zip(batch, outcomes, strict=True):
            self.report.add(photo, added.outcome)

    def _take_over(self, outcomes: Sequence[Added]) -> None:
        """The faces of a copy get the names of the photo that looks the same."""
        decided = self.library.decisions.of_twins(outcomes)
        if decided:
            names = dict.fromkeys(name for _, said in decided for name in (said.person, *said.not_people) if name)
            self.library.decisions.take_over([PersonDecision(name) for name in names], decided, actor=PROGRAM)

    def _tell(self, photo: NewPhoto | None = None) -> None:
        report = self.report
        self.progress(
            report.done + len(self.batch), report.photos, Path(photo.path).name if photo else "Looking for faces"
        )


def _executor(settings: Settings, photos: int) -> Executor:
    workers = min(settings.worker_count, photos)
    if photos < POOL_FROM:
        return InProcess()
    return ProcessPool(workers, limit_s=settings.max_photo_seconds)


def _well_named(paths: Iterable[Path], report: ImportReport) -> Iterator[Path]:
    """The paths that can be stored. Names on a disk are bytes; those that are no text go to the report at once."""
    for path in map(Path.resolve, paths):
        name = file_name(path)
        if name == str(path):
            yield path
        else:
            report.failed += 1
            report.failures.append(Failure(name, BAD_NAME))


def _stat(path: Path) -> _File:
    try:
        stat = path.stat()
    except OSError:  # gone since we looked: reading it will say so
        return _File(path, 0, 0)
    return _File(path, stat.st_size, stat.st_mtime_ns)


def _hash(file: _File) -> _File:
    try:
        return replace(file, sha256=images.sha256_of(file.path))
    except UnreadableImage as error:
        return replace(file, error=str(error))
    except OSError as error:
        return replace(file, error=f"the file can't be opened ({error.strerror})")


def _skip_unchanged(library: Library, files: Sequence[_File], report: ImportReport) -> list[_File]:
    known = library.photos.unchanged({str(file.path): (file.size_bytes, file.modified_ns) for file in files})
    fresh = [file for file in files if str(file.path) not in known]
    report.unchanged = len(files) - len(fresh)
    return fresh


def _unread(file: _File, settings: Settings, error: str | None = None) -> NewPhoto:
    """What is known of a photo before it is read."""
    return NewPhoto(
        path=str(file.path),
        sha256=file.sha256,
        width=0,
        height=0,
        taken_at=None,
        error=error,
        size_bytes=file.size_bytes,
        modified_ns=file.modified_ns,
        detector=settings.detector,
        embedder="",
        faces=(),
    )


@cache
def _networks(settings_json: str, threads: int | None) -> tuple[Detector, Embedder]:
    """One detector and embedder a process and setting: loading them takes longer than a photo."""
    settings = Settings.model_validate_json(settings_json)
    if threads is not None:  # a worker: resizing, too, keeps to its share of the cores
        import cv2

        cv2.setNumThreads(threads)
    return make_detector(settings, threads=threads), make_embedder(settings, threads=threads)
