"""What names given before do for a grouping: of the faces without a name, and of all.

    PYTHONPATH=. python tests/bench/knowledge.py CACHE.npz

CACHE.npz is what tests/bench/grouping.py keeps. Of the faces of people with three photos and more a share has
its name. LFW as it is, and a drawn set like the rest of LFW (see synthetic.py); as if nobody had a
name, and with names.
"""

from __future__ import annotations

import sys

import numpy as np

from faceid_core.clustering.clusterers import cluster, default_threshold
from faceid_core.clustering.metrics import bcubed
from faceid_core.values import Ints, Vectors
from faceid_core.vectors import neighbours
from tests.bench.synthetic import Population, like_lfw

SHARES = (0.1, 0.3, 0.6)


def report(title: str, vectors: Vectors, truth: Ints, embedder: str) -> None:
    sphere = neighbours.on_sphere(vectors)
    graph, threshold = neighbours.build(sphere), default_threshold("density-linkage", embedder)
    several, rng = np.bincount(truth)[truth] > 2, np.random.default_rng(0)
    for share in SHARES:
        people = np.where(several & (rng.random(len(truth)) < share), truth, -1)
        for how, named_as in (("no names", None), ("names", people)):
            labels = cluster("density-linkage", sphere, graph, threshold=threshold, people=named_as)
            rest, every = bcubed(labels[people < 0], truth[people < 0]), bcubed(labels, truth)
            print(
                f"{title:8} {share:.0%} {how:9} BCubed F of the others {rest.f:.4f}, of all {every.f:.4f}",
                flush=True,
            )


def main(cache: str) -> None:
    stored = np.load(cache)
    vectors, names = stored["vectors"][stored["middle"]], stored["name"][stored["middle"]]
    population, embedder = Population.fit(vectors, names), str(stored["embedder"])
    report("LFW", vectors, np.unique(names, return_inverse=True)[1], embedder)
    report("drawn", *population.draw(like_lfw(population.size, 4593, 3257, 1), 0), embedder)


if __name__ == "__main__":
    main(sys.argv[1])
