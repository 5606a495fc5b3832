"""What an import leaves out, and why: folders of programs and storage systems, ignored paths, other file types, and
the second file of a pair."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from pathspec import GitIgnoreSpec

from faceid_core.errors import SidecarUnusable
from faceid_core.media import small_file
from faceid_core.media.formats import RAW_SUFFIXES, STILL_SUFFIXES, VIDEO_SUFFIXES, words
from faceid_core.wording import file_name

EXAMPLES = 20
"""Number of paths listed per reason. The others are only counted."""

BIN = "recycle bins"
SNAPSHOT = "snapshots of the storage system"
CACHE = "folders of previews or cached files"
OWN = "library folders of photo programs"
MARKED = "folders marked not to be searched"
IGNORED = "files or folders ignored by a pattern"
LINK = "links to folders; import those folders themselves"
BROKEN = "links to files or folders that are not there"
PAIR = "RAW files that are also here as JPEG or HEIC"
LIVE = "video parts of Live Photos"
VIDEOS = "videos; to include them, import with --video or tick “Include videos”"
OTHER = "pictures in formats that faceid can't read; export them as JPEG, PNG or TIFF"
ODD = "objects with an empty part, “.” or “..” in their name"
DENIED = "what may not be read; give the account that runs faceid the right to read it"

_FOLDERS = {
    BIN: ("#recycle", "@recycle", "$recycle.bin", "recycler", "network trash folder", ".trash*", "trash-[0-9]*"),
    SNAPSHOT: ("@recently-snapshot", "@snapshot", "#snapshot", ".snapshot*", ".zfs", "@sharesnap", "~snapshot"),
    CACHE: (
        "@eadir", "@tmp", "*.lrdata", ".thumbnails", "ipod photo cache", "__macosx", ".picasaoriginals", ".dtrash",
        "*.cocatalogcache", "system volume information", "lost+found", "temporary items",
    ),
}  # fmt: skip
"""Names in lower case. Synology: #recycle, @eaDir; QNAP: @Recycle, @Recently-Snapshot; Windows: $RECYCLE.BIN; ZFS
and NetApp: .zfs, .snapshot, ~snapshot; Lightroom: .lrdata; digiKam: .dtrash; Linux: .Trash-1000, lost+found."""

_INSIDE = {
    "*.photoslibrary": ("resources", "database", "private", "internal", "scopes", "external"),
    "*.aplibrary": ("thumbnails", "previews", "database"),
    "capture one": ("cache",),
    "captureone": ("cache",),
}
"""Subfolders of a photo program's folder that contain previews. The photos are in the other subfolders."""

_MARKS = {
    ".nomedia": MARKED,
    ".noimage": MARKED,
    "CACHEDIR.TAG": CACHE,  # bford.info/cachedir
    ".ppstorage": OWN,  # PhotoPrism
    "faceid.db": OWN,
}
"""Marker files that tell what their folder is."""

IGNORE_FILES = (".faceidignore", ".immichignore", ".ppignore")
"""Files with .gitignore patterns for their folder and its subfolders."""

LARGEST_IGNORE_FILE = 1 << 20

_OTHER_SUFFIXES = words(".psb .ai .eps .exr .hdr .xcf .clip .afphoto .kra .tga .pcx .dpx .fits .cin")


@dataclass(slots=True)
class LeftOut:
    """Files or folders left out for one reason: their number, and the first of them."""

    reason: str
    number: int = 0
    examples: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.reason} ({self.number:,})"

    def add(self, path: Path) -> None:
        """Count one more."""
        self.number += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(file_name(path))


class LeftOuts(dict[str, LeftOut]):
    """What was left out, by reason. Call it with a path and the reason."""

    def __call__(self, path: Path, reason: str) -> None:
        self.setdefault(reason, LeftOut(reason)).add(path)


Leave = Callable[[Path, str], None]
"""Called with each path that is left out, and the reason."""


@dataclass(frozen=True, slots=True)
class Patterns:
    """Ignore patterns that apply to a folder and its subfolders."""

    folder: Path
    spec: GitIgnoreSpec

    def match(self, path: Path, *, is_folder: bool) -> bool:
        """Whether a pattern ignores the path."""
        relative = path.relative_to(self.folder).as_posix()
        return self.spec.match_file(f"{relative}/" if is_folder else relative)


def patterns(folder: Path, lines: Iterable[str]) -> Patterns:
    """Parse .gitignore patterns. Invalid lines are skipped, as git does."""
    kept = []
    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:
            continue
        kept.append(line)
    return Patterns(folder, GitIgnoreSpec.from_lines(kept))


def written_patterns(folder: Path, names: Iterable[str]) -> Iterator[Patterns]:
    """Yield the patterns of the ignore files among the `names` in a folder. Unreadable files are skipped."""
    for name in set(names).intersection(IGNORE_FILES):
        try:
            text = small_file.content(folder / name, LARGEST_IGNORE_FILE)
        except (OSError, SidecarUnusable):
            continue
        yield patterns(folder, text.decode("utf-8-sig", "replace").splitlines())


def unreadable(error: OSError) -> str:
    """Return the reason for leaving out a folder that can't be listed."""
    return DENIED if isinstance(error, PermissionError) else f"what can't be read ({error.strerror or error})"


def why_not_folder(folder: Path) -> str | None:
    """Return the reason for leaving out a folder with this name, or None; "" for a hidden one, which is not
    reported.

    >>> why_not_folder(Path("/a/#recycle")), why_not_folder(Path("/a/.git")), why_not_folder(Path("/a/2024"))
    ('recycle bins', '', None)
    """
    name = folder.name.lower()
    for reason, wanted in _FOLDERS.items():
        if any(fnmatch(name, pattern) for pattern in wanted):
            return reason
    for program, parts in _INSIDE.items():
        if name in parts and fnmatch(folder.parent.name.lower(), program):
            return CACHE
    return "" if name.startswith(".") else None


def why_not_marked(folder: Path, names: Iterable[str]) -> str | None:
    """Return the reason for leaving out a folder with these files, or None."""
    found = set(names)
    if ".immich" in found and folder.name in {"thumbs", "encoded-video", "profile", "backups"}:
        return CACHE
    return next((reason for mark, reason in _MARKS.items() if mark in found), None)


def why_not_file(path: Path, siblings: frozenset[str], suffixes: frozenset[str]) -> str | None:
    """Return the reason for leaving out a file, or None; "" for a file that nobody would expect to be imported.

    siblings: the names in its folder, in lower case. suffixes: those to import.
    """
    suffix = path.suffix.lower()
    if path.name.startswith("."):
        return ""
    if suffix in RAW_SUFFIXES and _has_still(path, siblings):
        return PAIR
    if suffix in VIDEO_SUFFIXES and _has_still(path, siblings):
        return LIVE
    if suffix in suffixes:
        return None
    if suffix in VIDEO_SUFFIXES:
        return VIDEOS
    return OTHER if suffix in _OTHER_SUFFIXES else ""


def _has_still(path: Path, siblings: frozenset[str]) -> bool:
    """Whether its folder has a developed photo of the same name: IMG_1.HEIC, IMG_1.JPG or IMG_1.NEF.jpg."""
    stem, name = path.stem.lower(), path.name.lower()
    return any(f"{start}{suffix}" in siblings for start in (stem, name) for suffix in STILL_SUFFIXES)
