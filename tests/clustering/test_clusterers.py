"""faceid_core.clustering.clusterers: a contract that every clusterer keeps, and what the default adds."""

from __future__ import annotations

import numpy as np
import pytest

from faceid_core.clustering import clusterers, density
from faceid_core.clustering.clusterers import CLUSTERERS, FOUNDING_QUALITY, cluster, default_threshold
from faceid_core.clustering.metrics import pairwise
from faceid_core.errors import BadInput, UnknownChoice
from faceid_core.values import LOW_QUALITY
from faceid_core.vectors import neighbours

EMBEDDER = "dlib-resnet+mirror"


def people(sizes: list[int], spread: float = 0.018, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors like dlib's: people about 1.9 apart, faces of a person about 16 * spread."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(len(sizes), 128))
    centres *= 1.35 / np.linalg.norm(centres, axis=1, keepdims=True)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    vectors = centres[truth] + rng.normal(scale=spread, size=(len(truth), 128))
    return vectors.astype(np.float32), truth


def grouped(name: str, vectors: np.ndarray, **options: object) -> np.ndarray:
    return cluster(name, vectors, threshold=default_threshold(name, EMBEDDER), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CLUSTERERS)
def test_people_are_found_and_numbered_by_size(name: str) -> None:
    vectors, truth = people([3, 12, 1, 7, 1])
    labels = grouped(name, vectors)
    assert labels.shape == (24,)
    assert labels.dtype == np.int64
    assert labels.tolist() == [{1: 0, 3: 1, 0: 2}.get(person, -1) for person in truth.tolist()]


@pytest.mark.parametrize("name", CLUSTERERS)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_few_faces(name: str, count: int) -> None:
    strangers = grouped(name, people([1, 1, 1, 1])[0][:count])
    assert strangers.tolist() == [-1] * count
    same = grouped(name, people([4])[0][:count])
    assert same.tolist() == ([0] * count if count > 1 else [-1] * count)


@pytest.mark.parametrize("name", CLUSTERERS)
def test_one_person_only_and_exact_duplicates(name: str) -> None:
    assert (grouped(name, people([30])[0]) == 0).all()
    twins = np.repeat(people([1, 1])[0], [6, 3], axis=0)
    assert grouped(name, twins).tolist() == [0] * 6 + [1] * 3


@pytest.mark.parametrize("name", CLUSTERERS)
def test_runs_repeat_and_do_not_depend_on_the_order(name: str) -> None:
    vectors, _ = people([9, 6, 4, 1, 2, 1], spread=0.022)
    labels = grouped(name, vectors)
    assert (labels == grouped(name, vectors)).all()
    order = np.random.default_rng(1).permutation(len(vectors))
    assert pairwise(grouped(name, vectors[order]), labels[order]).f == 1


@pytest.mark.parametrize("name", CLUSTERERS)
def test_faces_of_one_photo_are_different_people(name: str) -> None:
    """Two siblings whom the vectors confuse, together in five photos: the photos keep them apart."""
    rng = np.random.default_rng(3)
    one = people([1])[0][0]
    other = one + rng.normal(scale=0.031, size=128)
    faces = np.concatenate(
        [one + rng.normal(scale=0.012, size=(5, 128)), other + rng.normal(scale=0.012, size=(5, 128))]
    )
    vectors = np.concatenate([faces, people([4], seed=9)[0]]).astype(np.float32)
    assert 0.3 < np.linalg.norm(one - other) < 0.4
    alone = grouped(name, vectors)
    if name != "hdbscan":  # which tells these two apart by itself
        assert len(set(alone[:10].tolist())) == 1
    photos = [*range(5), *range(5), 100, 101, 102, 103]
    apart = grouped(name, vectors, photos=photos)
    assert sorted(set(apart[:5].tolist()) | set(apart[5:10].tolist())) == [0, 1]
    assert len(set(apart[:5].tolist())) == len(set(apart[5:10].tolist())) == 1
    assert apart[10:].tolist() == [2] * 4


@pytest.mark.parametrize("name", CLUSTERERS)
def test_a_mirror_or_collage_is_still_one_person(name: str) -> None:
    vectors, _ = people([6], spread=0.008)
    assert (grouped(name, vectors, photos=[1, 1, 1, 2, 2, 3]) == 0).all()


@pytest.mark.parametrize("name", CLUSTERERS)
def test_poor_faces_join_but_do_not_found(name: str) -> None:
    vectors, _ = people([4, 3])
    quality = np.array([0.9, 0.9, 0.9, 0.3, 0.3, 0.3, 0.3])
    assert grouped(name, vectors, quality=quality).tolist() == [0, 0, 0, 0, -1, -1, -1]
    assert grouped(name, vectors, quality=np.full(7, FOUNDING_QUALITY)).max() == 1
    assert grouped(name, vectors, quality=np.zeros(7)).tolist() == [-1] * 7


def test_a_face_that_nobody_can_tell_stays_out_of_groups() -> None:
    """The rows of a stadium: all alike, and like anybody."""
    vectors, _ = people([4, 3])
    quality = np.array([0.9, 0.9, 0.9, LOW_QUALITY - 0.01, 0.1, 0.1, 0.0])
    assert grouped("density-linkage", vectors, quality=quality).tolist() == [0, 0, 0, -1, -1, -1, -1]
    named = [-1, -1, -1, -1, 5, -1, 5]  # a human knew them
    labels = grouped("density-linkage", vectors, quality=quality, people=named)
    assert labels.tolist() == [0, 0, 0, -1, 1, -1, 1]


def test_a_poor_face_does_not_join_a_group_of_its_own_photo() -> None:
    vectors, _ = people([4])
    quality = [0.9, 0.9, 0.9, 0.3]
    name = "density-linkage"
    assert grouped(name, vectors, quality=quality, photos=[1, 2, 3, 3]).tolist() == [0, 0, 0, -1]
    assert grouped(name, vectors, quality=quality, photos=[1, 2, 3, 4]).tolist() == [0, 0, 0, 0]


def test_the_default_keeps_a_chain_of_lookalikes_apart() -> None:
    """The hierarchy runs along a chain whose ends are far apart; linkage sees how wide the group would be."""
    steps = np.zeros((12, 128), np.float32)
    steps[:, 0] = np.arange(12) * 0.3
    chain = density.groups(12, neighbours.build(steps).edges(0.49), 0.49, 0.34)
    assert chain.tolist() == [0] * 12
    labels = grouped("density-linkage", steps)
    wide = [np.ptp(steps[labels == group, 0]) for group in range(labels.max() + 1)]
    assert max(wide) < 1.3


def test_the_default_is_not_torn_by_near_duplicates() -> None:
    vectors, truth = people([12, 8], spread=0.024)
    burst = vectors[:4] + np.random.default_rng(1).normal(scale=0.001, size=(4, 128)).astype(np.float32)
    labels = grouped("density-linkage", np.concatenate([vectors, burst]))
    assert pairwise(labels, np.concatenate([truth, truth[:4]])).f == 1


def test_a_larger_threshold_makes_fewer_groups() -> None:
    vectors, _ = people([8] * 12, spread=0.03, seed=5)
    for name in ("density-linkage", "agglomerative"):
        counts = []
        for threshold in (0.3, 0.5, 5.0):
            labels = cluster(name, vectors, threshold=threshold)
            counts.append(labels.max() + 1 + (labels < 0).sum())
        assert counts[0] > counts[1] > counts[2] == 1, name


def test_parts_too_large_for_a_matrix_are_linked_sparsely(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, truth = people([20, 9, 1])
    monkeypatch.setattr(clusterers, "PART_LIMIT", 5)
    assert pairwise(grouped("agglomerative", vectors), truth).f == 1


def test_too_many_faces_for_hdbscan_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusterers, "HDBSCAN_LIMIT", 3)
    with pytest.raises(BadInput, match="choose density-linkage"):
        grouped("hdbscan", people([4])[0])


def test_unknown_choices_name_the_known_ones() -> None:
    with pytest.raises(UnknownChoice, match="chinese-whispers"):
        cluster("k-means", np.zeros((2, 128), np.float32), threshold=0.5)
    with pytest.raises(UnknownChoice, match="threshold"):
        default_threshold("hdbscan", "arcface")
    assert default_threshold("density-linkage", "arcface", same_person=1.0) == 0.88
    for name in CLUSTERERS:
        assert 0.4 < default_threshold(name, "dlib-resnet+mirror") <= default_threshold(name, "dlib-resnet") < 0.65


def test_inputs_must_be_of_the_same_faces() -> None:
    vectors, _ = people([3])
    graph = neighbours.build(vectors)
    for wrong in ({"photos": [1, 2]}, {"quality": [0.5]}):
        with pytest.raises(ValueError, match="same 3 faces"):
            CLUSTERERS["agglomerative"](vectors, graph, threshold=0.5, **wrong)
    with pytest.raises(ValueError, match="same 2 faces"):
        CLUSTERERS["agglomerative"](vectors[:2], graph, threshold=0.5)


@pytest.mark.parametrize("name", CLUSTERERS)
def test_names_that_a_human_gave_hold_whatever_the_vectors_say(name: str) -> None:
    """Of two people whom the vectors tell apart, and two halves of a third, one name goes across, two divide."""
    vectors, truth = people([8, 8, 8], spread=0.02)
    named = np.full(24, -1)
    named[[0, 1, 8, 9]] = 7
    named[[16, 17]], named[[18, 19]] = 900, 30
    labels = grouped(name, vectors, people=named)
    assert len(set(labels[[0, 1, 8, 9]].tolist())) == 1 and labels[0] >= 0
    assert labels[16] == labels[17] != labels[18] == labels[19] and labels[18] >= 0
    assert set(labels[20:].tolist()) <= {labels[16], labels[18]}
    assert (labels == grouped(name, vectors, people=named)).all()
    without = grouped(name, vectors, people=np.full(24, -1))
    assert (without == grouped(name, vectors)).all() and pairwise(without, truth).f == 1


@pytest.mark.parametrize("name", CLUSTERERS)
def test_a_poor_picture_with_a_name_is_with_the_others_of_that_name(name: str) -> None:
    vectors, _ = people([6, 1, 1])
    quality = np.array([0.9] * 6 + [0.1, 0.9])
    labels = grouped(name, vectors, quality=quality, people=np.array([3, -1, -1, -1, -1, -1, 3, -1]))
    assert labels.tolist() == [0] * 7 + [-1]


def test_two_faces_of_a_photo_with_one_name_stay_together() -> None:
    """A mirror: a human said so, though the photo would keep them apart."""
    vectors, _ = people([6], spread=0.03)
    photos = [1, 1, 2, 3, 4, 5]
    assert (
        grouped("density-linkage", vectors, photos=photos)[0]
        != grouped("density-linkage", vectors, photos=photos)[1]
    )
    labels = grouped("density-linkage", vectors, photos=photos, people=[4, 4, -1, -1, -1, -1])
    assert labels[0] == labels[1] >= 0


@pytest.mark.slow
def test_faces_that_may_not_found_groups_are_left_out_as_if_they_were_not_there() -> None:
    """Against the simple way, which copies the others."""
    rng = np.random.default_rng(11)
    truth = np.repeat(np.arange(60), rng.integers(1, 60, 60))
    middles = neighbours.on_sphere(rng.normal(size=(60, 16)).astype(np.float32))
    vectors = neighbours.on_sphere(
        (middles[truth] + rng.normal(scale=0.1, size=(len(truth), 16))).astype(np.float32)
    )
    graph = neighbours.build(vectors)
    whole = clusterers.density_linkage.__wrapped__  # type: ignore[attr-defined]
    simple = clusterers._clusterer(
        clusterers._on_founders(lambda *known: whole(*known, np.ones(len(known[0]), np.bool_)))
    )
    photos, quality = rng.integers(0, len(truth) // 2, len(truth)), rng.uniform(0.2, 1, len(truth))
    people = np.where(rng.uniform(size=len(truth)) < 0.1, truth, -1)
    for known in ({"quality": quality}, {"quality": quality, "photos": photos, "people": people}):
        expected = simple(vectors, graph, threshold=0.8, **known)
        assert 20 < expected.max() + 1 < 200
        assert (clusterers.density_linkage(vectors, graph, threshold=0.8, **known) == expected).all()
