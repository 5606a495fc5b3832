"""Suggestions: near enough, clearly nearer than anybody else, never what was ruled out, and with their reason."""

from __future__ import annotations

import numpy as np
import pytest

from faceid_core.library import Library
from faceid_core.review import identity
from faceid_core.review.identity import LESS_SURE, NEAREST, by_person, once_a_photo, suggest
from faceid_core.steps.ask import suggestions
from faceid_core.values import Flag, GalleryFaces, LabelSource

ADA, BO = 1, 2


def at(*places: tuple[float, float]) -> np.ndarray:
    return np.array(places, np.float32)


@pytest.fixture
def known() -> GalleryFaces:
    """Ada's faces about (0, 0), Bo's about (1, 0)."""
    vectors = at((0, 0), (0.1, 0), (0, 0.1), (1, 0), (0.9, 0))
    return GalleryFaces(np.array([11, 12, 13, 21, 22]), np.array([ADA, ADA, ADA, BO, BO]), vectors)


def test_the_nearest_person_with_reasons(known: GalleryFaces) -> None:
    made = suggest(np.array([5]), at((0.1, 0.1)), known, limit=0.5)
    assert [(one.face, one.person, one.runner_up) for one in made] == [(5, ADA, BO)]
    assert set(made[0].because) == {11, 12, 13} and len(made[0].because) <= NEAREST
    assert made[0].distance == pytest.approx((0.1 + 0.1 + np.hypot(0.1, 0.1)) / 3, abs=1e-4)
    assert made[0].runner_up_distance == pytest.approx((np.hypot(0.9, 0.1) + np.hypot(0.8, 0.1)) / 2, abs=1e-4)


def test_far_or_between_two_is_nobody(known: GalleryFaces) -> None:
    faces = np.array([1, 2])
    assert suggest(faces, at((0.5, 0.05), (5, 5)), known, limit=10.0, margin=0.85) == []
    assert suggest(faces, at((0, 0.8), (3, 0)), known, limit=0.5) == []


def test_what_was_ruled_out_is_not_said_again(known: GalleryFaces) -> None:
    faces, vectors = np.array([5, 6]), at((0.1, 0.1), (0, 0))
    made = suggest(faces, vectors, known, limit=2.0, margin=10.0, forbidden=frozenset({(5, ADA)}))
    assert {one.face: one.person for one in made} == {5: BO, 6: ADA}


def test_faces_like_one_that_was_refused_are_not_suggested(known: GalleryFaces) -> None:
    """What speaks against one person says nothing of another."""
    faces, vectors = np.array([5, 6]), at((0.3, 0), (0.05, 0))
    for person, left in ((ADA, [6]), (BO, [6, 5])):
        refused = GalleryFaces(np.array([9]), np.array([person]), at((0.35, 0)))
        made = suggest(faces, vectors, known, limit=0.5, refused=refused)
        assert [one.face for one in made] == left


def test_a_tight_group_must_be_nearer(known: GalleryFaces) -> None:
    faces, near = np.array([1, 2]), at((0.4, 0), (0.42, 0))
    alone = suggest(faces, near, known, limit=0.5, margin=1.0, groups=np.array([-1, -1]))
    assert [one.person for one in alone] == [ADA, ADA]
    assert suggest(faces, near, known, limit=0.5, margin=1.0, groups=np.array([7, 7])) == []
    loose = suggest(faces, at((0.4, 0), (0.1, 0.2)), known, limit=0.5, margin=1.0, groups=np.array([7, 7]))
    assert len(loose) == 2


def test_the_surest_come_first_and_people_with_most(known: GalleryFaces) -> None:
    made = suggest(np.array([1, 2, 3]), at((0.3, 0), (0, 0), (1, 0.1)), known, limit=0.6)
    assert [one.distance for one in made] == sorted(one.distance for one in made)
    assert [(person, len(ones)) for person, ones in by_person(made).items()] == [(ADA, 2), (BO, 1)]


def test_a_little_too_far_is_less_sure_and_comes_last(known: GalleryFaces) -> None:
    faces = np.array([1, 2, 3])
    vectors = at((0, -0.6), (0.05, 0), (0, -1.2))
    made = suggest(faces, vectors, known, limit=0.6)
    assert [(one.face, one.sure) for one in made] == [(2, True), (1, False)]
    assert 0.6 < made[1].distance <= 0.6 * LESS_SURE
    assert [one.face for one in suggest(faces, vectors, known, limit=0.6, less_sure=1)] == [2]


def test_less_sure_ones_wait_until_the_sure_ones_are_answered(known: GalleryFaces) -> None:
    faces, vectors = np.array([1, 2, 3, 4]), at((0, -0.6), (0.05, 0), (1, -0.68), (1.02, -0.68))
    made = suggest(faces, vectors, known, limit=0.6)
    asked = by_person(made)
    assert {person: [one.face for one in ones] for person, ones in asked.items()} == {ADA: [2], BO: [3, 4]}
    assert list(asked) == [ADA, BO]  # who is sure comes before who has more
    rest = by_person([one for one in made if one.face != 2])
    assert {person: [one.face for one in ones] for person, ones in rest.items()} == {BO: [3, 4], ADA: [1]}


def test_nobody_known_or_nobody_asked(known: GalleryFaces) -> None:
    nothing = GalleryFaces(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 2), np.float32))
    assert suggest(np.array([1]), at((0, 0)), nothing, limit=1) == []
    assert suggest(np.empty(0, np.int64), np.empty((0, 2), np.float32), known, limit=1) == []


def test_of_two_faces_on_one_photo_the_likelier_one(known: GalleryFaces) -> None:
    made = suggest(np.array([1, 2, 3]), at((0.2, 0), (0.05, 0.05), (1, 0.1)), known, limit=0.6)
    kept = once_a_photo(made, {1: 9, 2: 9, 3: 9})
    assert {one.face: one.person for one in kept} == {2: ADA, 3: BO}


def name_some(library: Library) -> tuple[int, list[int], list[int]]:
    """Name half of the largest group; (person, named, the rest)."""
    group = [face.id for face in library.faces.of_cluster(1, limit=1000)]
    named, rest = group[: len(group) // 2], group[len(group) // 2 :]
    return library.people.name_faces(named, "Ada").person_id, named, rest


def test_the_rest_of_a_group_is_suggested_on_real_faces(filled: Library) -> None:
    person, named, rest = name_some(filled)
    made = suggestions(filled)
    assert {one.face for one in made} == set(rest)
    assert {one.person for one in made} == {person}
    assert {face for one in made for face in one.because} <= set(named)


def test_a_no_is_remembered_and_a_yes_too(filled: Library) -> None:
    person, _, rest = name_some(filled)
    filled.people.reject(rest[:1], person)
    assert rest[0] not in {one.face for one in suggestions(filled)}
    filled.journal.undo()
    assert rest[0] in {one.face for one in suggestions(filled)}
    filled.faces.flag(rest[:1], Flag.STRANGER)
    filled.people.name_faces(rest[1:], "Ada", source=LabelSource.ACCEPTED)
    assert suggestions(filled) == []


def test_nobody_is_on_a_photo_twice(filled: Library) -> None:
    _, _, rest = name_some(filled)
    photo = filled.faces.get(rest[0]).photo_id
    beside = [face.id for face in filled.faces.of_photo(photo) if face.id != rest[0]]
    if not beside:
        beside = [rest[0]]
    filled.people.name_faces(beside[:1], "Ada")
    assert all(filled.faces.get(one.face).photo_id != photo for one in suggestions(filled))


def simply_nearest(
    faces: np.ndarray, vectors: np.ndarray, known: GalleryFaces, forbidden: frozenset[tuple[int, int]]
) -> list[list[tuple[float, int]]]:
    """The oracle: for each face all people that may be, with their distances, the nearest first."""
    found = []
    for face, vector in zip(faces.tolist(), vectors.astype(np.float64), strict=True):
        apart = np.linalg.norm(known.vectors - vector, axis=1)
        people = set(known.people.tolist()) - {person for other, person in forbidden if other == face}
        found.append(sorted((np.sort(apart[known.people == one])[:NEAREST].mean(), one) for one in people))
    return found


@pytest.mark.parametrize("block", [1, 700, 2**23])
def test_each_person_is_searched_as_by_the_simple_way(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """People with 1 to 60 faces, in no order, and pairs that were ruled out; in one block and in many."""
    monkeypatch.setattr(identity, "BLOCK", block)
    rng = np.random.default_rng(5)
    people = rng.permutation(np.repeat(np.array([70, 3, 12, 5, 41]), [60, 1, 2, 3, 33]))
    known = GalleryFaces(
        np.arange(len(people)),
        people,
        (rng.normal(size=(len(people), 8)) + people[:, None] / 40).astype(np.float32),
    )
    faces, vectors = rng.permutation(40) + 100, rng.normal(size=(40, 8)).astype(np.float32)
    forbidden = frozenset((int(face), int(rng.choice(people))) for face in faces[::2]) | {(9999, 3), (100, 9999)}
    who, distances = identity.nearest_people(faces, vectors, known, forbidden)
    right = simply_nearest(faces, vectors, known, forbidden)
    assert who.tolist() == [[person for _, person in found[:2]] for found in right]
    np.testing.assert_allclose(distances, [[far for far, _ in found[:2]] for found in right], atol=1e-5)
    for one in suggest(faces, vectors, known, limit=9.0, margin=9.0, forbidden=forbidden):
        of_person = np.flatnonzero(people == one.person)
        apart = np.linalg.norm(known.vectors[of_person] - vectors[faces.tolist().index(one.face)], axis=1)
        assert one.because == tuple(of_person[np.argsort(apart)[:NEAREST]].tolist())


@pytest.mark.parametrize("confirmed", [3, 32, 40])
def test_siblings_are_told_apart_however_many_faces_one_of_them_has(confirmed: int) -> None:
    """At 0.400 from Ada and 0.405 from Bo it may be either; and when it is not Ada, it may be Bo."""
    vectors = np.zeros((confirmed + 3, 2), np.float32)
    vectors[:confirmed, 0], vectors[confirmed:, 0] = 0.400, -0.405
    known = GalleryFaces(np.arange(len(vectors)), np.array([ADA] * confirmed + [BO] * 3), vectors)
    face, here = np.array([100]), at((0, 0))
    assert suggest(face, here, known, limit=0.5) == []
    (either,) = suggest(face, here, known, limit=0.5, margin=1.0)
    assert (either.person, either.runner_up) == (ADA, BO)
    assert either.runner_up_distance == pytest.approx(0.405)
    (other,) = suggest(face, here, known, limit=0.5, forbidden=frozenset({(100, ADA)}))
    assert (other.person, other.runner_up, other.sure) == (BO, None, True)
