"""How well clusters that know no names agree with the names that people gave."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from faceid_core.errors import NotEnoughLabels
from faceid_core.library import Library
from faceid_core.steps.cluster_labels import Chosen, choose, cluster_labels
from faceid_core.steps.load_vectors import length_of
from faceid_core.steps.snapshot import LibrarySnapshot
from faceid_core.values import Ints

if TYPE_CHECKING:
    from faceid_core.clustering.metrics import Scores

MEASURED_FROM = 20
"""Named faces, of at least two people, that clusters are compared with: fewer tell nothing."""


@dataclass(frozen=True, slots=True)
class Measured:
    """How clusters made without the names that people gave agree with these. mixed: share of a face's cluster that
    is somebody else; scattered: share of a face's person that is elsewhere; both 0 to 1, the mean over the named
    faces (1 - BCubed precision and recall)."""

    faces: int
    mixed: float
    scattered: float

    def in_words(self) -> str:
        """
        >>> Measured(512, 0.004, 0.031).in_words()
        'Beside 512 names given, 0.4% of a group are other people and 3.1% of a person are outside their group'
        """
        return (
            f"Beside {self.faces:,} names given, {100 * self.mixed:.1f}% of a group are other people and "
            f"{100 * self.scattered:.1f}% of a person are outside their group"
        )


@dataclass(frozen=True, slots=True)
class Pairs:
    """How far apart the library's own faces are. same_person: the distance below which two usually show one person:
    of two people, not more than 3 in 2,000 pairs lie within it. two_people: pairs that tell so; 0 where they are
    too few, so that the embedder's own distance stands. found: share of the known pairs of one person within it.
    in_use: the distance that counts since the latest grouping."""

    same_person: float
    two_people: int
    found: float | None
    in_use: float

    def in_words(self) -> str:
        """
        >>> Pairs(1.234, 12_000, 0.957, 1.3).in_words()
        'By 12,000 pairs of two people, faces within 1.23 usually show one person; 95.7% of one person are'
        """
        if not self.two_people:
            return f"Too few pairs of two people are known to measure distances; {self.same_person:.2f} stands"
        found = "" if self.found is None else f"; {100 * self.found:.1f}% of one person are"
        first = f"By {self.two_people:,} pairs of two people, faces within {self.same_person:.2f}"
        return f"{first} usually show one person{found}"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How clusters that know no names agree with those that people gave.

    acts: names to give until all these faces are named, see metrics.naming_acts. pairs: what single pairs tell.
    """

    algorithm: str
    threshold: float
    faces: int
    people: int
    pairwise: Scores
    bcubed: Scores
    purity: float
    acts: int
    pairs: Pairs

    def as_dict(self) -> dict[str, Any]:
        """The evaluation as plain values for JSON."""
        return asdict(self)


def evaluate_clusters(
    library: Library, *, algorithm: str | None = None, threshold: float | None = None
) -> Evaluation:
    """Cluster all faces as if nobody had a name, and compare the clusters with the names that people gave.

    Nothing is stored. Raises NoPhotos, NoFaces, UnknownChoice, NotEnoughLabels.
    """
    from faceid_core.clustering import metrics

    snapshot = LibrarySnapshot.of(library)
    named, people = _named(snapshot)
    if people < 2:
        raise NotEnoughLabels("Name faces of at least two people first; then the groups can be compared with them.")
    chosen = choose(library.settings, snapshot.compared.same_person, algorithm, threshold)
    labels, truth = cluster_labels(snapshot, chosen)[named], snapshot.human_labels[named]
    return Evaluation(
        algorithm=chosen[0],
        threshold=chosen[1],
        faces=len(named),
        people=people,
        pairwise=metrics.pairwise(labels, truth),
        bcubed=metrics.bcubed(labels, truth),
        purity=metrics.purity(labels, truth),
        acts=metrics.naming_acts(labels, truth),
        pairs=_pairs(snapshot),
    )


def measure(snapshot: LibrarySnapshot, chosen: Chosen, unit: float) -> Measured | None:
    """The errors of a clusterer on these faces; None where too few have a name. unit: see cluster_labels. Raises
    UnknownChoice."""
    from faceid_core.clustering import metrics

    named, people = _named(snapshot)
    if len(named) < MEASURED_FROM or people < 2:
        return None
    labels = cluster_labels(snapshot, chosen, unit=unit)
    cubed = metrics.bcubed(labels[named], snapshot.human_labels[named])
    return Measured(len(named), 1 - cubed.precision, 1 - cubed.recall)


def _pairs(snapshot: LibrarySnapshot) -> Pairs:
    scale, length = snapshot.pair_scale, length_of(snapshot.embedder)
    return Pairs(length * scale.same_person, scale.pairs, scale.found, snapshot.compared.same_person)


def _named(snapshot: LibrarySnapshot) -> tuple[Ints, int]:
    """The rows of faces that have a name, and the number of their people."""
    named = np.flatnonzero(snapshot.human_labels >= 0)
    return named, len(np.unique(snapshot.human_labels[named]))
