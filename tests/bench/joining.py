"""New faces joining groups, beside grouping everybody anew, on Labeled Faces in the Wild; and the time at scale.

    PYTHONPATH=. python tests/bench/joining.py CACHE.npz [--faces 100000] [--new 1000]

CACHE.npz is what tests/bench/grouping.py keeps. For the scores a tenth of the faces comes later, over five random
tenths. For the time, faces are drawn around the means of the real people, moved by as much as people differ.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from faceid_core.clustering.clusterers import cluster, default_threshold
from faceid_core.clustering.incremental import ClusteredFaces, join
from faceid_core.clustering.metrics import bcubed, pairwise
from faceid_core.values import Ints, Vectors
from faceid_core.vectors.neighbour_cache import graph_of
from faceid_core.vectors.neighbours import build, on_sphere

ALGORITHM = "density-linkage"
ROUNDS = 5


def faces_of(vectors: Vectors, photos: Ints, quality: np.ndarray, numbers: Ints) -> ClusteredFaces:
    return ClusteredFaces(vectors, photos, quality, numbers, np.full(len(vectors), -1, np.int64))


def scores(stored: dict[str, np.ndarray], limit: float) -> None:
    vectors, photos, quality = stored["vectors"], stored["photo"], stored["quality"]
    scored, names = stored["middle"], stored["name"]
    print("             pairs P      R      F      BCubed F")
    for title, labels in (
        ("all at once", [cluster(ALGORITHM, vectors, threshold=limit, photos=photos, quality=quality)]),
        ("a tenth joins", [_a_tenth_later(vectors, photos, quality, limit, seed) for seed in range(ROUNDS)]),
    ):
        pairs = [pairwise(each[scored], names[scored]) for each in labels]
        cubed = [bcubed(each[scored], names[scored]) for each in labels]
        means = [np.mean([getattr(one, what) for one in pairs]) for what in ("precision", "recall", "f")]
        print(f"{title:13}" + "".join(f"{mean:7.4f}" for mean in (*means, np.mean([one.f for one in cubed]))))


def _a_tenth_later(vectors: Vectors, photos: Ints, quality: np.ndarray, limit: float, seed: int) -> Ints:
    new = np.random.default_rng(seed).permutation(len(vectors))[: len(vectors) // 10]
    old = np.setdiff1d(np.arange(len(vectors)), new)
    numbers = np.zeros(len(vectors), np.int64)
    first = cluster(ALGORITHM, vectors[old], threshold=limit, photos=photos[old], quality=quality[old])
    numbers[old] = first + 1
    everybody, graph = faces_of(vectors, photos, quality, numbers), build(vectors)
    joined = join(everybody, np.sort(new), graph, algorithm=ALGORITHM, limit=limit)
    return np.where(joined > 0, joined, -1)


def timing(stored: dict[str, np.ndarray], limit: float, count: int, new: int) -> None:
    """Groups are given, not found: what is timed is the stored graph's growth, and the joining."""
    rng = np.random.default_rng(0)
    people = count // 20
    real, names = stored["vectors"], np.unique(stored["name"], return_inverse=True)[1]
    spread = np.concatenate([real[names == n] - real[names == n].mean(axis=0) for n in np.unique(names)
                             if (names == n).sum() > 3])  # fmt: skip
    middle = real[rng.integers(0, len(real), people)] + rng.normal(0, 0.03, (people, real.shape[1]))
    person = rng.integers(0, people, count + new)
    vectors = (middle[person] + spread[rng.integers(0, len(spread), count + new)]).astype(np.float32)
    numbers = person + 1
    numbers[rng.random(count + new) < 0.2] = 0
    numbers[count:] = 0
    everybody = faces_of(vectors, np.arange(count + new), np.ones(count + new, np.float32), numbers)
    with TemporaryDirectory() as folder:
        file, ids = Path(folder, "graph.npz"), np.arange(count + new)
        graph_of(file, ids[:count], vectors[:count])
        started, cpu = time.perf_counter(), time.process_time()
        graph = graph_of(file, ids, vectors)
        print(f"graph brought up to date: {time.perf_counter() - started:.1f} s")
        joined = join(everybody, ids[count:], graph, algorithm=ALGORITHM, limit=limit)
        spent = time.perf_counter() - started
    share = (joined[count:] > 0).mean()
    print(f"{new:,} into {count:,}: {spent:.1f} s ({time.process_time() - cpu:.1f} CPU s); {share:.0%} joined")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--faces", type=int, default=100_000)
    parser.add_argument("--new", type=int, default=1000)
    options = parser.parse_args()
    stored = dict(np.load(options.cache))
    stored["vectors"] = on_sphere(stored["vectors"])
    limit = default_threshold(ALGORITHM, str(stored["embedder"]))
    scores(stored, limit)
    timing(stored, limit, options.faces, options.new)


if __name__ == "__main__":
    main()
