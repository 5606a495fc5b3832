"""Named people are kept apart, and groups keep their numbers: on small cases, and as guarantees on random ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceid_core.clustering.continuity import Changes, apart, changes, numbered, people_kept_apart
from faceid_core.library import Library
from faceid_core.steps.cluster import cluster_faces

ADA, BO = 1, 2


def line(*places: float) -> np.ndarray:
    return np.array([(place, 0) for place in places], np.float32)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_two_named_people_share_no_group() -> None:
    vectors = line(0, 0.1, 0.2, 1, 1.1, 9)
    labels = apart(vectors, ints(4, 4, 4, 4, 4, 5), ints(ADA, ADA, -1, BO, -1, -1))
    assert labels[:3].tolist() == [4, 4, 4]  # the unnamed face goes with the nearer person
    assert labels[3] == labels[4] not in (4, 5)
    assert labels[5] == 5


def test_a_face_leaves_whom_it_is_not() -> None:
    vectors, labels, people = line(0, 0.1, 0.2, 0.3), ints(0, 0, 0, 0), ints(ADA, ADA, -1, -1)
    assert apart(vectors, labels, people, {(2, ADA)}).tolist() == [0, 0, -1, 0]
    both = apart(vectors, labels, people, {(2, ADA), (3, ADA)})
    assert both[2] == both[3] > 0 and both[:2].tolist() == [0, 0]


def test_nothing_said_changes_nothing() -> None:
    labels = ints(0, 0, -1, 3, 3)
    assert apart(line(0, 0, 0, 0, 0), labels, ints(-1, -1, -1, -1, -1)).tolist() == labels.tolist()
    assert apart(line(0, 0, 0, 0, 0), labels, ints(ADA, -1, BO, ADA, -1)).tolist() == labels.tolist()


some = st.integers(3, 14).flatmap(
    lambda size: st.tuples(
        st.lists(st.integers(-1, 3), min_size=size, max_size=size),
        st.lists(st.integers(-1, 3), min_size=size, max_size=size),
        st.lists(st.floats(-1, 1, width=32), min_size=size, max_size=size),
        st.sets(st.tuples(st.integers(0, size - 1), st.integers(0, 3)), max_size=6),
    )
)

Case = tuple[list[int], list[int], list[float], set[tuple[int, int]]]


@pytest.mark.slow
@given(some)
def test_apart_guarantees(case: Case) -> None:
    labels, people, places, said = case
    ruled_out = {(row, person) for row, person in said if people[row] < 0}
    parts = apart(line(*places), ints(*labels), ints(*people), ruled_out)
    for group in set(parts[parts >= 0].tolist()):
        rows = np.flatnonzero(parts == group).tolist()
        named = {people[row] for row in rows if people[row] >= 0}
        assert len(named) <= 1
        assert not any((row, person) in ruled_out for row in rows for person in named)
        assert len({labels[row] for row in rows}) == 1  # divided, never joined
    assert all(part == -1 for part, label in zip(parts, labels, strict=True) if label == -1)


def test_groups_keep_the_number_that_most_of_them_had() -> None:
    before = ints(1, 1, 1, 2, 2, 0, 7)
    after = numbered(before, ints(5, 5, 8, 9, 9, 9, -1))
    assert after.tolist() == [1, 1, 8, 2, 2, 2, 0]
    assert numbered(ints(0, 0, 0, 0), ints(3, 0, 0, -1)).tolist() == [2, 1, 1, 0]  # at first, the largest is 1


@pytest.mark.slow
@given(some)
def test_numbering_guarantees(case: Case) -> None:
    before, labels, _, _ = case
    old, new = ints(*before) + 1, ints(*labels)
    numbers = numbered(old, new)
    assert ((numbers == 0) == (new < 0)).all()
    assert len({*zip(numbers.tolist(), new.tolist(), strict=True)}) == len({*new.tolist()})  # one to one
    for number in set(numbers[numbers > 0].tolist()) & set(old.tolist()):
        assert 2 * ((old == number) & (numbers == number)).sum() > (old == number).sum()
    assert (numbered(numbers, new) == numbers).all()


def test_changes_are_counted() -> None:
    same = ints(1, 1, 2, 2, 0)
    assert changes(same, same) == Changes(0, 0, 0)
    assert changes(ints(1, 1, 1, 2, 2), ints(1, 1, 2, 2, 2)) == Changes(moved=1)
    assert changes(ints(1, 1, 1, 2, 2), ints(1, 1, 1, 1, 1)) == Changes(merged=1)
    assert changes(ints(1, 1, 1, 1), ints(1, 1, 3, 3)) == Changes(moved=2, split=1)
    assert changes(ints(0, 0), ints(1, 1)) == Changes()


def test_grouping_again_keeps_numbers_and_a_preview_keeps_everything(filled: Library) -> None:
    ids = filled.faces.vectors("dlib-resnet+mirror").ids
    before, run = filled.clusters.numbers(ids), filled.clusters.current()
    loose = cluster_faces(filled, threshold=2.0, preview=True)
    assert loose.clusters < len(set(before.tolist())) and loose.merged > 0
    assert filled.clusters.current() == run
    again = cluster_faces(filled)
    assert (again.moved, again.merged, again.split) == (0, 0, 0)
    assert (filled.clusters.numbers(ids) == before).all()


@pytest.mark.parametrize("threshold", [0.49, 2.0])
def test_no_group_mixes_two_people(filled: Library, threshold: float) -> None:
    for number, name in ((1, "Ada"), (2, "Bo")):
        faces = [face.id for face in filled.faces.of_cluster(number, limit=100)][:3]
        filled.people.name_faces(faces, name)
    cluster_faces(filled, threshold=threshold)
    for group in filled.clusters.page(unnamed_only=False):
        assert len(group.people) <= 1


def test_faces_that_must_not_be_linked_divide_their_group() -> None:
    labels, people = ints(0, 0, 0, 0, 1), ints(-1, -1, -1, ADA, -1)
    kept = people_kept_apart(labels, people, np.array([[0, 2], [1, 4]]))
    assert kept[[1, 3, 4]].tolist() == [-1, ADA, -1]  # of two groups already
    assert len({kept[0], kept[2], -1, ADA}) == 4
    parts = apart(line(0, 0.1, 1, 5, 5), labels, kept, set())
    assert parts[0] == parts[1] != parts[2]
    assert people_kept_apart(labels, people, np.empty((0, 2), np.int64)).tolist() == people.tolist()


@pytest.mark.slow
@given(some, st.lists(st.tuples(st.integers(0, 13), st.integers(0, 13)), max_size=8))
def test_cannot_link_guarantees(case: Case, cannot_link: list[tuple[int, int]]) -> None:
    labels, people, places, _ = case
    pairs = [(a, b) for a, b in cannot_link if a < b < len(labels)]
    who = people_kept_apart(ints(*labels), ints(*people), np.array(pairs, np.int64).reshape(-1, 2))
    parts = apart(line(*places), ints(*labels), who, set())
    for a, b in pairs:
        unnamed = people[a] < 0 or people[b] < 0
        assert parts[a] == -1 or parts[a] != parts[b] or not unnamed
