"""How often suggestions, pairs and doubts are right, on Labeled Faces in the Wild, for limits and margins.

    PYTHONPATH=. python tests/bench/suggestions.py CACHE.npz

CACHE.npz is what tests/bench/grouping.py keeps. Half of the faces of everybody with two or more get their name; all
others are asked about, among them everybody with a single photo, who is a stranger. Over five random halves:
precision is the share of suggestions that name the right person, recall the share of named people's other faces.

Then the faces of everybody with four and more are divided at random between two names: which pairs of names are
taken for one person? And 3 of 100 of their names are made wrong, half of them to be the nearest other person's:
which are doubted?
"""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np

from faceid_core.clustering import clusterers
from faceid_core.review import label_errors, merge_candidates
from faceid_core.review.identity import suggest
from faceid_core.values import GalleryFaces, Ints, Vectors
from faceid_core.vectors import neighbours
from faceid_core.vectors.neighbours import on_sphere

ROUNDS = 5


def main(cache: str) -> None:
    stored = np.load(cache)
    vectors, names = on_sphere(stored["vectors"][stored["middle"]]), stored["name"][stored["middle"]]
    groups = clusterers.cluster("density-linkage", vectors, threshold=0.48)
    print(f"{len(names)} faces of {len(set(names))} people")
    print("limit margin  precision recall")
    for limit in (0.40, 0.43, 0.46, 0.49, 0.52):
        for margin in (1.0, 0.9, 0.85, 0.8):
            right, wrong, wanted = np.sum(
                [tried(vectors, names, groups, limit, margin, seed) for seed in range(ROUNDS)], 0
            )
            print(f"{limit:.2f}  {margin:.2f}    {right / max(right + wrong, 1):.4f}    {right / wanted:.4f}")

    people = np.unique(names, return_inverse=True)[1]
    for seed in range(ROUNDS):
        print("pairs: " + in_two(vectors, people, seed) + "; doubts: " + mislabelled(vectors, people, seed))


def in_two(vectors: Vectors, people: Ints, seed: int) -> str:
    rng = np.random.default_rng(seed)
    second = np.zeros(len(people), bool)
    divided = np.flatnonzero(np.bincount(people) >= 4)
    for person in divided:
        faces = rng.permutation(np.flatnonzero(people == person))
        second[faces[: rng.integers(1, len(faces) // 2 + 1)]] = True
    groups, graph = 2 * people + second, neighbours.build(vectors)
    found = merge_candidates.likely_pairs(
        vectors, groups, np.arange(len(people)), graph, threshold=0.48, cannot_link=np.empty((0, 2), np.int64)
    )
    right = [pair.one // 2 == pair.other // 2 for pair in found]
    sizes = np.bincount(groups)
    large = [max(sizes[pair.one], sizes[pair.other]) >= merge_candidates.SEVERAL for pair in found]
    of_large = sum(one for one, is_large in zip(right, large, strict=True) if is_large)
    return (
        f"{sum(right)} of {len(divided)} found, {len(found)} asked; of large ones {of_large} of {sum(large)} right"
    )


def mislabelled(vectors: Vectors, people: Ints, seed: int) -> str:
    rng, graph = np.random.default_rng(seed), neighbours.build(vectors)
    named = np.bincount(people)[people] >= 4
    named_as = np.where(named, people, -1)
    for place, face in enumerate(rng.choice(np.flatnonzero(named), int(0.03 * named.sum()), replace=False)):
        others = named_as[graph.indices[face]] if place % 2 else rng.permutation(named_as[named])
        named_as[face] = next((who for who in others if who not in (-1, people[face])), named_as[named][0])
    found = label_errors.doubtful(label_errors.Named(vectors, named_as), graph, threshold=0.48)
    wrong = set(np.flatnonzero(named & (named_as != people)).tolist())
    return f"{len(wrong & {doubt.face for doubt in found})} of {len(wrong)} found, {len(found)} asked"


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
    known = GalleryFaces(ids[named], people[named], vectors[named])
    asked = np.flatnonzero(~named)
    made = suggest(ids[asked], vectors[asked], known, limit=limit, margin=margin, groups=groups[asked], less_sure=1)
    right = sum(one.person == people[one.face] for one in made)
    wanted = int(np.isin(people[~named], people[named]).sum())
    return right, len(made) - right, wanted


if __name__ == "__main__":
    main(sys.argv[1])
