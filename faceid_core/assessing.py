"""How good the groups are, measured on the names that humans gave in this library."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from faceid_core import evaluation
from faceid_core.errors import NoClusters, NotEnoughLabels
from faceid_core.evaluation import Scores
from faceid_core.library import Library

LEAST_FACES, LEAST_PEOPLE = 10, 2


@dataclass(frozen=True, slots=True)
class Assessment:
    """The latest grouping beside the names that humans gave.

    faces, people: what was named by humans. alone: faces that were named one by one; the other names came with
    their group, so that the grouping had a part in them and looks better than it may be.
    pairwise, bcubed, purity: see evaluation. acts: the least acts that would give these faces their names.
    """

    faces: int
    people: int
    alone: int
    pairwise: Scores
    bcubed: Scores
    purity: float
    acts: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def assess(library: Library) -> Assessment:
    """Measure the latest grouping. Raises NoClusters, NotEnoughLabels."""
    if library.clusters.current() is None:
        raise NoClusters("The faces are not grouped yet; group them first.")
    known = library.knowledge.judged()
    people = len(set(known.people.tolist()))
    if len(known.people) < LEAST_FACES or people < LEAST_PEOPLE:
        raise NotEnoughLabels(
            f"Name at least {LEAST_FACES} faces of {LEAST_PEOPLE} people first, so that the groups can be checked."
        )
    return Assessment(
        faces=len(known.people),
        people=people,
        alone=int(known.alone.sum()),
        pairwise=evaluation.pairwise(known.groups, known.people),
        bcubed=evaluation.bcubed(known.groups, known.people),
        purity=evaluation.purity(known.groups, known.people),
        acts=evaluation.acts(known.groups, known.people),
    )
