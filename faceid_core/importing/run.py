"""The import step: photo files -> photos, faces, crops and vectors in the library."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from faceid_core.executors.executor import Executor
from faceid_core.importing.finding import Found, photos_under
from faceid_core.importing.report import Failure, ImportReport
from faceid_core.importing.searching import executor_for
from faceid_core.importing.storing import ImportRun
from faceid_core.importing.work import File
from faceid_core.library import Library
from faceid_core.media import folders
from faceid_core.settings import Settings, SmallestFace
from faceid_core.values import Progress, Role, no_progress
from faceid_core.wording import file_name

BAD_NAME = "its name, or that of its folder, is not valid UTF-8; rename it"


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
    """Import every photo under `paths`. Known, unchanged files are skipped without reading them.

    again: search known photos again, for example after a change of the detector; faces keep their names.
    video_seconds, smallest_face: override the settings; 0 seconds skips videos. exclude: see folders.walk.
    A photo whose file no longer exists is pointed to another file with the same content, if one is found.
    Raises NotAllowed for all but owners, PathNotFound, NothingToImport, LibraryError, and JobCancelled from
    `progress`, after storing what is done.
    """
    started = time.monotonic()
    planned = plan(
        library, paths, again=again, video_seconds=video_seconds, smallest_face=smallest_face, exclude=exclude
    )
    report = planned.report
    run = ImportRun(library, planned.settings, report, progress, again)
    try:
        run.store_all(planned.fresh, executor or executor_for(planned.settings, len(planned.fresh)))
        library.photos.follow([str(file.path) for file in planned.files])
        library.models.forget_gone_faces()
    finally:
        report.seconds = time.monotonic() - started
    return report


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan of an import. files: all files found; fresh: those to read. report: the outcomes known already."""

    settings: Settings
    files: list[File]
    fresh: list[File]
    report: ImportReport


def plan(
    library: Library,
    paths: Iterable[str | Path] | Found,
    *,
    again: bool = False,
    video_seconds: float | None = None,
    smallest_face: SmallestFace | None = None,
    exclude: Sequence[str] = (),
) -> Planned:
    """Find the files of an import without reading or storing any. Parameters and errors are as in import_photos."""
    library.actor.require(Role.OWNER)  # before any path of this machine is looked at
    settings = settings_for(library.settings, video_seconds, smallest_face)
    if not isinstance(paths, Found):
        paths = photos_under(paths, videos=settings.video_seconds > 0, exclude=exclude)
    report = ImportReport(photos=len(paths.files), left_out=paths.left_out)
    files = [stat(path) for path in _well_named(paths.files, report)]
    return Planned(settings, files, files if again else _skip_unchanged(library, files, report), report)


def settings_for(settings: Settings, video_seconds: float | None, smallest_face: SmallestFace | None) -> Settings:
    """Return the settings with the overrides of an import."""
    wanted = {"video_seconds": video_seconds, "smallest_face": smallest_face}
    return settings.model_copy(update={name: value for name, value in wanted.items() if value is not None})


def _well_named(paths: Iterable[Path], report: ImportReport) -> Iterator[Path]:
    """Yield the paths that can be stored, as given: links keep their own names. File names are bytes; those that
    are not valid text are reported as failures."""
    for path in map(folders.absolute, paths):
        name = file_name(path)
        if name == str(path):
            yield path
        else:
            report.failed += 1
            report.failures.append(Failure(name, BAD_NAME))


def stat(path: Path) -> File:
    """Return the file with its current size and time."""
    try:
        stat = path.stat()
    except OSError:  # deleted since the listing: reading it will report that
        return File(path, 0, 0)
    return File(path, stat.st_size, stat.st_mtime_ns)


def _skip_unchanged(library: Library, files: Sequence[File], report: ImportReport) -> list[File]:
    known = library.photos.unchanged({str(file.path): (file.size_bytes, file.modified_ns) for file in files})
    fresh = [file for file in files if str(file.path) not in known]
    report.unchanged = len(files) - len(fresh)
    return fresh
