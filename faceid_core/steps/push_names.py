"""The step that tells a running photo server the names of a library: first what it would do, then doing it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from faceid_core import frame_path
from faceid_core.exchange.photo_servers import PhotoServer, ServerFace, ServerPhoto
from faceid_core.geometry import SAME_FACE_IOU, best_pairs, overlaps
from faceid_core.library import Library, PhotoToName
from faceid_core.library.person_names import key
from faceid_core.values import Box, Progress, Role, no_progress
from faceid_core.wording import count


class Pushed(StrEnum):
    """What becomes of a name on the server. OTHER: its face has another name there, which stays."""

    NAMED = "named"
    ADDED = "added"
    KNOWN = "known"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class NamePushed:
    """One name of one face."""

    path: str
    name: str
    outcome: Pushed


@dataclass(frozen=True, slots=True)
class Push:
    """What a push did, or would do. photos: with names here; unknown: of these, those that the server does not
    have; unreadable: whose file can't be read here."""

    photos: int
    unknown: int
    unreadable: int
    names: tuple[NamePushed, ...]
    dry_run: bool

    @property
    def changes(self) -> int:
        """Names that the server did not know."""
        return sum(each.outcome in (Pushed.NAMED, Pushed.ADDED) for each in self.names)

    def in_words(self) -> str:
        """
        >>> names = (NamePushed("a.jpg", "Ada", Pushed.NAMED), NamePushed("a.jpg", "Bo", Pushed.OTHER))
        >>> Push(3, 1, 0, names, dry_run=True).in_words()
        '1 face would be named; 1 has another name there and keeps it; 1 photo is not on the server'
        """
        numbers = Counter(each.outcome for each in self.names)
        would = "would be" if self.dry_run else "was" if numbers[Pushed.NAMED] == 1 else "were"
        parts = [f"{count(numbers[Pushed.NAMED], 'face')} {would} named"]
        if numbers[Pushed.ADDED]:
            parts.append(f"{numbers[Pushed.ADDED]:,} that the server did not find added")
        if numbers[Pushed.KNOWN]:
            parts.append(f"{numbers[Pushed.KNOWN]:,} had that name already")
        if other := numbers[Pushed.OTHER]:
            parts.append(f"{other:,} {'has' if other == 1 else 'have'} another name there and "
                         f"{'keeps' if other == 1 else 'keep'} it")  # fmt: skip
        if self.unknown:
            parts.append(f"{count(self.unknown, 'photo')} {'is' if self.unknown == 1 else 'are'} not on the server")
        if self.unreadable:
            parts.append(f"{count(self.unreadable, 'photo')} can't be read here")
        return "; ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        return asdict(self)


def push_names(
    library: Library, server: PhotoServer, *, dry_run: bool = False, progress: Progress = no_progress
) -> Push:
    """Give the faces on the server that have no name the names that they have here.

    Names there stay as they are. Hidden people, and those who refused, are left out. A run that was broken off is
    taken up by another one. Raises NotAllowed for all but owners, ServerUnusable, JobCancelled from `progress`.
    """
    library.actor.require(Role.OWNER)
    photos = [
        photo for photo in library.written_names.photos() if photo.names and frame_path.split(photo.path)[1] is None
    ]
    names: list[NamePushed] = []
    unknown = unreadable = 0
    for number, photo in enumerate(photos):
        progress(number, len(photos), "Comparing with the server")
        try:
            there = server.photo(Path(photo.path))
        except OSError:
            unreadable += 1
            continue
        if there is None:
            unknown += 1
            continue
        names += _on_photo(server, photo, there, dry_run=dry_run)
    progress(len(photos), len(photos), "Compared")
    return Push(len(photos), unknown, unreadable, tuple(names), dry_run)


def _on_photo(
    server: PhotoServer, photo: PhotoToName, there: ServerPhoto, *, dry_run: bool
) -> Iterator[NamePushed]:
    size = (photo.width, photo.height)
    ours = [_shares(box, size) for _, box in photo.names]
    matched = _matched(ours, there.faces)
    for row, (name, _) in enumerate(photo.names):
        face = matched.get(row)
        outcome = _outcome(name, face, there)
        if outcome is Pushed.NAMED and face is not None and not dry_run:
            server.name(face, name)
        elif outcome is Pushed.ADDED and not dry_run:
            server.add(there, name, ours[row], size)
        yield NamePushed(photo.path, name, outcome)


def _outcome(name: str, face: ServerFace | None, there: ServerPhoto) -> Pushed:
    if face is None:
        elsewhere = any(key(each.name) == key(name) for each in there.faces if each.name)
        return Pushed.KNOWN if elsewhere else Pushed.ADDED
    if not face.name:
        return Pushed.NAMED
    return Pushed.KNOWN if key(face.name) == key(name) else Pushed.OTHER


def _matched(ours: Sequence[Box], theirs: Sequence[ServerFace]) -> dict[int, ServerFace]:
    """Our rows -> the server's face at that place."""
    if not ours or not theirs:
        return {}
    shares = overlaps(ours, [face.box for face in theirs])
    return {row: theirs[column] for row, column in best_pairs(shares, SAME_FACE_IOU).items()}


def _shares(box: Box, size: tuple[int, int]) -> Box:
    """Of the picture's sides, without what is outside."""
    width, height = size
    left, right = (min(max(edge / width, 0.0), 1.0) for edge in (box.left, box.right))
    top, bottom = (min(max(edge / height, 0.0), 1.0) for edge in (box.top, box.bottom))
    return Box(left, top, right, bottom)
