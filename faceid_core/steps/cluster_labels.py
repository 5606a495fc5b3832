"""Choosing a clusterer and running it on the library's faces: what clustering and its evaluation share."""

from __future__ import annotations

from faceid_core.settings import Settings
from faceid_core.steps.snapshot import LibrarySnapshot
from faceid_core.values import Ints
from faceid_core.vision.embedding import name_of

Chosen = tuple[str, float]
"""A clusterer's name and its threshold, a Euclidean distance."""


def choose(
    settings: Settings, same_person: float, algorithm: str | None, threshold: float | None, strictness: float = 0
) -> Chosen:
    """The clusterer and the threshold that count. same_person: the distance below which two faces are usually of
    one person. Raises UnknownChoice."""
    from faceid_core.clustering.strictness import stricter

    algorithm = algorithm or settings.clusterer
    if threshold is None:
        threshold = stricter(usual_threshold(settings, same_person, algorithm), strictness)
    return algorithm, threshold


def usual_threshold(settings: Settings, same_person: float, algorithm: str = "density-linkage") -> float:
    """The distance up to which a clusterer puts faces together by default. Raises UnknownChoice."""
    from faceid_core.clustering import clusterers

    return clusterers.default_threshold(algorithm, name_of(settings), same_person)


def cluster_labels(
    snapshot: LibrarySnapshot, chosen: Chosen, human_labels: Ints | None = None, *, unit: float | None = None
) -> Ints:
    """Labels (N,), -1 for none. human_labels: (N,) the person of each face, -1 for nobody; without, as if nobody
    had a name. unit: see load_vectors.unit_of; by default the snapshot's. Raises UnknownChoice."""
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
        unit=snapshot.compared.unit if unit is None else unit,
    )
