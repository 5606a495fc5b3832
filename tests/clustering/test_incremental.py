"""New faces join groups, make new ones or wait; nobody else moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceid_core.clustering.incremental import ClusteredFaces, join
from faceid_core.values import LOW_QUALITY
from faceid_core.vectors.neighbours import build

LIMIT = 0.5


def shots(person: int, number: int, spread: float = 0.1, seed: int = 0) -> np.ndarray:
    """Faces of one person: about spread * sqrt(2) apart; people are 1.4 apart."""
    rng = np.random.default_rng(100 * seed + person)
    centre = np.eye(16, dtype=np.float32)[person]
    noise = rng.normal(size=(number, 16)).astype(np.float32)
    return np.asarray(centre + spread * noise / np.linalg.norm(noise, axis=1, keepdims=True))


@pytest.fixture
def album() -> ClusteredFaces:
    """Rows 0-5 and 6-9: groups 7 and 3; row 10: single; then, new, of the same people: 11, 12, 13."""
    vectors = np.concatenate([shots(0, 6), shots(1, 4), shots(2, 1), *(shots(n, 1, seed=1) for n in range(3))])
    count = len(vectors)
    return ClusteredFaces(
        vectors=vectors,
        photos=np.arange(count),
        quality=np.ones(count, np.float32),
        numbers=np.array([7] * 6 + [3] * 4 + [0] * 4),
        people=np.full(count, -1),
    )


NEW = np.array([11, 12, 13])


def joined(faces: ClusteredFaces) -> list[int]:
    numbers = join(faces, NEW, build(faces.vectors), algorithm="density-linkage", limit=LIMIT)
    grouped = faces.numbers > 0
    assert (numbers[grouped] == faces.numbers[grouped]).all()
    return [int(number) for number in numbers[10:]]


def test_new_faces_join_their_group_or_make_one_with_a_single_face(album: ClusteredFaces) -> None:
    assert joined(album) == [8, 7, 3, 8]


def test_a_face_like_nobody_waits(album: ClusteredFaces) -> None:
    vectors = album.vectors.copy()
    vectors[13] = -1
    assert joined(replace(album, vectors=vectors)) == [0, 7, 3, 0]


def test_a_face_on_a_photo_of_the_group_is_somebody_else(album: ClusteredFaces) -> None:
    vectors, photos = album.vectors.copy(), album.photos.copy()
    vectors[11] = shots(0, 1, spread=0.42, seed=5)[0]
    assert joined(replace(album, vectors=vectors))[1] == 7
    photos[11] = photos[2]
    assert joined(replace(album, vectors=vectors, photos=photos))[1] == 0


def test_two_new_faces_of_one_photo_do_not_join_one_group(album: ClusteredFaces) -> None:
    vectors, photos = album.vectors.copy(), album.photos.copy()
    vectors[11], vectors[12] = shots(0, 2, spread=0.42, seed=5)
    assert joined(replace(album, vectors=vectors))[1:3] == [7, 7]
    photos[11] = photos[12]
    assert sorted(joined(replace(album, vectors=vectors, photos=photos))[1:3]) == [0, 7]


def test_what_a_human_said_is_kept(album: ClusteredFaces) -> None:
    people = album.people.copy()
    people[:3] = 1
    assert joined(replace(album, people=people))[1] == 7
    assert joined(replace(album, people=people, ruled_out={(11, 1)}))[1] == 0
    people[11] = 2
    assert joined(replace(album, people=people))[1] == 0
    people[11] = 1
    assert joined(replace(album, people=people))[1] == 7


def test_nothing_new_changes_nothing(album: ClusteredFaces) -> None:
    numbers = join(album, np.empty(0, np.int64), build(album.vectors), algorithm="density-linkage", limit=LIMIT)
    assert (numbers == album.numbers).all()


def test_a_face_that_nobody_can_tell_waits(album: ClusteredFaces) -> None:
    quality = album.quality.copy()
    quality[12] = LOW_QUALITY - 0.01
    assert joined(replace(album, quality=quality)) == [8, 7, 0, 8]
