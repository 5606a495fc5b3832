"""Lays out faces on a plane so that similar faces are near each other.

Every projector is called as f(vectors, graph, *, seed=0) -> (N, 2) float32, finite for any N and repeatable.
vectors: (N, D) float32.  graph: their NeighbourGraph.
"""

from __future__ import annotations

import warnings
from typing import Protocol

import numpy as np
import numpy.typing as npt

from faceid_core.errors import UnknownChoice
from faceid_core.values import Vectors
from faceid_core.vectors import faiss_kernels, neighbours
from faceid_core.vectors.neighbours import NeighbourGraph

Plane = npt.NDArray[np.float32]


class Projector(Protocol):
    """See the module docstring."""

    def __call__(self, vectors: Vectors, graph: NeighbourGraph, *, seed: int = 0) -> Plane: ...


def pca(vectors: Vectors, graph: NeighbourGraph | None, *, seed: int = 0) -> Plane:
    """Project onto the first two principal components (Pearson 1901). Fast; graph and seed are ignored."""
    plane = np.zeros((len(vectors), 2), np.float32)
    if len(vectors) > 1:
        centred = vectors - vectors.mean(axis=0)
        _, directions = np.linalg.eigh(np.cov(centred, rowvar=False).reshape(centred.shape[1], -1))
        axes = directions[:, ::-1][:, :2]
        signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])  # eigenvectors have no sign
        plane[:, : axes.shape[1]] = centred @ (axes * signs)
    return plane


UMAP_NEIGHBOURS = 15
UMAP_LEAST = 16
"""Fewer faces have no neighbourhoods to preserve; PCA shows them as well."""


def umap(vectors: Vectors, graph: NeighbourGraph, *, seed: int = 0) -> Plane:
    """UMAP (McInnes, Healy and Melville 2018) of the shared graph, initialised with PCA so that runs are similar.

    Fewer than UMAP_LEAST faces, or a graph with fewer than 2 neighbours, are laid out by PCA.
    """
    count = min(UMAP_NEIGHBOURS, graph.k + 1)
    if len(vectors) < UMAP_LEAST or count < 3:
        return pca(vectors, graph)
    from umap import UMAP

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="precomputed_knn")  # new faces are not transformed here
        warnings.filterwarnings("ignore", message="n_jobs value")
        model = UMAP(
            n_neighbors=count,
            min_dist=0.1,
            init=_start(pca(vectors, graph), seed),
            random_state=seed,
            n_jobs=1,
            precomputed_knn=_with_self(graph, count),
        )
        plane = np.asarray(model.fit_transform(vectors), np.float32)
    lost = ~np.isfinite(plane).all(axis=1)  # UMAP returns NaN for points without neighbours
    plane[lost] = np.nanmean(plane[~lost], axis=0) if (~lost).any() else 0
    return plane


def _with_self(graph: NeighbourGraph, count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Convert the graph to UMAP's form: exactly `count` columns, the first of which is the face itself at distance
    0.

    With fewer than 4096 rows, umap 0.5.12 does not drop columns beyond n_neighbors, so they are dropped here.
    """
    own = np.arange(len(graph))[:, None]
    indices = np.concatenate([own, graph.indices[:, : count - 1]], axis=1)
    zeros = np.zeros((len(graph), 1), np.float32)
    return indices, np.concatenate([zeros, graph.distances[:, : count - 1]], axis=1)


def _start(plane: Plane, seed: int) -> Plane:
    """Return an initial layout about 10 wide, like UMAP's own, with equal points slightly apart."""
    width = float(np.abs(plane).max()) or 1.0
    noise = np.random.default_rng(seed).normal(scale=1e-3, size=plane.shape)
    return (plane * (10 / width) + noise).astype(np.float32)


PROJECTORS: dict[str, Projector] = {"umap": umap, "pca": pca}


def project(name: str, vectors: Vectors, graph: NeighbourGraph | None = None, *, seed: int = 0) -> Plane:
    """Project with the named projector, (N, 2) float32. Builds the graph if none is given. Raises UnknownChoice."""
    projector = PROJECTORS.get(name)
    if projector is None:
        raise UnknownChoice(f"There is no projector {name!r}; choose one of {', '.join(PROJECTORS)}.")
    graph = neighbours.build(vectors) if graph is None else graph
    return projector(vectors, graph, seed=seed)


PLACED_BY = 10
"""Number of nearest faces on the map that determine the place of a new one."""


def place(vectors: Vectors, on_map: npt.NDArray[np.bool_], plane: Plane) -> Plane:
    """Add faces to a map, (N, 2) float32. Faces on the map stay; new ones are placed among their nearest faces
    there.

    vectors: (N, D); on_map: (N,); plane: positions of the faces on the map, (on_map.sum(), 2), at least one. A new
    face is placed at the mean of its nearest ones, weighted by 1 / squared distance: they often belong to the same
    person, and then the new face is placed with that person.
    """
    faiss = faiss_kernels.faiss()

    placed = np.empty((len(vectors), 2), np.float32)
    placed[on_map] = plane
    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors[on_map], np.float32))
    squared, near = index.search(np.ascontiguousarray(vectors[~on_map], np.float32), min(PLACED_BY, len(plane)))
    weights = 1 / np.maximum(squared, 1e-6)
    placed[~on_map] = (plane[near] * weights[:, :, None]).sum(axis=1) / weights.sum(axis=1, keepdims=True)
    return placed
