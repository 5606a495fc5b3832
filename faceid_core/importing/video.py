"""Processes a video: samples frames at an interval, tracks the faces, and keeps the best views of each.

A long video is read in pieces, so that a worker's task takes only seconds and results are stored along the way.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from faceid_core import frame_path
from faceid_core.errors import UnreadableImage
from faceid_core.importing.photo import find_faces, networks, unread
from faceid_core.importing.work import File, Piece, Watched
from faceid_core.media import video
from faceid_core.settings import Settings
from faceid_core.values import NewFace, NewPhoto, VideoFrame
from faceid_core.vision.tracking import Tracks

PIECE_S = 5.0
"""How long a worker reads a video before it returns what it found."""

PIECE_SHARE = 0.25
"""The same as a share of the time limit per photo, used if that is shorter."""


def watch(file: File, settings: Settings, threads: int | None = None) -> NewPhoto | Piece:
    """Read a video for some seconds. A video without any readable frame comes back with `error` set; a damaged one
    returns what could be read."""
    detector, embedder = networks(settings.model_dump_json(), threads)
    known = file.watched or Watched(Tracks(embedder.default_threshold))
    seen = _Watch(file, settings, known, detector.name, embedder.name)
    until = time.monotonic() + min(PIECE_S, PIECE_SHARE * settings.max_photo_seconds)
    try:
        with video.opened(file.path, max_megapixels=settings.max_megapixels, threads=threads) as clip:
            for frame in clip.frames(settings.video_seconds, known.due):
                seen.see(frame, clip.taken_at, find_faces(frame.pixels, detector, embedder))
                if time.monotonic() > until:
                    return seen.piece()
    except UnreadableImage as error:
        if known.first is None:
            return unread(file, settings, str(error))
    if known.first is None:
        return unread(file, settings, video.NO_PICTURE)
    return seen.end()


@dataclass(eq=False)
class _Watch:
    """Reads one piece of a video."""

    file: File
    settings: Settings
    known: Watched
    detector: str
    embedder: str
    taken_at: datetime | None = None

    def see(self, frame: video.Frame, taken_at: datetime | None, faces: tuple[NewFace, ...]) -> None:
        self.taken_at = taken_at
        height, width = frame.pixels.shape[:2]
        self.known.sizes[frame.seconds] = (width, height)
        self.known.first = self.known.first or self._photo(frame.seconds, ())
        self.known.tracks.see(frame.seconds, faces)
        self.known.due = video.following(frame.seconds, self.settings.video_seconds)

    def piece(self) -> Piece:
        given = self._settled()
        self.known.held = given.pop() if given else None
        used = self.known.tracks.moments()
        self.known.sizes = {seconds: size for seconds, size in self.known.sizes.items() if seconds in used}
        return Piece(tuple(given), replace(self.file, watched=self.known))

    def end(self) -> Piece:
        """Finish the piece. The last photo completes the video; without any face, its first frame represents it."""
        self.known.tracks.finish()
        given = self._settled()
        if not given and self.known.first:
            given = [self.known.first]
            self.known.kept.append(given[0].path)
        last = replace(given[-1], frame=VideoFrame(str(self.file.path), tuple(self.known.kept)))
        return Piece((*given[:-1], last), None)

    def _settled(self) -> list[NewPhoto]:
        new = [self._photo(at, cast("Any", tuple(faces))) for at, faces in self.known.tracks.settled()]
        self.known.kept += [photo.path for photo in new]
        return [self.known.held, *new] if self.known.held else new

    def _photo(self, seconds: float, faces: tuple[NewFace, ...]) -> NewPhoto:
        """Return a frame as a photo, without a perceptual hash: neighbouring frames would be taken for copies."""
        width, height = self.known.sizes[seconds]
        path = frame_path.moment(self.file.path, seconds)
        return replace(
            unread(self.file, self.settings),
            path=path,
            sha256=hashlib.sha256(
                f"{self.file.sha256}{path.removeprefix(str(self.file.path))}".encode()
            ).hexdigest(),
            width=width,
            height=height,
            taken_at=video.later(self.taken_at, seconds),
            detector=self.detector,
            embedder=self.embedder,
            faces=faces,
            frame=VideoFrame(str(self.file.path)),
        )
