"""Photos of one moment: which one is kept, and that no face is lost with the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from faceid_core.review.near_duplicates import Duplicates, Picture, looking_alike, near_duplicates, sharing_a_face
from faceid_core.values import Box
from faceid_core.vectors import neighbours

LEFT, RIGHT = Box(0.1, 0.2, 0.3, 0.5), Box(0.6, 0.2, 0.8, 0.5)


def phash(bits: int) -> bytes:
    """Differs from look(0) in so many bits."""
    return np.packbits(np.arange(256) < bits).tobytes()


class Album:
    """Photos of two people, Ada (on the left) and Bo; a face is in each photo hardly different."""

    def __init__(self) -> None:
        self.vectors: list[np.ndarray] = []
        self.photos: list[int] = []
        self.pictures: dict[int, Picture] = {}
        self.phashes: dict[int, bytes] = {}

    def photo(self, people: str, *, boxes: tuple[Box, ...] = (LEFT, RIGHT), bits: int = 0, **known: object) -> int:
        number, rows = len(self.pictures) + 1, []
        for person in people:
            vector = np.random.default_rng(ord(person)).normal(size=32)
            rows.append(len(self.vectors))
            self.vectors.append(1.4 * vector / np.linalg.norm(vector) + 0.01 * number)
            self.photos.append(number)
        named, worth = (bool(known.get("named")),) * len(rows), float(str(known.get("worth", 1)))
        self.phashes[number] = phash(bits)
        self.pictures[number] = Picture(tuple(rows), boxes[: len(rows)], named, worth)
        return number

    def found(self) -> list[Duplicates]:
        graph = neighbours.build(np.array(self.vectors, np.float32))
        pairs = looking_alike(sharing_a_face(graph, np.array(self.photos)), self.phashes)
        return near_duplicates(graph, pairs, self.pictures)


@pytest.fixture
def album() -> Album:
    return Album()


def test_the_best_photo_is_kept_and_faces_are_paired(album: Album) -> None:
    one, best, other = album.photo("AB"), album.photo("AB", bits=20, worth=2), album.photo("AB", bits=40)
    (found,) = album.found()
    assert (found.best, found.others) == (best, (one, other))
    assert found.unnamed == (0, 1, 4, 5)
    assert found.pairs == ((2, 0), (3, 1), (2, 4), (3, 5))


def test_a_photo_with_names_is_kept_rather_than_a_better_one(album: Album) -> None:
    named, better = album.photo("AB", named=True), album.photo("AB", worth=9)
    (found,) = album.found()
    assert (found.best, found.others) == (named, (better,))


def test_names_are_never_set_aside(album: Album) -> None:
    album.photo("AB", named=True)
    album.photo("AB", named=True)
    assert album.found() == []


def test_a_photo_with_somebody_who_is_not_on_the_best_stays(album: Album) -> None:
    best, less = album.photo("A", worth=9), album.photo("AB")
    fewer = album.photo("A")
    (found,) = album.found()
    assert (found.best, found.others) == (best, (fewer,)) and less not in found.others


@pytest.mark.parametrize(
    "second",
    [
        {"bits": 65},
        {"boxes": (RIGHT, LEFT)},
        {"boxes": (Box(0.3, 0.2, 0.5, 0.5), RIGHT)},
    ],
    ids=["another look", "changed places", "one moved"],
)
def test_what_differs_is_another_moment(album: Album, second: dict[str, Any]) -> None:
    album.photo("AB")
    album.photo("AB", **second)
    assert album.found() == []


def test_other_people_in_the_same_place_are_another_moment(album: Album) -> None:
    album.photo("AB")
    album.photo("CD")
    assert album.found() == []


def test_a_photo_without_a_look_is_not_compared(album: Album) -> None:
    album.photo("AB")
    del album.phashes[album.photo("AB")]
    assert album.found() == []
