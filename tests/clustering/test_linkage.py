"""faceid_core.linkage and density against scipy and their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster
from scipy.cluster.hierarchy import linkage as scipy_linkage
from scipy.spatial.distance import pdist

from faceid_core.clustering import density, linkage
from faceid_core.clustering.constraints import Constraints
from faceid_core.clustering.metrics import pairwise
from faceid_core.vectors import neighbours


def cloud(count: int, seed: int, dimension: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("limit", [0.5, 1.0, 1.8])
def test_merge_on_a_full_graph_is_average_linkage(seed: int, limit: float) -> None:
    vectors = cloud(60, seed)
    low, high, _ = neighbours.build(vectors, 59).edges(np.inf)
    labels = linkage.merge(vectors, np.arange(60), (low, high), limit)
    tree = scipy_linkage(pdist(vectors, "sqeuclidean"), "average")
    assert pairwise(labels, fcluster(tree, limit**2, "distance")).f == 1


@pytest.mark.parametrize("count", [2, 3, 255, 600])
def test_distances_within_a_group_are_those_of_scipy(count: int) -> None:
    vectors, shift = cloud(count, 4, 16), np.random.default_rng(5).normal(scale=0.3, size=count)
    expected = pdist(vectors.astype(np.float64))
    np.testing.assert_allclose(linkage._squared(vectors, None), expected**2, rtol=1e-9)
    rows, columns = np.triu_indices(count, 1)
    shifted = np.maximum(expected + shift[rows] + shift[columns], 0) ** 2
    np.testing.assert_allclose(linkage._squared(vectors, shift), shifted, rtol=1e-9)


def test_cut_is_average_linkage_within_each_group() -> None:
    vectors = cloud(40, 1)
    groups = np.repeat([0, 1], 20)
    labels = linkage.split_wide(vectors, groups, 1.5)
    for group in (0, 1):
        tree = scipy_linkage(pdist(vectors[groups == group], "sqeuclidean"), "average")
        assert pairwise(labels[groups == group], fcluster(tree, 1.5**2, "distance")).f == 1
    assert not set(labels[:20].tolist()) & set(labels[20:].tolist())
    assert (linkage.split_wide(vectors, groups, 1.5, largest=10) == groups).all()


def test_merge_starts_from_groups_and_keeps_to_the_pairs() -> None:
    vectors = np.array([[0.0], [0.1], [0.2], [5.0]], np.float32)
    start = np.array([0, 0, 1, 2])
    joined = linkage.merge(vectors, start, (np.array([1]), np.array([2])), 0.5)
    assert joined[0] == joined[1] == joined[2] != joined[3]
    apart = linkage.merge(vectors, start, (np.array([2]), np.array([3])), 0.5)
    assert len(set(apart.tolist())) == 3


def test_merge_never_joins_two_people_of_one_photo() -> None:
    vectors = cloud(50, 3, 2)
    photos = np.random.default_rng(3).integers(0, 12, 50)
    known = Constraints.of(vectors, photos, None, sure=0.0)
    low, high, _ = neighbours.build(vectors, 49).edges(np.inf)
    labels = linkage.merge(vectors, np.arange(50), (low, high), np.inf, known)
    for group in linkage.members(labels):
        assert len(set(photos[group].tolist())) == len(group)
    assert len(known.conflicting(labels)) == 0
    assert len(set(labels.tolist())) < 12


def test_separate_touches_only_groups_in_conflict() -> None:
    vectors = np.array([[0.0], [0.1], [1.0], [1.1], [9.0], [9.1]], np.float32)
    labels = np.array([0, 0, 0, 0, 1, 1])
    known = Constraints.of(vectors, [1, 2, 1, 2, 3, 4], None, sure=0.05)
    parts = linkage.separate(vectors, labels, known)
    assert parts[0] == parts[1] != parts[2] == parts[3]
    assert parts[4:].tolist() == [1, 1]
    assert known.conflicting(labels).tolist() == [0]


def test_faces_of_a_photo_that_are_surely_one_person_do_not_conflict() -> None:
    vectors = np.array([[0.0], [0.01], [3.0]], np.float32)
    known = Constraints.of(vectors, [7, 7, 7], None, sure=0.1)
    assert known.conflicting(np.array([0, 0, 1])).tolist() == []
    assert known.conflicting(np.array([0, 1, 1])).tolist() == [1]


@pytest.mark.parametrize("seed", range(4))
def test_density_is_hdbscan_on_a_full_graph(seed: int) -> None:
    """Blobs of different density, far enough from each other for all faces together to be no group."""
    from sklearn.cluster import HDBSCAN

    rng = np.random.default_rng(seed)
    blobs = [cloud(13, 10 * seed + blob) * (0.1 + 0.2 * blob) + rng.uniform(0, 9, 3) for blob in range(5)]
    vectors = np.concatenate(blobs).astype(np.float32)
    edges = neighbours.build(vectors, 64).edges(np.inf)
    labels = density.groups(65, edges, longest=1e9, shortest=1e-9)
    expected = HDBSCAN(min_cluster_size=2, min_samples=1, copy=True).fit_predict(vectors.astype(np.float64))
    assert len(set(expected.tolist())) > 2
    assert pairwise(labels, expected).f == 1


@pytest.mark.parametrize("band", [1, 40, 300])
def test_density_does_not_depend_on_how_many_edges_are_compared_at_a_time(band: int) -> None:
    vectors = np.round(cloud(400, 9, 4), 1)  # rounded, so that many distances are equal
    edges = neighbours.build(vectors, 8).edges(np.inf)
    expected = density.groups(400, edges, 1.0, 0.01)
    assert 5 < len(set(expected.tolist())) < 300
    assert (density.groups(400, edges, 1.0, 0.01, band=band) == expected).all()


def test_density_divides_where_the_parts_live_longer() -> None:
    """Two tight groups that one long edge connects are two; two that lie side by side are one."""

    def found(gap: float) -> int:
        vectors = np.array([[x] for x in (0, 0.1, 0.2, 0.2 + gap, 0.3 + gap, 0.4 + gap)], np.float32)
        edges = neighbours.build(vectors, 5).edges(1.0)
        return len(set(density.groups(6, edges, 1.0, 0.01).tolist()))

    assert found(0.8) == 2
    assert found(0.11) == 1


def test_density_of_nothing() -> None:
    none = np.zeros(0, np.int32)
    edges = (none, none, np.zeros(0, np.float32))
    assert density.groups(0, edges, 1.0, 0.1).tolist() == []
    assert density.groups(3, edges, 1.0, 0.1).tolist() == [0, 1, 2]


def test_two_tight_groups_near_each_other_stay_two_where_asked() -> None:
    """Siblings: each group far tighter than the gap, though the gap is below the limit."""
    vectors = np.concatenate([cloud(6, 7) * 0.03, cloud(6, 8) * 0.03 + np.array([0.4, 0, 0], np.float32)])
    low, high, _ = neighbours.build(vectors, 11).edges(np.inf)
    start = np.repeat([0, 1], 6)
    assert len(set(linkage.merge(vectors, start, (low, high), 0.5).tolist())) == 1
    assert len(set(linkage.merge(vectors, start, (low, high), 0.5, sure=0.3).tolist())) == 2
    assert len(set(linkage.merge(vectors, start, (low, high), 0.5, sure=0.45).tolist())) == 1
    loose = np.concatenate([cloud(6, 7) * 0.2, cloud(6, 8) * 0.2 + np.array([0.3, 0, 0], np.float32)])
    assert len(set(linkage.merge(loose, start, (low, high), 0.9, sure=0.3).tolist())) == 1
    pairs = np.array([0, 6])  # too few faces to know how tight their groups are
    assert (
        len(
            set(
                linkage.merge(
                    vectors[pairs], np.array([0, 1]), (np.array([0]), np.array([1])), 0.5, sure=0.1
                ).tolist()
            )
        )
        == 1
    )


def test_a_large_group_takes_in_what_is_no_farther_than_its_own_faces() -> None:
    """At a limit below the large group's own distances nothing else would join it; nor does it join a small one."""
    rng = np.random.default_rng(0)
    large = rng.normal(size=(linkage.LARGE, 64))
    part, far = rng.normal(size=(3, 64)), rng.normal(size=(3, 64)) + 1.5
    vectors = np.concatenate([large, part, far]).astype(np.float32)
    inside = float(np.sqrt(2 * 64))  # of points of variance 1 in 64 dimensions
    groups = np.repeat([0, 1, 2], [linkage.LARGE, 3, 3])
    low, high, _ = neighbours.build(vectors, len(vectors) - 1).edges(np.inf)
    limit = 0.9 * inside
    joined = linkage.merge(vectors, groups, (low, high), limit, sure=0.3 * inside)
    assert joined[0] == joined[linkage.LARGE]
    assert joined[-1] != joined[0]
    too_far = linkage.merge(vectors, groups, (low, high), 0.8 * inside, sure=0.3 * inside)
    assert len(set(too_far.tolist())) == 3
    smaller = np.arange(linkage.LARGE + 6) > 0
    pairs = neighbours.build(vectors[smaller], len(vectors) - 2).edges(np.inf)[:2]
    alone = linkage.merge(vectors[smaller], groups[smaller], pairs, limit, sure=0.3 * inside)
    assert len(set(alone.tolist())) == 3
