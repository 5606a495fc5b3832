"""Who the unnamed faces may be."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from faceid_core.library import Library
from faceid_core.steps.load_vectors import length_of, load_embedder

if TYPE_CHECKING:
    from faceid_core.review.identity import Suggestion


SUGGEST_FOR = 10_000
"""Unnamed faces that suggestions look at, the best ones first: about a second's work."""


def suggestions(library: Library) -> list[Suggestion]:
    """Which unnamed faces may be people that have a name, the surest first; kept until something changes."""
    return _suggestions(library, library.gallery.cache_version())


def likely_distance(library: Library) -> float:
    """The distance up to which a face is surely suggested as somebody."""
    from faceid_core.review.identity import LIMIT_SHARE

    return LIMIT_SHARE * load_embedder(library.settings).default_threshold


@lru_cache(maxsize=4)
def _suggestions(library: Library, cache_version: tuple[object, ...]) -> list[Suggestion]:
    from faceid_core.review import identity
    from faceid_core.vectors.neighbours import on_sphere

    embedder = load_embedder(library.settings)
    known = library.gallery.faces(embedder.name)
    if not len(known.ids):
        return []
    unnamed, length = library.gallery.probes(embedder.name, SUGGEST_FOR), length_of(embedder)
    refused = library.gallery.negatives(embedder.name)
    found = identity.suggest(
        unnamed.ids,
        on_sphere(unnamed.vectors, length),
        replace(known, vectors=on_sphere(known.vectors, length)),
        limit=likely_distance(library),
        groups=unnamed.groups,
        forbidden=library.gallery.ruled_out(unnamed.ids),
        refused=replace(refused, vectors=on_sphere(refused.vectors, length)) if len(refused.ids) else None,
    )
    return identity.once_a_photo(found, dict(zip(unnamed.ids.tolist(), unnamed.photos.tolist(), strict=True)))
