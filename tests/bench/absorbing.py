"""Scores without and with the last step of grouping, in which large groups absorb the rest of their person.

    PYTHONPATH=. python tests/bench/absorbing.py CACHE.npz [OTHER.npz]...

CACHE.npz is what tests/bench/grouping.py keeps of LFW; the others, made in the same way from any folders, are faces
without ground truth that take part. Grouped are LFW, its people in random halves, and drawn libraries like the rest
of LFW, with a person of 530 photos (see synthetic.py), in which LFW's bystanders and the others take part, too.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np

from faceid_core.clustering import absorption
from faceid_core.clustering.clusterers import cluster, default_threshold
from faceid_core.clustering.metrics import bcubed, pairwise
from faceid_core.values import Ints, Vectors
from faceid_core.vectors import neighbours
from tests.bench.synthetic import Population, like_lfw

DRAWS, NOVELTIES = 4, (0.5, 0.55, 0.6)
NOBODY = -1

Faces = tuple[Vectors, Ints, np.ndarray, Ints]
"""Vectors, photos, quality and the person of each face, NOBODY for those that are not scored."""


def read(path: Path) -> Faces:
    stored = np.load(path)
    person = np.where(stored["middle"], np.unique(stored["name"], return_inverse=True)[1], NOBODY)
    return stored["vectors"], stored["photo"], stored["quality"], person


def together(parts: list[Faces]) -> Faces:
    """In one library; what is not of the first one is not scored."""
    photos = [photos + 10**7 * at for at, (_, photos, *_) in enumerate(parts)]
    people = [people if at == 0 else np.full(len(people), NOBODY) for at, (*_, people) in enumerate(parts)]
    vectors, quality = (np.concatenate([part[at] for part in parts]) for at in (0, 2))
    return neighbours.on_sphere(vectors), np.concatenate(photos), quality, np.concatenate(people)


def variants(lfw: Faces, others: list[Faces]) -> Iterator[tuple[str, Faces]]:
    yield "LFW", together([lfw])
    yield "LFW", together([lfw, *others])
    vectors, photos, quality, people = lfw
    names = np.unique(people)
    for draw in range(DRAWS):
        half = np.random.default_rng(draw).permutation(names)[: len(names) // 2]
        for inside in (np.isin(people, half), ~np.isin(people, half)):
            yield "halves", together([(vectors[inside], photos[inside], quality[inside], people[inside]), *others])
    known = people != NOBODY
    population = Population.fit(vectors[known], people[known])
    bystanders = vectors[~known], photos[~known], quality[~known], people[~known]
    for novelty in NOVELTIES:
        for draw in range(DRAWS):
            drawn, truth = population.draw(like_lfw(population.size, 4593, 3257, draw + 1), draw, novelty)
            good = np.random.default_rng(draw).choice(quality[known], len(drawn))
            yield "drawn", together([(drawn, np.arange(len(drawn)), good, truth), bystanders, *others])


def scores(faces: Faces, threshold: float, *, absorbing: bool) -> list[float]:
    """Pairwise precision and F, and BCubed F."""
    vectors, photos, quality, people = faces
    step = absorption.absorb if absorbing else lambda vectors, graph, labels, constraints: labels
    with patch.object(absorption, "absorb", step):
        labels = cluster("density-linkage", vectors, threshold=threshold, photos=photos, quality=quality)
    known = people != NOBODY
    pairs = pairwise(labels[known], people[known])
    return [pairs.precision, pairs.f, bcubed(labels[known], people[known]).f]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("caches", type=Path, nargs="+")
    caches = parser.parse_args().caches
    threshold = default_threshold("density-linkage", str(np.load(caches[0])["embedder"]))
    found: dict[str, list[list[list[float]]]] = {}
    for title, faces in variants(read(caches[0]), [read(path) for path in caches[1:]]):
        both = [scores(faces, threshold, absorbing=absorbing) for absorbing in (False, True)]
        found.setdefault(title, []).append(both)
    for title, rows in found.items():
        table = np.array(rows)  # (variants, without or with, scores)
        for at, what in enumerate(("pairwise precision", "pairwise F", "BCubed F")):
            change = table[:, 1, at] - table[:, 0, at]
            error = 1.96 * change.std(ddof=1) / np.sqrt(len(change))
            each = (f"{one.mean():.3f} ({one.min():.3f} to {one.max():.3f})" for one in table[:, :, at].T)
            print(f"{title:7}{what:19}{' -> '.join(each)}; change {change.mean():+.4f} ± {error:.4f}")


if __name__ == "__main__":
    main()
