"""Seconds, memory and scores of grouping many faces, beside other methods, in one run.

    PYTHONPATH=. python tests/bench/grouping_scale.py CACHE.npz --faces 10000 [--others] [--map]

CACHE.npz is what tests/bench/grouping.py keeps; the faces are drawn after it, see synthetic.py. --check groups the
real faces and as many drawn ones, to see that these are like those. --others also runs scikit-learn's HDBSCAN,
fast_hdbscan (install it first) and dlib's Chinese whispers. --map draws the map.
Wall seconds depend on what else the machine does; processor seconds are of all cores together.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from faceid_core.clustering.clusterers import cluster, default_threshold
from faceid_core.clustering.metrics import bcubed, pairwise
from faceid_core.values import Ints, Vectors
from faceid_core.vectors import neighbours, projection
from tests.bench.synthetic import Population, like_lfw, long_tailed

T = TypeVar("T")
PROBES = 1000


def timed(title: str, work: Callable[[], T]) -> T:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    spent = f"{time.perf_counter() - wall:8.1f} s wall {time.process_time() - cpu:8.1f} s processor"
    print(f"{title:22}{spent}, peak so far {peak:.2f} GB", flush=True)
    return result


def score(title: str, labels: Ints, truth: Ints) -> None:
    pairs, cubed = pairwise(labels, truth), bcubed(labels, truth)
    print(
        f"{title:22}pairs {pairs.precision:.4f} {pairs.recall:.4f} {pairs.f:.4f}  "
        f"BCubed {cubed.precision:.4f} {cubed.recall:.4f} {cubed.f:.4f}",
        flush=True,
    )


def recall(vectors: Vectors, graph: neighbours.NeighbourGraph) -> float:
    """Share of the true nearest neighbours that the graph has, of PROBES faces."""
    import faiss

    rows = np.random.default_rng(0).choice(len(vectors), PROBES, replace=False)
    true = faiss.knn(vectors[rows], vectors, graph.k + 1)[1]
    pairs = zip(graph.indices[rows], true, rows, strict=True)
    return float(np.mean([np.isin(best[best != row], found).mean() for found, best, row in pairs]))


def ours(vectors: Vectors, truth: Ints, embedder: str, photos: Ints | None = None) -> Ints:
    threshold = default_threshold("density-linkage", embedder)
    graph = timed("neighbour graph", lambda: neighbours.build(vectors))
    print(f"{'recall of the graph':22}{recall(vectors, graph):.4f}")
    labels = timed(
        "density-linkage", lambda: cluster("density-linkage", vectors, graph, threshold=threshold, photos=photos)
    )
    score("density-linkage", labels, truth)
    return labels


def others(vectors: Vectors, truth: Ints, embedder: str) -> None:
    """Each on the vectors as they come from the embedder, at the parameters that are best for LFW."""
    import fast_hdbscan
    from sklearn.cluster import HDBSCAN

    def whispers() -> Ints:
        return cluster("chinese-whispers", vectors, threshold=default_threshold("chinese-whispers", embedder))

    score("Chinese whispers", timed("Chinese whispers", whispers), truth)
    fast = fast_hdbscan.HDBSCAN(min_cluster_size=3, min_samples=1)
    score("fast_hdbscan", timed("fast_hdbscan", lambda: np.asarray(fast.fit_predict(vectors))), truth)
    if len(vectors) <= 20_000:  # its time grows with the square
        model = HDBSCAN(min_cluster_size=3, min_samples=1, copy=True)
        score("scikit-learn HDBSCAN", timed("scikit-learn HDBSCAN", lambda: model.fit_predict(vectors)), truth)


def check(population: Population, real: Vectors, names: Ints, embedder: str) -> None:
    """Real faces, as many drawn ones, and a drawn set like the rest of LFW."""
    sphere = neighbours.on_sphere
    ours(sphere(real), names, embedder)
    for sizes in (population.size, like_lfw(population.size, 4593, 3257, 1)):
        vectors, truth = population.draw(sizes, 0)
        print(f"drawn: {len(truth):,} faces of {len(sizes):,} people")
        ours(sphere(vectors), truth, embedder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache")
    parser.add_argument("--faces", type=int, default=10_000)
    for flag in ("--others", "--map", "--check"):
        parser.add_argument(flag, action="store_true")
    options = parser.parse_args()
    stored = np.load(options.cache)
    real, names, embedder = stored["vectors"], stored["name"], str(stored["embedder"])
    real, names = real[stored["middle"]], np.unique(names[stored["middle"]], return_inverse=True)[1]
    population = Population.fit(real, names)
    if options.check:
        check(population, real, names, embedder)
        return
    sizes = long_tailed(options.faces, 0)
    # Without lookalikes: of a hundred thousand people drawn near 1,156 real ones most would be doubles.
    raw, truth = population.draw(sizes, 0, novelty=1.0)
    print(f"{len(truth):,} faces of {len(sizes):,} people")
    vectors = neighbours.on_sphere(raw)
    ours(vectors, truth, embedder)
    if options.others:
        others(raw, truth, embedder)
    if options.map:
        timed("map (UMAP)", lambda: projection.project("umap", vectors, neighbours.build(vectors, 16)))


if __name__ == "__main__":
    main()
