"""Names voted over a track: sequences of frames, with drawn vectors and probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from faceid_core.recognition.live import ENOUGH, LOST_S, VOTES, LiveTracks, Seen, State, Track, Vote, weight
from faceid_core.values import Box

ADA, BO, NOBODY = (0.95, 0.02), (0.03, 0.93), (0.1, 0.1)
FACE = {"ada": [1.0, 0, 0], "bo": [0, 1.0, 0], "stranger": [0, 0, 1.0]}


def at(x: float, side: float = 100.0) -> Box:
    return Box(x, 100, x + side, 100 + side)


def vote(who: str, shares: tuple[float, float], heavy: float = 1.0) -> Vote:
    return Vote(np.array(shares), np.array(FACE[who], np.float32), heavy)


@pytest.fixture
def tracks() -> LiveTracks:
    return LiveTracks(same_person=0.55, people=2, threshold=0.6, repeat=0.95)


def said(tracks: LiveTracks, seconds: float, *seen: tuple[float, Vote | None]) -> list[Seen]:
    """A frame with faces at these places, some of which vote."""
    followed = tracks.follow(seconds, [at(x) for x, _ in seen])
    for track, (_, given) in zip(followed, seen, strict=True):
        if given is not None:
            tracks.vote(track, seconds, given)
    return tracks.names(followed)


def test_one_frame_never_decides(tracks: LiveTracks) -> None:
    sure = vote("ada", (0.9999, 0.0), heavy=100)
    assert said(tracks, 0.0, (50, sure))[0].state is State.LOOKING
    assert said(tracks, 0.1, (52, None))[0].state is State.LOOKING, "it was not looked at again"
    assert said(tracks, 0.2, (54, vote("ada", NOBODY)))[0].person is None, "only one of two says so, however heavy"
    (face,) = said(tracks, 0.3, (56, vote("ada", ADA)))
    assert (face.state, face.person) == (State.NAMED, 0) and face.share > 0.9


def test_unknown_takes_two_sightings(tracks: LiveTracks) -> None:
    states = [said(tracks, step / 10, (50, vote("stranger", NOBODY)))[0].state for step in range(3)]
    assert states == [State.LOOKING, State.UNKNOWN, State.UNKNOWN]


def test_large_and_clear_faces_count_more(tracks: LiveTracks) -> None:
    for step in range(3):
        said(tracks, step / 10, (50, vote("ada", (0.2, 0.5), heavy=0.01)))
    for step in range(3, 5):
        (face,) = said(tracks, step / 10, (50, vote("ada", ADA, heavy=0.2)))
    assert face.person == 0


def test_what_can_not_be_recognised_does_not_count(tracks: LiveTracks) -> None:
    useless = weight(at(50), 0.01, (480, 640))
    assert useless == 0
    for step in range(5):
        (face,) = said(tracks, step / 10, (50, vote("ada", NOBODY, heavy=useless)))
    assert face.state is State.LOOKING
    assert weight(at(50, 200), 0.5, (480, 640)) == pytest.approx(4 * weight(at(50), 0.5, (480, 640)))


def test_a_name_stays_while_nobody_looks_and_goes_with_the_face(tracks: LiveTracks) -> None:
    for step in range(2):
        said(tracks, step / 10, (50, vote("ada", ADA)))
    (face,) = said(tracks, 0.3, (60, None))
    assert face.person == 0
    said(tracks, 0.4)
    assert said(tracks, 0.5, (62, None))[0].track == face.track, "missed in one frame"
    (other,) = said(tracks, 0.6 + LOST_S + 0.1, (62, None))
    assert other.state is State.LOOKING and other.track != face.track


def test_who_takes_the_place_of_somebody_is_not_called_by_their_name(tracks: LiveTracks) -> None:
    for step in range(VOTES):
        said(tracks, step / 10, (50, vote("ada", ADA)))
    (face,) = said(tracks, 2.0 - LOST_S, (50, vote("bo", BO)))
    assert face.state is State.LOOKING
    assert said(tracks, 2.0, (50, vote("bo", BO)))[0].person == 1


def test_two_who_meet_are_looked_at_before_they_are_named_again(tracks: LiveTracks) -> None:
    for step in range(3):
        ada, bo = said(tracks, step / 10, (50, vote("ada", ADA)), (300, vote("bo", BO)))
    assert (ada.person, bo.person) == (0, 1)
    tracks.follow(0.4, [at(120), at(230)])
    meeting = tracks.names(tracks.follow(0.5, [at(150), at(210)]))
    assert [face.state for face in meeting] == [State.LOOKING] * 2
    apart = said(tracks, 0.6, (100, vote("bo", BO)), (260, vote("ada", ADA)))
    assert all(face.state is State.LOOKING for face in apart), "they changed places"
    assert [face.person for face in said(tracks, 0.7, (100, vote("bo", BO)), (260, vote("ada", ADA)))] == [1, 0]


def test_nobody_is_there_twice(tracks: LiveTracks) -> None:
    for step in range(2):
        faces = said(tracks, step / 10, (50, vote("ada", (0.9, 0.02))), (300, vote("stranger", (0.7, 0.02))))
    assert [face.person for face in faces] == [0, None]
    assert faces[1].state is State.UNKNOWN


def test_who_has_waited_longest_is_looked_at_first() -> None:
    new, old, late = (Track(number, at(0), 1.0) for number in range(3))
    for track, looked in ((old, 0.2), (late, 0.5)):
        track.looked = looked
        track.votes.extend([vote("ada", ADA)] * ENOUGH)
    doubtful = Track(4, at(0), 1.0, looked=0.9, doubtful=True)
    order = sorted([late, old, new, doubtful], key=lambda track: track.urgency, reverse=True)
    assert order == [doubtful, new, old, late]


def test_an_empty_frame(tracks: LiveTracks) -> None:
    assert said(tracks, 0.0) == []
