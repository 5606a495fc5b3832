"""How well a grouping agrees with the truth. Counts of (group, person) are enough: time and memory are O(N)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceid_core.values import Ints

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scores:
    """Each 0 to 1. precision falls with mixed groups, recall with scattered people; f is their harmonic mean."""

    precision: float
    recall: float
    f: float


def pairwise(labels: npt.ArrayLike, truth: npt.ArrayLike) -> Scores:
    """Precision and recall over all pairs of faces that are put together, or that belong together.

    labels, truth: (N,) integers or names; the integer -1 stands for a face that is alone. Without any pair put
    together nothing is wrong (precision 1), without any that belong together nothing is missed (recall 1).
    """
    counts, groups, people, _ = _contingency(labels, truth)
    right, together, belonging = _pairs(counts), _pairs(groups), _pairs(people)
    return _scores(right / together if together else 1.0, right / belonging if belonging else 1.0)


def bcubed(labels: npt.ArrayLike, truth: npt.ArrayLike) -> Scores:
    """Mean over the faces of: the share of its group that is the same person; the share of its person in its group.

    Bagga and Baldwin, "Entity-based cross-document coreferencing using the vector space model" (1998). Unlike
    the pairwise scores, small groups and single faces weigh as much per face as large groups. (N,) as `pairwise`.
    """
    counts, groups, people, cells = _contingency(labels, truth)
    total = counts.sum()
    if not total:
        return Scores(1.0, 1.0, 1.0)
    squared = counts.astype(np.float64) ** 2
    precision = float((squared / groups[cells[0]]).sum() / total)
    return _scores(precision, float((squared / people[cells[1]]).sum() / total))


def purity(labels: npt.ArrayLike, truth: npt.ArrayLike) -> float:
    """Share of the faces that belong to the person whom most of their group shows; 1 for no faces. (N,) each.

    Manning, Raghavan and Schütze, "Introduction to Information Retrieval" (2008), 16.3.
    """
    counts, groups, _, cells = _contingency(labels, truth)
    most = np.zeros(len(groups), np.int64)
    np.maximum.at(most, cells[0], counts)
    return float(most.sum() / counts.sum()) if counts.size else 1.0


def naming_acts(labels: npt.ArrayLike, truth: npt.ArrayLike) -> int:
    """How many names have to be given until every face has the right one: for each group, one for each person
    in it, as several selected faces are named at once. The least possible is the number of people. (N,) each."""
    return len(_contingency(labels, truth)[0])


def _contingency(labels: npt.ArrayLike, truth: npt.ArrayLike) -> tuple[Ints, Ints, Ints, tuple[Ints, Ints]]:
    """Faces in each occupied cell (C,), in groups (G,), of people (P,); and each cell's group and person (C,)."""
    group, person = _numbered(labels), _numbered(truth)
    if len(group) != len(person):
        raise ValueError(f"{len(group)} labels do not match {len(person)} true names")
    people = np.bincount(person)
    cells, counts = np.unique(group * max(len(people), 1) + person, return_counts=True)
    return counts.astype(np.int64), np.bincount(group), people, np.divmod(cells, max(len(people), 1))


def _numbered(labels: npt.ArrayLike) -> Ints:
    """0-based numbers of the groups, with a group of its own for every -1."""
    values = np.asarray(labels)
    if values.ndim != 1:
        raise ValueError(f"labels must be (N,), not {values.shape}")
    numbers = np.unique(values, return_inverse=True)[1].astype(np.int64)
    if np.issubdtype(values.dtype, np.integer):
        alone = values == -1
        numbers[alone] = len(values) + np.arange(int(alone.sum()))
    return np.unique(numbers, return_inverse=True)[1].astype(np.int64)


def _pairs(sizes: Ints) -> int:
    return int((sizes * (sizes - 1) // 2).sum())


def _scores(precision: float, recall: float) -> Scores:
    both = precision + recall
    return Scores(precision, recall, 2 * precision * recall / both if both else 0.0)
