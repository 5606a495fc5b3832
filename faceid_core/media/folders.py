"""Finds photos and videos on disk, and hashes their content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from faceid_core.errors import NothingToImport, PathNotFound
from faceid_core.media import left_out, source
from faceid_core.media.formats import SUFFIXES, VIDEO_SUFFIXES
from faceid_core.media.left_out import Leave, LeftOuts, Patterns
from faceid_core.remote import Entry, RemotePath, denied, entries, is_remote, place


def sha256_of(path: Path | str) -> str:
    """Return the hexadecimal SHA-256 of a file. Raises UnreadableImage if it can't be read."""
    with source.opened(place(path)) as file:
        try:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
        except OSError as error:
            raise source.unreachable(error) from error


def absolute(path: Path | str) -> Path:
    """Return the absolute path without resolving links: users look for their photos where they put them."""
    if is_remote(path):
        return place(path)
    return Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100 - Path.resolve follows links


def _nobody(path: Path, reason: str) -> None:
    """Ignore what is left out."""


def walk(
    paths: Iterable[Path | str], *, videos: bool = False, exclude: Sequence[str] = (), leave: Leave = _nobody
) -> Iterator[Path]:
    """Yield the photos under files and folders: each once, sorted within a folder, without hidden files and
    folders.

    In folders, files match by SUFFIXES and, for videos, VIDEO_SUFFIXES; files given explicitly always match. Links
    to folders are not followed. For what else is left out, see media.left_out. exclude: .gitignore patterns,
    relative to each folder. leave: called with each path that is left out, and the reason.
    Raises PathNotFound immediately, not on the first iteration.
    """
    roots = [_checked(place(path)) for path in paths]
    search = _Search(SUFFIXES | VIDEO_SUFFIXES if videos else SUFFIXES, exclude, leave)
    return _once(search.under(root) if root.is_dir() else iter([root]) for root in roots)


def nothing_in(where: object, left: LeftOuts) -> NothingToImport:
    """Return the error for folders without photos, with what was left out."""
    sentence = f"There is no photo in {where}; choose a folder with JPEG, PNG, HEIC or similar files."
    return NothingToImport(f"{sentence} Left out: {', '.join(map(str, left.values()))}." if left else sentence)


def _checked(root: Path) -> Path:
    """Check that a file or folder is accessible. Raises PathNotFound, RemoteUnusable."""
    if isinstance(root, RemotePath):
        return _checked_elsewhere(root)
    try:
        root.stat()
        if root.is_dir():
            os.scandir(root).close()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PathNotFound(f"There is no file or folder {root}; check the path.") from error
    except PermissionError as error:
        raise PathNotFound(f"{root} {left_out.DENIED.removeprefix('what ')}.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PathNotFound(f"{root} can't be opened ({reason[:1].lower()}{reason[1:]}); check the path.") from error
    return root


def _checked_elsewhere(root: RemotePath) -> RemotePath:
    try:
        if root.is_dir():
            next(entries(root), None)
        else:
            root.stat()
    except FileNotFoundError as error:
        raise PathNotFound(f"There is nothing at {root}; check the bucket's name and the path.") from error
    except PermissionError:
        raise denied(root) from None
    return root


_Entry = os.DirEntry[str] | Entry


def _listed(folder: Path) -> list[_Entry]:
    """List a folder, by name. Raises OSError, RemoteUnusable."""
    if isinstance(folder, RemotePath):
        return sorted(entries(folder), key=lambda entry: entry.name)
    with os.scandir(folder) as found:
        return sorted(found, key=lambda entry: entry.name)


def _at(folder: Path, entry: _Entry) -> Path:
    return entry.path if isinstance(entry, Entry) else folder / entry.name


def _once(found: Iterable[Iterator[Path]]) -> Iterator[Path]:
    seen: set[Path] = set()
    for path in (path for files in found for path in files):
        key = path.absolute()
        if key not in seen:
            seen.add(key)
            yield path


@dataclass(frozen=True, slots=True)
class _Search:
    suffixes: frozenset[str]
    exclude: Sequence[str]
    leave: Leave

    def under(self, root: Path) -> Iterator[Path]:
        """Search a folder. It is searched whatever its name, but its subfolders must not be excluded."""
        return self._in(root, [left_out.patterns(root, self.exclude)], is_named=True)

    def _in(self, folder: Path, patterns: list[Patterns], *, is_named: bool = False) -> Iterator[Path]:
        try:
            found = self._usable(folder, _listed(folder))
        except OSError as error:
            self.leave(folder, left_out.unreadable(error))
            return
        names = [entry.name for entry in found]
        if not is_named and (reason := left_out.why_not_marked(folder, names)):
            self.leave(folder, reason)
            return
        patterns = [*patterns, *left_out.written_patterns(folder, names)]
        folders = [entry for entry in found if _is_folder(entry)]
        yield from self._files(folder, [entry for entry in found if entry not in folders], patterns)
        for entry in folders:
            if self._is_wanted(_at(folder, entry), entry, patterns):
                yield from self._in(_at(folder, entry), patterns)

    def _usable(self, folder: Path, found: list[_Entry]) -> list[_Entry]:
        """Return the entries with names that can be part of a path."""
        for _ in (entry for entry in found if isinstance(entry, Entry) and entry.is_odd):
            self.leave(folder, left_out.ODD)
        return [entry for entry in found if not (isinstance(entry, Entry) and entry.is_odd)]

    def _files(self, folder: Path, found: list[_Entry], patterns: list[Patterns]) -> Iterator[Path]:
        siblings = frozenset(entry.name.lower() for entry in found)
        for entry in found:
            path = _at(folder, entry)
            reason = left_out.why_not_file(path, siblings, self.suffixes)
            if _leads_nowhere(entry) and (reason is None or _may_be_folder(path)):
                reason = left_out.BROKEN
            if reason in (None, left_out.BROKEN) and any(each.match(path, is_folder=False) for each in patterns):
                reason = left_out.IGNORED
            if reason:
                self.leave(path, reason)
            elif reason is None and _is_file(entry):
                yield path

    def _is_wanted(self, folder: Path, entry: _Entry, patterns: list[Patterns]) -> bool:
        reason = left_out.why_not_folder(folder)
        if reason is None and entry.is_symlink():
            reason = left_out.LINK
        if reason is None and any(each.match(folder, is_folder=True) for each in patterns):
            reason = left_out.IGNORED
        if reason:
            self.leave(folder, reason)
        return reason is None


def _is_folder(entry: _Entry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # if it can't be checked, treat it as a file: reading it will report why
        return False


def _leads_nowhere(entry: _Entry) -> bool:
    try:
        return entry.is_symlink() and not entry.is_file() and not entry.is_dir()
    except OSError:
        return False


def _may_be_folder(path: Path) -> bool:
    return not path.suffix and not path.name.startswith(".")


def _is_file(entry: _Entry) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return True
