"""The step that writes the names of a library into XMP sidecars beside its photos, or into the photos."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from faceid_core import frame_path
from faceid_core.atomic import PRIVATE_FOLDER, replaced
from faceid_core.errors import BadInput, DiskFull, NotWritable, SidecarUnusable
from faceid_core.exchange import exiftool
from faceid_core.exchange.face_regions import NamedRegion, same_shape
from faceid_core.exchange.name_packet import TEXT_FIELDS, Entry, Merged, merge
from faceid_core.exchange.sidecar_place import Places
from faceid_core.library import FileBefore, Library, PhotoQuery, PhotoToName
from faceid_core.media import folders as media_folders
from faceid_core.media import images, xmp
from faceid_core.remote import is_remote
from faceid_core.values import Box, Progress, Role, no_progress
from faceid_core.wording import count

BATCH = 64
"""Files whose former bytes are kept in one transaction, before the first of them is changed."""

CHANGED = "it was changed since its import; import it again first"
ELSEWHERE = "names are only written to photos on this machine"
MEANWHILE = "another program changed it meanwhile; write the names again"


@dataclass(frozen=True, slots=True)
class FileProblem:
    """A file or name that was left alone, and why, as a clause. name is "" for a whole file."""

    path: str
    reason: str
    name: str = ""


@dataclass(slots=True)
class NamesWritten:
    """What a writing did, or with `dry_run` would do. photos: looked at; files: changed; added, removed: names;
    unchanged: files that had all names; missing: photos that are not where they were; run: its number, to be
    undone, None where nothing was changed."""

    photos: int = 0
    files: int = 0
    added: int = 0
    removed: int = 0
    unchanged: int = 0
    missing: int = 0
    dry_run: bool = False
    run: int | None = None
    paths: list[str] = field(default_factory=list)
    conflicts: list[FileProblem] = field(default_factory=list)
    failures: list[FileProblem] = field(default_factory=list)

    def in_words(self) -> str:
        """
        >>> NamesWritten(files=2, added=3, removed=1).in_words()
        '2 files changed: 3 names added, 1 name removed'
        """
        would = "would be changed" if self.dry_run else "changed"
        names = [f"{count(number, 'name')} {what}" for number, what in
                 ((self.added, "added"), (self.removed, "removed")) if number]  # fmt: skip
        parts = [f"{count(self.files, 'file')} {would}{': ' if names else ''}{', '.join(names)}"
                 if self.files else "No file needs a change"]  # fmt: skip
        if self.conflicts:
            parts.append(f"{count(len(self.conflicts), 'name')} left out, as the file says otherwise")
        if self.failures:
            parts.append(f"{count(len(self.failures), 'file')} left alone")
        if self.missing:
            parts.append(
                f"{count(self.missing, 'photo')} not where {'it was' if self.missing == 1 else 'they were'}"
            )
        return "; ".join(parts)

    def counts(self) -> dict[str, Any]:
        """The report as plain values, without names and paths: for the result of a job."""
        plain = {name: value for name, value in asdict(self).items() if not isinstance(value, list)}
        return {**plain, "conflicts": len(self.conflicts), "failures": len(self.failures)}

    def as_dict(self) -> dict[str, Any]:
        """The whole report as plain values for JSON."""
        return asdict(self)


@dataclass(slots=True)
class _Planned:
    """A file to be changed. state: its size and time when it was read, None where there was none."""

    photo: PhotoToName
    path: Path
    before: bytes | None
    merged: Merged
    state: tuple[int, int] | None


def write_names(
    library: Library,
    folders: Sequence[Path | str] = (),
    *,
    embed: bool = False,
    dry_run: bool = False,
    photos: PhotoQuery | None = None,
    progress: Progress = no_progress,
) -> NamesWritten:
    """Bring the sidecars of the photos in these folders (default: of all) to hold the library's names.

    What other programs wrote stays; names go only where faceid had written them. embed: into the photos instead,
    with ExifTool, after a copy. dry_run: change nothing. photos: only those that this asks for.

    Raises NotAllowed for all but owners, ExifToolMissing; JobCancelled from `progress` and DiskFull, and then what
    was written stays and can be undone.
    """
    library.actor.require(Role.OWNER)
    if embed:
        exiftool.version()
    writing = _Writing(library, embed=embed, dry_run=dry_run)
    roots = [str(Path(folder).expanduser().absolute()) for folder in folders]
    roots += [os.path.realpath(root) for root in roots]
    asked = None if photos is None else set(library.photos.ids(photos))
    found = [photo for photo in library.written_names.photos() if _is_wanted(photo.path, roots)]
    found = [photo for photo in found if asked is None or photo.photo_id in asked]
    for start in range(0, len(found), BATCH):
        progress(start, len(found), "Writing names")
        writing.batch(found[start : start + BATCH])
    progress(len(found), len(found), "Names written")
    return writing.done


def _is_wanted(path: str, roots: Sequence[str]) -> bool:
    if frame_path.split(path)[1] is not None:  # a picture of a video
        return False
    return not roots or any(path == root or path.startswith(root.rstrip(os.sep) + os.sep) for root in roots)


class _Writing:
    """One run over the photos."""

    def __init__(self, library: Library, *, embed: bool, dry_run: bool) -> None:
        self._library, self._embed = library, embed
        self._places, self._run, self._entries = Places(), 0, library.written_names.entries()
        lists = library.settings.name_lists
        self._fields = [*TEXT_FIELDS] if lists == "both" else [name for name in TEXT_FIELDS if name == lists]
        self.done = NamesWritten(dry_run=dry_run)

    def batch(self, photos: Sequence[PhotoToName]) -> None:
        planned = [plan for photo in photos if (plan := self._plan(photo)) is not None]
        if self.done.dry_run:
            for plan in planned:
                self._count(plan)
        elif planned:
            self._carry_out(planned)

    # --- what to do ---------------------------------------------------------------------------------------------
    def _plan(self, photo: PhotoToName) -> _Planned | None:
        """The change of one file; None where there is none, which is counted."""
        self.done.photos += 1
        path = Path(photo.path)
        if is_remote(photo.path):
            self.done.failures.append(FileProblem(photo.path, ELSEWHERE))
            return None
        if not path.is_file():
            self.done.missing += 1
            return None
        target = path if self._embed else self._places.of(path)
        try:
            return self._planned(photo, path, target)
        except BadInput as error:
            self.done.failures.append(FileProblem(str(target), str(error)))
        except OSError as error:
            self.done.failures.append(FileProblem(str(target), f"it can't be read ({error.strerror})"))
        return None

    def _planned(self, photo: PhotoToName, path: Path, target: Path) -> _Planned | None:
        state = _state(target)
        described = images.described(path)
        size = (described.width, described.height)
        upright_size = size[::-1] if described.orientation >= 5 else size
        if not _as_imported(path, photo) or not same_shape(upright_size, (photo.width, photo.height)):
            raise NotWritable(CHANGED)
        if self._embed:
            before = described.packet or None
            if before and b"HasExtendedXMP" in before:
                raise SidecarUnusable("its XMP is in several parts, which faceid does not write")
        else:
            before = None if state is None else xmp.load(target)
        ours = [Entry(form, name, tuple(box)) for form, name, box in self._entries.get(str(target), [])]
        wanted = [NamedRegion(name, _shares(box, photo)) for name, box in photo.names]
        regions = [each for each in wanted if each.box.area > 0]
        merged = merge(before, regions, described, ours, self._fields, photo.without_face)
        self.done.conflicts += [FileProblem(str(target), each.reason, each.name) for each in merged.conflicts]
        if merged.packet == (before or b""):
            self.done.unchanged += 1
            return None
        return _Planned(photo, target, before, merged, state)

    # --- doing it -----------------------------------------------------------------------------------------------
    def _carry_out(self, planned: Sequence[_Planned]) -> None:
        """First the record, then the files: after a crash the hashes tell which were changed."""
        written = self._library.written_names
        self._run = self._run or written.begin()
        ready = list(self._ready(planned))
        ids = written.about_to_change(self._run, [file for _, file, _ in ready])
        untouched: list[int] = []
        try:
            for number, (plan, file, copy) in zip(ids, ready, strict=True):
                if not self._write(plan, file, copy):
                    untouched.append(number)
        finally:
            for *_, copy in ready:
                if copy is not None:
                    copy.unlink(missing_ok=True)
            written.forget(untouched)
        if not self.done.files:
            self._run = 0  # it was undone with its last file
        self.done.run = self._run or None

    def _ready(self, planned: Sequence[_Planned]) -> Iterator[tuple[_Planned, FileBefore, Path | None]]:
        """Each plan with what is to be remembered; of a photo also the copy that will take its place."""
        for plan in planned:
            entries = [[entry.form, entry.name, [*entry.box]] for entry in plan.merged.entries]
            where = plan.photo.photo_id, plan.photo.path, str(plan.path)
            if not self._embed:
                former = None if plan.before is None else hashed(plan.before)
                yield plan, FileBefore(*where, plan.before, former, hashed(plan.merged.packet), entries), None
                continue
            try:
                copy = self._prepared(plan)
            except (NotWritable, OSError) as error:
                self._failed(plan, error)
                continue
            former, after = media_folders.sha256_of(plan.path), media_folders.sha256_of(copy)
            yield plan, FileBefore(*where, None, former, after, entries), copy

    def _prepared(self, plan: _Planned) -> Path:
        """The photo, or the one that a link leads to, is copied into the library, and written beside itself."""
        kept = original(self._library, self._run, plan.photo)
        kept.parent.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
        shutil.copy2(plan.path, kept)
        copy = (photo := plan.path.resolve()).with_name(f".{photo.stem}.faceid{photo.suffix}")
        copy.unlink(missing_ok=True)
        exiftool.write_with_packet(photo, plan.merged.packet, copy)
        return copy

    def _write(self, plan: _Planned, file: FileBefore, copy: Path | None) -> bool:
        """Whether the file was changed; where it was not, that is noted. Raises DiskFull."""
        try:
            if _state(plan.path) != plan.state:
                self.done.conflicts.append(FileProblem(str(plan.path), MEANWHILE))
                return False
            if copy is not None:
                shutil.copymode(plan.path, copy)
                copy.replace(plan.path.resolve())
                size, modified = _state(plan.path) or (0, 0)
                self._library.written_names.photo_rewritten(file, file.after_sha256, size, modified)
            else:
                put(plan.path, plan.merged.packet)
        except OSError as error:
            self._failed(plan, error)
            return False
        self._entries[str(plan.path)] = file.entries
        self._count(plan)
        return True

    def _failed(self, plan: _Planned, error: Exception) -> None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                f"The disk is full; names were written into {count(self.done.files, 'file')}. Free some space and "
                "write them again."
            ) from error
        reason = f"it can't be written ({error.strerror})" if isinstance(error, OSError) else str(error)
        self.done.failures.append(FileProblem(str(plan.path), reason))

    def _count(self, plan: _Planned) -> None:
        self.done.files += 1
        self.done.paths.append(str(plan.path))
        self.done.added += plan.merged.added
        self.done.removed += plan.merged.removed


def put(path: Path, content: bytes) -> None:
    """Replace a file, or the one that a link leads to, as a whole; who may read it stays as it was."""
    target = path.resolve()
    with replaced(target) as partial:
        partial.write_bytes(content)
        with suppress(FileNotFoundError):
            shutil.copymode(target, partial)


def hashed(content: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(content).hexdigest()


def original(library: Library, run_id: int, photo: PhotoToName | FileBefore) -> Path:
    """Where the copy of a photo lies into which a run wrote names."""
    return (
        library.settings.originals_folder / str(run_id) / f"{photo.photo_id}.{hashed(_path(photo).encode())[:12]}"
    )


def _path(photo: PhotoToName | FileBefore) -> str:
    return photo.path if isinstance(photo, PhotoToName) else photo.photo


def _state(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns


def _as_imported(path: Path, photo: PhotoToName) -> bool:
    return _state(path) == (photo.size_bytes, photo.modified_ns) or media_folders.sha256_of(path) == photo.sha256


def _shares(box: Box, photo: PhotoToName) -> Box:
    """Of the picture's sides, without what is outside."""
    left, right = (min(max(edge / photo.width, 0.0), 1.0) for edge in (box.left, box.right))
    top, bottom = (min(max(edge / photo.height, 0.0), 1.0) for edge in (box.top, box.bottom))
    return Box(left, top, right, bottom)


# --- undoing ----------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class NamesUndone:
    """What became of the files of a run. restored: have their former bytes; conflicts: were changed since, or their
    former bytes are gone, and were left alone."""

    restored: int = 0
    conflicts: list[FileProblem] = field(default_factory=list)

    def in_words(self) -> str:
        """
        >>> NamesUndone(3).in_words()
        '3 files restored'
        """
        text = f"{count(self.restored, 'file')} restored"
        return f"{text}; {count(len(self.conflicts), 'file')} left alone" if self.conflicts else text

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        return asdict(self)


def undo_writing(library: Library, run_id: int | None = None, *, progress: Progress = no_progress) -> NamesUndone:
    """Give every file of a run, by default of the latest, its former bytes. Files that were changed since are left
    alone. Raises NotAllowed for all but owners, NotFound, JobCancelled from `progress`; then the rest can be undone
    by another call."""
    library.actor.require(Role.OWNER)
    done, restored = NamesUndone(), []
    run, files = library.written_names.files(run_id)
    try:
        for number, file in enumerate(files):
            progress(number, len(files), "Restoring files")
            try:
                problem = _restore(library, run, file)
            except OSError as error:
                problem = f"it can't be written ({error.strerror})"
            if problem:
                done.conflicts.append(FileProblem(file.path, problem))
            else:
                restored.append(file.id)
    finally:
        library.written_names.forget(restored)
        done.restored = len(restored)
    return done


def _restore(library: Library, run: int, file: FileBefore) -> str:
    """Why it was left alone, "" where it was not."""
    path = Path(file.path)
    now = media_folders.sha256_of(path) if path.is_file() else None
    if now == file.before_sha256:
        return ""
    if now != file.after_sha256:
        return "it was changed since"
    copy = original(library, run, file)
    if file.before_sha256 is None:
        path.unlink()
    elif file.path == file.photo and copy.is_file():
        with replaced(path.resolve()) as partial:
            shutil.copy2(copy, partial)
        size, modified = _state(path) or (0, 0)
        library.written_names.photo_rewritten(file, file.before_sha256, size, modified)
        copy.unlink()
    elif file.before is not None:
        put(path, file.before)
    else:
        return "what it was before was erased"
    return ""
