"""Peak memory and processor time of grouping, as large as wanted: vectors and graph are drawn, not computed.

    PYTHONPATH=. python -m tests.bench.grouping_memory 3000000 [--plain]

People of 73 faces, each of which lists 64 of the others, so that there are 36 edges a face as in the libraries of
tests/bench/grouping_scale.py; every fifth face is of somebody alone. Photos of three faces, names for one face in
ten, and a quality by which one face in seven may found no group; --plain leaves these out. Vectors, graph and
interpreter are in the figure.
"""

from __future__ import annotations

import argparse
import resource
import time
from typing import Any

import numpy as np

from faceid_core.clustering.clusterers import cluster, default_threshold
from faceid_core.values import Ints, Vectors
from faceid_core.vectors.neighbours import DEFAULT_K, NeighbourGraph, on_sphere

EACH, ALONE, BLOCK = 73, 0.2, 73 * 1000
NEAR, FAR = 0.30, 0.9
"""Distances in the graph: of faces of one person, up to 0.1 more, and of others."""


def draw(faces: int) -> tuple[Vectors, NeighbourGraph, Ints]:
    """Vectors, their graph, and the person of each."""
    rng = np.random.default_rng(0)
    together = int(faces * (1 - ALONE)) // EACH * EACH
    vectors = np.empty((faces, 128), np.float32)
    graph = NeighbourGraph(np.empty((faces, DEFAULT_K), np.int32), np.empty((faces, DEFAULT_K), np.float32))
    person = np.concatenate([np.arange(together) // EACH, together + np.arange(faces - together)])
    others = (np.arange(EACH)[:, None] + np.arange(1, DEFAULT_K + 1)) % EACH
    for start in range(0, faces, BLOCK):
        rows = np.arange(start, min(start + BLOCK, faces))
        size = len(rows)
        middle = rng.standard_normal((size, 128), np.float32)[np.unique(person[rows], return_inverse=True)[1]]
        some = on_sphere(middle + np.float32(0.2) * rng.standard_normal((size, 128), np.float32))
        known = rows < together
        listed = rng.integers(0, faces, (size, DEFAULT_K))
        listed[known] = (rows // EACH * EACH)[known, None] + others[(rows % EACH)[known]]
        apart = rng.uniform(0, 0.1, (size, DEFAULT_K)) + np.where(known, NEAR, FAR)[:, None]
        vectors[rows], graph.indices[rows], graph.distances[rows] = some, listed, np.sort(apart, axis=1)
    return vectors, graph, person


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=int)
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()
    vectors, graph, person = draw(options.faces)
    rng, known = np.random.default_rng(1), dict[str, Any]()
    if not options.plain:
        names = np.where((rng.uniform(size=len(person)) < 0.1) & (person < person.max() // 2), person, -1)
        photos = rng.permutation(len(person)) // 3
        known = {"photos": photos, "quality": rng.uniform(0.3, 1, len(person)), "people": names}
    before, cpu = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, time.process_time()
    threshold = default_threshold("density-linkage", "dlib-resnet+mirror")
    labels = cluster("density-linkage", vectors, graph, threshold=threshold, **known)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{options.faces:,} faces, {labels.max() + 1:,} groups: {peak:.2f} GB at most, {before:.2f} before; "
        f"{time.process_time() - cpu:.0f} s of the processor"
    )


if __name__ == "__main__":
    main()
