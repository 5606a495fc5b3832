"""Who is in front of a camera, frame by frame. Nothing is stored."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from faceid_core.library import Library
from faceid_core.recognition import live
from faceid_core.steps.recognise import hidden_names, load_recogniser
from faceid_core.values import Box, DetectedFace, Image
from faceid_core.vision import quality

if TYPE_CHECKING:
    from faceid_core.recognition.recogniser import Recogniser

SEARCH_PX = 320
"""Longer side at which frames are searched: faces from 6% of the width, in a quarter of the time that 640
pixels take."""

LOOKING_S = 0.03
"""So long a frame's faces are embedded, one after the other; at least one is. The others have their turn in the
next frames."""

SETTLED_S = 0.4
"""A face that has all its votes is looked at again after this time."""

FRESH_S = 2.0
"""So soon another recogniser, another threshold and a hidden person count."""


@dataclass(frozen=True, slots=True)
class LiveFace:
    """A face of the newest frame, box in its pixels. name, probability: of somebody known; track: the same number
    for the same face from frame to frame."""

    track: int
    box: Box
    state: live.State
    name: str | None = None
    probability: float = 0.0


class Camera:
    """One camera; its frames come one after the other, from one thread at a time."""

    def __init__(self, library: Callable[[], Library], clock: Callable[[], float] = time.monotonic) -> None:
        """library: asked again and again, so that whoever looks may lose the right to."""
        self._library, self._clock = library, clock
        self._asked = -np.inf
        self._hidden: set[str] = set()
        self._recogniser: Recogniser | None = None

    def see(self, frame: Image) -> list[LiveFace]:
        """The faces of the next frame, (H, W, 3) uint8, from left to right. Raises as `load_recogniser` does."""
        now = self._clock()
        if now - self._asked > FRESH_S:
            self._refresh(self._library())
            self._asked = now
        faces = self._finder.detect(frame)
        tracks = self._tracks.follow(now, [face.box for face in faces])
        self._look(frame, list(zip(tracks, faces, strict=True)), now)
        found = [self._face(seen) for seen in self._tracks.names(tracks)]
        return sorted(found, key=lambda face: face.box.left)

    def _refresh(self, library: Library) -> None:
        """Another recogniser begins anew: votes are for its people."""
        recogniser, before = load_recogniser(library), self._recogniser
        self._hidden = hidden_names(library)
        if before and before.scorer is recogniser.scorer and before.threshold == recogniser.threshold:
            return
        from faceid_core.vision.detection import make_detector

        self._finder = make_detector(library.settings.model_copy(update={"detection_side_px": SEARCH_PX}))
        self._recogniser = recogniser
        self._tracks = live.LiveTracks(
            recogniser.embedder.default_threshold, len(recogniser.classes), recogniser.threshold, recogniser.repeat
        )

    def _look(self, frame: Image, seen: Sequence[tuple[live.Track, DetectedFace]], now: float) -> None:
        """Let the faces vote that have waited longest, as many as there is time for."""
        due = [pair for pair in seen if len(pair[0].votes) < live.VOTES or now - pair[0].looked >= SETTLED_S]
        for track, face in sorted(due, key=lambda pair: pair[0].urgency, reverse=True):
            self._tracks.vote(track, now, self._vote(frame, face))
            if self._clock() - now >= LOOKING_S:
                return

    def _vote(self, frame: Image, face: DetectedFace) -> live.Vote:
        assert self._recogniser is not None  # _refresh comes first
        crop = self._recogniser.embedder.align(frame, face.landmarks)
        vector = self._recogniser.embed(crop[None])
        judged = quality.assess(frame, face, crop).score
        shares = self._recogniser.probabilities(vector)[0]
        return live.Vote(shares, vector[0], live.weight(face.box, judged, (frame.shape[0], frame.shape[1])))

    def _face(self, seen: live.Seen) -> LiveFace:
        assert self._recogniser is not None
        if seen.person is None:
            return LiveFace(seen.track, seen.box, seen.state)
        name = self._recogniser.classes[seen.person]
        if name in self._hidden:
            return LiveFace(seen.track, seen.box, live.State.UNKNOWN)
        return LiveFace(seen.track, seen.box, seen.state, name, seen.share)


def as_dict(face: LiveFace) -> dict[str, object]:
    """For JSON: box in pixels of the frame as left, top, right, bottom."""
    return {
        "track": face.track,
        "box": [round(edge, 1) for edge in face.box.as_tuple()],
        "state": face.state.value,
        "name": face.name,
        "probability": round(face.probability, 4),
    }
