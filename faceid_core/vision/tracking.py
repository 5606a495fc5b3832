"""Tracks faces through the frames of a video. Of views that look nearly the same, only the best is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from faceid_core.geometry import SAME_FACE_IOU, best_pairs
from faceid_core.values import DetectedFace, Quality

SAME_SIGHTING_SHARE = 0.65
"""Distance below which two faces in a track look nearly the same, relative to the same-person threshold; 0.36 for
dlib's embedder. At four frames per second, a man talking to the camera moves by 0.09 to 0.26 (head-pose clip), so
he is kept once; a singer who turns and walks moves by 0.20 to 0.53 (Hamilton clip)."""

LOST_S = 10.0
"""A track ends when its face has not been seen for this long; a face that reappears earlier continues it."""

MOST_SIGHTINGS, MOST_TRACKS = 24, 400
"""Maximum faces kept per track, and concurrent tracks; about 10 KB each."""


class Found(Protocol):
    """A face with its quality and its vector (D,)."""

    @property
    def face(self) -> DetectedFace:
        """Its box, score and landmarks in the frame."""

    @property
    def quality(self) -> Quality:
        """How well it can be recognised."""

    @property
    def vector(self) -> npt.NDArray[np.float32]:
        """Its embedding, (D,) float32."""


@dataclass(slots=True, eq=False)
class Sighting:
    """The best of several nearly identical faces, and its time in seconds."""

    seconds: float
    best: Found


@dataclass(slots=True, eq=False)
class Track:
    """A face over time: its last appearance, and all its distinct views."""

    last: Found
    seen: float
    sightings: list[Sighting] = field(default_factory=list)

    def likeness(self, face: Found, same_person: float) -> float:
        """Score a face as continuation of this track; above 0 if it matches: 1 + IoU at the same place, otherwise
        up to 1 by similarity."""
        overlap = self.last.face.box.iou(face.face.box)
        if overlap >= SAME_FACE_IOU and _apart(self.last, face) < same_person:
            return 1 + overlap
        nearest = min(_apart(sighting.best, face) for sighting in self.sightings)
        return 1 - nearest / (SAME_SIGHTING_SHARE * same_person)

    def go_on(self, seconds: float, face: Found, same_person: float) -> None:
        """Add a face at `seconds`. same_person: the distance below which two faces usually show the same person."""
        self.last, self.seen = face, seconds
        sighting = min(self.sightings, key=lambda sighting: _apart(sighting.best, face))
        if _apart(sighting.best, face) >= SAME_SIGHTING_SHARE * same_person:
            if len(self.sightings) < MOST_SIGHTINGS:
                self.sightings.append(Sighting(seconds, face))
        elif face.quality.score > sighting.best.quality.score:
            sighting.seconds, sighting.best = seconds, face


@dataclass(slots=True, eq=False)
class Tracks:
    """The tracks in a video, fed frame by frame. same_person: the embedder's threshold."""

    same_person: float
    live: list[Track] = field(default_factory=list)
    ended: list[Sighting] = field(default_factory=list)

    def see(self, seconds: float, faces: Sequence[Found]) -> None:
        """Add the faces of the next frame."""
        self._end([track for track in self.live if seconds - track.seen > LOST_S])
        pairs = self._pairs(faces)
        for place, face in enumerate(faces):
            if place in pairs:
                self.live[pairs[place]].go_on(seconds, face, self.same_person)
            else:
                self.live.append(Track(face, seconds, [Sighting(seconds, face)]))
        self._end(sorted(self.live, key=lambda track: track.seen)[:-MOST_TRACKS])

    def _pairs(self, faces: Sequence[Found]) -> dict[int, int]:
        """Return index of a face -> index of the track that it continues."""
        if not faces or not self.live:
            return {}
        scores = [[track.likeness(face, self.same_person) for track in self.live] for face in faces]
        return best_pairs(scores, np.finfo(float).tiny)

    def _end(self, tracks: Sequence[Track]) -> None:
        for track in tracks:
            self.live.remove(track)
            self.ended += track.sightings

    def finish(self) -> None:
        """End all tracks at the end of the video."""
        self._end(list(self.live))

    def moments(self) -> set[float]:
        """Return the times of frames whose faces may still be kept."""
        live = (sighting for track in self.live for sighting in track.sightings)
        return {sighting.seconds for sighting in (*live, *self.ended)}

    def settled(self) -> Iterator[tuple[float, list[Found]]]:
        """Yield the time and kept faces of frames whose kept faces are final. Each frame is yielded once."""
        open_ones = {sighting.seconds for track in self.live for sighting in track.sightings}
        done = sorted({sighting.seconds for sighting in self.ended} - open_ones)
        for seconds in done:
            yield seconds, [sighting.best for sighting in self.ended if sighting.seconds == seconds]
        self.ended = [sighting for sighting in self.ended if sighting.seconds in open_ones]


def _apart(one: Found, other: Found) -> float:
    return float(np.linalg.norm(one.vector - other.vector))
