"""The values that an import passes to its workers and gets back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from faceid_core.values import NewPhoto
from faceid_core.vision.tracking import Tracks


@dataclass(frozen=True, slots=True)
class File:
    """A file to read. watched: the progress, for a video that was begun."""

    path: Path
    size_bytes: int
    modified_ns: int
    sha256: str | None = None
    error: str | None = None
    watched: Watched | None = None


@dataclass(slots=True, eq=False)
class Watched:
    """How far a video was read.

    due: seconds at which to continue. first: the first frame, without faces. held: the latest frame with faces,
    held back because the last one completes the video. sizes: (width, height) by seconds. kept: paths so far.
    """

    tracks: Tracks
    due: float = 0.0
    first: NewPhoto | None = None
    held: NewPhoto | None = None
    sizes: dict[float, tuple[int, int]] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Frames to store, and the rest of the video to read; None at its end."""

    photos: tuple[NewPhoto, ...]
    rest: File | None
