"""Names for faces in front of a camera: frames in time, tracks of faces, votes of their sightings. Arrays only.

A face is found in every frame, but embedded only now and then. Each sighting, an embedded face, votes with how
probable each person is; its weight is the face's area times its quality. One frame never decides.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count

import numpy as np
import numpy.typing as npt

from faceid_core.geometry import best_pairs, overlaps
from faceid_core.recognition import openset
from faceid_core.values import Box

Floats = npt.NDArray[np.float64]

VOTES = 12
"""Sightings of a track that count, the newest: about five seconds with four faces in view."""

ENOUGH = 2
"""Sightings that must agree on a name, and that it takes to call somebody unknown."""

LEAST_QUALITY = 0.05
"""A sighting below it tells nothing, and does not count (see vision.quality)."""

GOES_ON = 0.2
"""Overlap (IoU) from which a face goes on with a track. At ten frames a second somebody who walks by a metre away
moves by a third of the face from frame to frame, which leaves half."""

IN_DOUBT = 0.1
"""Overlap with another track's face from which it is no longer sure whose track goes on."""

LOST_S = 0.7
"""A track ends when its face has not been seen for this long: somebody else may have come into its place."""

SMALLEST_SHARE = 0.5
"""A sighting speaks for the person whom it finds the most probable, if it gives them at least this share of what
all sightings give them on average."""


class State(StrEnum):
    """What is said of a face."""

    LOOKING = "looking"
    """Too little was seen of it."""
    NAMED = "named"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, eq=False)
class Vote:
    """A sighting. shares: (K,) how probable each person is; vector: (D,); weight: above 0."""

    shares: Floats
    vector: npt.NDArray[np.float32]
    weight: float


@dataclass(slots=True, eq=False)
class Track:
    """A face through time. doubtful: it may be somebody else's by now, and must be looked at before it is named."""

    number: int
    box: Box
    seen: float
    looked: float = -np.inf
    doubtful: bool = False
    votes: deque[Vote] = field(default_factory=lambda: deque(maxlen=VOTES))

    @property
    def urgency(self) -> tuple[bool, bool, float]:
        """Greater for a track that should be looked at sooner."""
        return self.doubtful, len(self.votes) < ENOUGH, -self.looked

    def shares(self, people: int) -> Floats:
        """(people,) the weighted mean of the votes; 0 while it can't have a name, and for people for whom fewer
        than ENOUGH sightings speak."""
        if self.doubtful or len(self.votes) < ENOUGH:
            return np.zeros(people)
        each = np.stack([vote.shares for vote in self.votes])
        mean = np.average(each, axis=0, weights=[vote.weight for vote in self.votes])
        speaking = (each >= SMALLEST_SHARE * mean) & (each == each.max(axis=1, keepdims=True))
        return np.where(speaking.sum(axis=0) >= ENOUGH, mean, 0.0)

    def is_other(self, vector: npt.NDArray[np.float32], same_person: float) -> bool:
        """Whether a vector (D,) is of somebody else than the track, which has votes."""
        mean = np.mean([vote.vector for vote in self.votes], axis=0)
        return float(np.linalg.norm(mean - vector)) >= same_person


@dataclass(frozen=True, slots=True)
class Seen:
    """A face of the newest frame. person: its class where it is named; share: its probability."""

    track: int
    box: Box
    state: State
    person: int | None = None
    share: float = 0.0


@dataclass(slots=True, eq=False)
class LiveTracks:
    """The tracks in front of one camera. same_person: the embedder's threshold; people: number of classes;
    threshold, repeat: as openset.assign takes them."""

    same_person: float
    people: int
    threshold: float
    repeat: float
    live: list[Track] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def follow(self, seconds: float, boxes: Sequence[Box]) -> list[Track]:
        """The tracks of the faces of a new frame at `seconds`, in the order of the boxes."""
        self.live = [track for track in self.live if seconds - track.seen <= LOST_S]
        known = list(self.live)
        shared = overlaps(boxes, [track.box for track in known])
        pairs = _best(shared)
        followed = []
        for place, box in enumerate(boxes):
            track = known[pairs[place]] if place in pairs else self._begin(box)
            if (shared[place] >= IN_DOUBT).sum() > 1:  # two faces meet: the tracks may have changed places
                track.doubtful = True
            track.box, track.seen = box, seconds
            followed.append(track)
        return followed

    def _begin(self, box: Box) -> Track:
        track = Track(next(self._numbers), box, 0.0)
        self.live.append(track)
        return track

    def vote(self, track: Track, seconds: float, vote: Vote) -> None:
        """A sighting of the track's face. Somebody else than before begins a new count of votes."""
        track.looked = seconds
        if vote.weight <= 0:
            return
        if track.votes and track.is_other(vote.vector, self.same_person):
            track.votes.clear()
            track.number = next(self._numbers)
        track.doubtful = False
        track.votes.append(vote)

    def names(self, tracks: Sequence[Track]) -> list[Seen]:
        """What is said of the faces of one frame: nobody twice, unless the second one is nearly sure."""
        shares = np.stack([track.shares(self.people) for track in tracks]) if tracks else np.zeros((0, self.people))
        people = openset.assign(shares, self.threshold, self.repeat)
        return [_seen(*each) for each in zip(tracks, shares, people, strict=True)]


def weight(box: Box, quality: float, frame: tuple[int, int]) -> float:
    """How much a sighting counts: the face's share of a frame (height, width) times its quality, 0 to 1.

    >>> weight(Box(0, 0, 100, 100), 0.5, (100, 200)), weight(Box(0, 0, 100, 100), 0.01, (100, 200))
    (0.25, 0.0)
    """
    return quality * box.area / (frame[0] * frame[1]) if quality >= LEAST_QUALITY else 0.0


def _seen(track: Track, shares: Floats, person: int | None) -> Seen:
    if person is not None:
        return Seen(track.number, track.box, State.NAMED, person, float(shares[person]))
    enough = len(track.votes) >= ENOUGH and not track.doubtful
    return Seen(track.number, track.box, State.UNKNOWN if enough else State.LOOKING)


def _best(shared: Floats) -> dict[int, int]:
    """Place of a box -> place of the track that it goes on with."""
    return best_pairs(shared, GOES_ON) if shared.size else {}
