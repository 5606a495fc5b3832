"""The stored graph is the one that would be made anew, whatever came or went and whatever is in the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceid_core.vectors import neighbour_cache, neighbours
from faceid_core.vectors.neighbours import NeighbourGraph

IDS = np.arange(10, 4510, 3)


@pytest.fixture
def vectors() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(len(IDS), 16)).astype(np.float32)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "graphs" / "dlib.npz"


def same(graph: NeighbourGraph, vectors: np.ndarray) -> None:
    fresh = neighbours.build(vectors)
    np.testing.assert_array_equal(graph.indices, fresh.indices)
    np.testing.assert_allclose(graph.distances, fresh.distances, rtol=1e-6)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many faces were compared with all others, each time that a graph was made from nothing."""
    sizes: list[int] = []
    build = neighbours.build

    def counted(vectors: np.ndarray, *args: object) -> NeighbourGraph:
        sizes.append(len(vectors))
        return build(vectors, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(neighbours, "build", counted)
    return sizes


def test_it_is_made_once(file: Path, vectors: np.ndarray, built: list[int]) -> None:
    first = neighbour_cache.graph_of(file, IDS, vectors)
    again = neighbour_cache.graph_of(file, IDS, vectors)
    assert built == [len(IDS)]
    np.testing.assert_array_equal(first.indices, again.indices)
    np.testing.assert_array_equal(first.distances, again.distances)
    same(again, vectors)
    assert [path.name for path in file.parent.iterdir()] == ["dlib.npz"]


@pytest.mark.parametrize("changed", ["came", "went", "both", "other vectors"])
def test_few_changes_are_taken_in(file: Path, vectors: np.ndarray, built: list[int], changed: str) -> None:
    before, after = np.arange(len(IDS)), np.arange(len(IDS))
    if changed in {"came", "both"}:
        before = np.delete(before, [3, 50, len(IDS) - 1])  # a face with an old id may come back
    if changed in {"went", "both"}:
        after = np.delete(after, [0, 200])
    stored = vectors.copy()
    if changed == "other vectors":
        stored[7] += 0.1
    neighbour_cache.graph_of(file, IDS[before], stored[before])
    graph = neighbour_cache.graph_of(file, IDS[after], vectors[after])
    assert built == [len(before)]
    same(graph, vectors[after])
    same(neighbour_cache.graph_of(file, IDS[after], vectors[after]), vectors[after])


def test_many_changes_are_not_taken_in_one_by_one(file: Path, vectors: np.ndarray, built: list[int]) -> None:
    neighbour_cache.graph_of(file, IDS[:500], vectors[:500])
    neighbour_cache.graph_of(file, IDS, vectors)
    assert built == [500, len(IDS)]


def test_one_by_one(file: Path, vectors: np.ndarray, built: list[int]) -> None:
    """From one face to many: the lists are shorter than they will be, and a face may be new to all others."""
    for count in [*range(1, 80, 4), 100, 103]:
        same(neighbour_cache.graph_of(file, IDS[:count], vectors[:count]), vectors[:count])
    assert built.count(103) == 1  # the test's own: three faces more were put into their places


@pytest.mark.slow
def test_a_crowd_of_equal_new_faces(file: Path, vectors: np.ndarray) -> None:
    """More of them than a list holds, and nearer than all that a face had."""
    vectors = np.repeat(vectors, 3, axis=0)
    vectors[-80:] = vectors[0]
    ids = np.arange(len(vectors))
    neighbour_cache.graph_of(file, ids[:-80], vectors[:-80])
    graph = neighbour_cache.graph_of(file, ids, vectors)
    np.testing.assert_allclose(graph.distances, neighbours.build(vectors).distances, atol=1e-6)
    assert (graph.indices != ids[:, None]).all()
    assert all(len(set(row)) == graph.k for row in graph.indices.tolist())


@pytest.mark.parametrize("damage", ["cut off", "a byte", "not a graph", "other shapes"])
def test_a_damaged_file_is_replaced(file: Path, vectors: np.ndarray, damage: str) -> None:
    neighbour_cache.graph_of(file, IDS, vectors)
    data = bytearray(file.read_bytes())
    if damage == "cut off":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "a byte":
        data[len(data) // 2] ^= 0x40
        file.write_bytes(data)
    elif damage == "not a graph":
        file.write_text("graph")
    else:
        np.savez(file, ids=IDS, checks=IDS, indices=np.zeros((3, 2)), distances=np.zeros((3, 2)))
    same(neighbour_cache.graph_of(file, IDS, vectors), vectors)
    same(neighbour_cache.graph_of(file, IDS, vectors), vectors)


def test_a_folder_that_can_not_be_written_costs_time_only(tmp_path: Path, vectors: np.ndarray) -> None:
    (tmp_path / "graphs").write_text("in the way")
    same(neighbour_cache.graph_of(tmp_path / "graphs" / "dlib.npz", IDS, vectors), vectors)


def test_no_face_at_all(file: Path, vectors: np.ndarray) -> None:
    assert len(neighbour_cache.graph_of(file, IDS[:0], vectors[:0])) == 0
    same(neighbour_cache.graph_of(file, IDS, vectors), vectors)
    assert len(neighbour_cache.graph_of(file, IDS[:0], vectors[:0])) == 0
