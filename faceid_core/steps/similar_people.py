"""The step that lists people by how much their faces are like somebody's: who may be the same person."""

from __future__ import annotations

import numpy as np

from faceid_core.library import Library, PersonView
from faceid_core.steps.load_vectors import load_embedder
from faceid_core.values import Ints, Vectors


def similar_people(library: Library, person_id: int) -> list[PersonView]:
    """Everybody else, the most similar first by the distance of the means of their best faces; then those without a
    vector, as lists have them."""
    others = [person for person in library.people.all() if person.id != person_id]
    gallery = library.gallery.faces(load_embedder(library.settings).name)
    if not (gallery.people == person_id).any():
        return others
    people, means = _means(gallery.people, gallery.vectors)
    apart = np.linalg.norm(means - means[np.searchsorted(people, person_id)], axis=1)
    distance = dict(zip(people.tolist(), apart.tolist(), strict=True))
    return sorted(others, key=lambda person: distance.get(person.id, np.inf))


def _means(people: Ints, vectors: Vectors) -> tuple[Ints, Vectors]:
    """(P,) people, ascending, and (P, D) the mean vector of each."""
    order = np.argsort(people, kind="stable")
    found, starts, sizes = np.unique(people[order], return_index=True, return_counts=True)
    sums = np.add.reduceat(vectors[order].astype(np.float64), starts, axis=0)
    means: Vectors = (sums / sizes[:, None]).astype(np.float32)
    return found, means
