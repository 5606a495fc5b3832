"""The step that lists people by how much their faces are like somebody's: who may be the same person."""

from __future__ import annotations

import numpy as np

from faceid_core.library import Library, PersonView
from faceid_core.review.identity import Middles
from faceid_core.steps.load_vectors import load_embedder


def similar_people(library: Library, person_id: int) -> list[PersonView]:
    """Everybody else, the most similar first by the distance of the means of their best faces; then those without a
    vector, as lists have them."""
    others = [person for person in library.people.all() if person.id != person_id]
    gallery = library.gallery.faces(load_embedder(library.settings).name)
    if not (gallery.people == person_id).any():
        return others
    middles = Middles.of(gallery.people, gallery.vectors)
    mine = middles.vectors[np.searchsorted(middles.people, person_id)]
    apart = np.linalg.norm(middles.vectors - mine, axis=1)
    distance = dict(zip(middles.people.tolist(), apart.tolist(), strict=True))
    return sorted(others, key=lambda person: distance.get(person.id, np.inf))
