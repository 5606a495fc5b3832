"""Choosing a clusterer and running it on the library's faces: what clustering and its evaluation share."""

from __future__ import annotations

from faceid_core.settings import Settings
from faceid_core.steps.load_vectors import load_embedder
from faceid_core.steps.snapshot import LibrarySnapshot
from faceid_core.values import Ints

Chosen = tuple[str, float]
"""A clusterer's name and its threshold, a Euclidean distance."""


def choose(settings: Settings, algorithm: str | None, threshold: float | None, strictness: float = 0) -> Chosen:
    """The clusterer and the threshold that count. Raises UnknownChoice."""
    from faceid_core.clustering.strictness import stricter

    algorithm = algorithm or settings.clusterer
    if threshold is None:
        threshold = stricter(usual_threshold(settings, algorithm), strictness)
    return algorithm, threshold


def usual_threshold(settings: Settings, algorithm: str = "density-linkage") -> float:
    """The distance up to which a clusterer puts faces together by default. Raises UnknownChoice."""
    from faceid_core.clustering import clusterers

    embedder = load_embedder(settings)
    return clusterers.default_threshold(algorithm, embedder.name, embedder.default_threshold)


def cluster_labels(snapshot: LibrarySnapshot, chosen: Chosen, human_labels: Ints | None = None) -> Ints:
    """Labels (N,), -1 for none. human_labels: (N,) the person of each face, -1 for nobody; without, as if nobody
    had a name. Raises UnknownChoice."""
    from faceid_core.clustering import clusterers

    algorithm, threshold = chosen
    return clusterers.cluster(
        algorithm,
        snapshot.faces.vectors,
        snapshot.graph,
        threshold=threshold,
        photos=snapshot.faces.photos,
        quality=snapshot.faces.quality,
        people=human_labels,
    )
