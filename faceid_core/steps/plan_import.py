"""What an import of a large folder will do, before it does it: by names, sizes and times alone, no file is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faceid_core.importing.finding import photos_under
from faceid_core.library import Library
from faceid_core.media.formats import VIDEO_SUFFIXES
from faceid_core.values import JobState, Role

ASK_FROM = 1000
"""Files from which somebody wants to know first; fewer are done in minutes."""

JOBS_LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """Files by what becomes of them. new: not known, with moved and videos among them; known: as they were then;
    changed: imported, but other since. moved: as large as a photo that is gone. bytes: of the new and changed ones.
    seconds: at the pace of the last import; None before the first."""

    new: int
    known: int
    changed: int
    moved: int
    videos: int
    bytes: int
    left_out: int
    seconds: float | None

    @property
    def files(self) -> int:
        """All that were found."""
        return self.new + self.known + self.changed

    @property
    def is_large(self) -> bool:
        """Whether to ask before it is started."""
        return self.new + self.changed > ASK_FROM


def plan_import(library: Library, paths: Sequence[Path], *, videos: bool = False) -> ImportPlan:
    """Look at the files under these paths. Raises PathNotFound, NothingToImport, NotAllowed."""
    library.actor.require(Role.OWNER)
    found = photos_under(paths, videos=videos)
    states = {str(path): state for path in found.files if (state := _state(path)) is not None}
    unchanged = library.photos.unchanged(states)
    changed = library.photos.at([path for path in states if path not in unchanged])
    new = {path: size for path, (size, _) in states.items() if path not in unchanged and path not in changed}
    work = sum(new.values()) + sum(states[path][0] for path in changed)
    pace = _seconds_a_photo(library)
    return ImportPlan(
        new=len(new),
        known=len(unchanged),
        changed=len(changed),
        moved=_moved(library, list(new.values())),
        videos=sum(Path(path).suffix.lower() in VIDEO_SUFFIXES for path in new),
        bytes=work,
        left_out=len(found.left_out),
        seconds=None if pace is None else pace * (len(new) + len(changed)),
    )


def _state(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:  # the import will say so
        return None
    return found.st_size, found.st_mtime_ns


def _moved(library: Library, sizes: Sequence[int]) -> int:
    """How many new files are as large as a photo whose own files are gone, each of these once."""
    missing = library.photos.fingerprints([photo.id for photo in library.photos.missing()])
    left = [known for _, known in missing.values()]
    moved = 0
    for size in sizes:
        match = next((known for known in left if size in known), None)
        if match is not None:
            left.remove(match)
            moved += 1
    return moved


def _seconds_a_photo(library: Library) -> float | None:
    """Of the newest import that searched some photos for faces."""
    for job in library.jobs.recent(JOBS_LOOKED_AT):
        searched = int(job.result.get("imported", 0)) + int(job.result.get("renewed", 0))
        if job.kind == "import" and job.state == JobState.DONE and searched:
            return float(job.result.get("seconds", 0.0)) / searched
    return None
