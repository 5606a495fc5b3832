"""How often suggestions are right, on Labeled Faces in the Wild, for limits and margins.

    PYTHONPATH=. python tests/bench/suggestions.py CACHE.npz

CACHE.npz is what tests/bench/grouping.py keeps. Half of the faces of everybody with two or more get their name; all
others are asked about, among them everybody with a single photo, who is a stranger. Over five random halves:
precision is the share of suggestions that name the right person, recall the share of named people's other faces.
"""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np

from faceid_core import clustering
from faceid_core.neighbours import on_sphere
from faceid_core.suggestions import suggest
from faceid_core.values import Ints, Known, Vectors

ROUNDS = 5


def main(cache: str) -> None:
    stored = np.load(cache)
    vectors, names = on_sphere(stored["vectors"][stored["middle"]]), stored["name"][stored["middle"]]
    groups = clustering.cluster("density-linkage", vectors, threshold=0.48)
    print(f"{len(names)} faces of {len(set(names))} people")
    print("limit margin  precision recall")
    for limit in (0.40, 0.43, 0.46, 0.49, 0.52):
        for margin in (1.0, 0.9, 0.85, 0.8):
            right, wrong, wanted = np.sum(
                [tried(vectors, names, groups, limit, margin, seed) for seed in range(ROUNDS)], 0
            )
            print(f"{limit:.2f}  {margin:.2f}    {right / max(right + wrong, 1):.4f}    {right / wanted:.4f}")


def tried(
    vectors: Vectors, names: np.ndarray, groups: Ints, limit: float, margin: float, seed: int
) -> tuple[int, int, int]:
    """(right suggestions, wrong ones, faces that deserve one) for one random half."""
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    people, counts = np.array([numbers[name] for name in names]), Counter(names)
    rng = np.random.default_rng(seed)
    named = np.zeros(len(names), bool)
    for name, count in counts.items():
        mine = rng.permutation(np.flatnonzero(names == name))
        named[mine[: count // 2]] = True
    ids = np.arange(len(names))
    known = Known(ids[named], people[named], vectors[named])
    asked = np.flatnonzero(~named)
    made = suggest(ids[asked], vectors[asked], known, limit=limit, margin=margin, groups=groups[asked])
    right = sum(one.person == people[one.face] for one in made)
    wanted = int(np.isin(people[~named], people[named]).sum())
    return right, len(made) - right, wanted


if __name__ == "__main__":
    main(sys.argv[1])
