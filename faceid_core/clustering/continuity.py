"""What a new grouping owes to the people who use it: names keep groups apart, and groups keep their numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass

import numpy as np

from faceid_core.values import Ints, Vectors
from faceid_core.wording import count

NEAREST = 3
"""Named faces that decide to whom an unnamed face of a divided group goes."""


def apart(vectors: Vectors, labels: Ints, people: Ints, ruled_out: Set[tuple[int, int]] = frozenset()) -> Ints:
    """Divide groups so that none holds two named people, or a face beside a person whom it was said not to be.

    labels (N,): -1 for none; people (N,): the person of each face, -1 without a name; ruled_out: (row, person). An
    unnamed face goes with the person whose named faces in the group are nearest; one that may go with nobody goes
    to a group of such faces. Returns (N,) labels; groups that need no division keep theirs.
    """
    result = labels.copy()
    fresh = int(labels.max(initial=-1)) + 1
    order = np.argsort(labels, kind="stable")
    groups = np.unique(labels[(labels >= 0) & (people >= 0)])
    starts, ends = np.searchsorted(labels[order], groups), np.searchsorted(labels[order], groups, "right")
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        members = order[start:end]
        owners = _owners(vectors, members, people, ruled_out)
        # The person with most faces keeps the group's label.
        for owner, _ in Counter(owners.tolist()).most_common()[1:]:
            mine = members[owners == owner]
            result[mine] = fresh if len(mine) > 1 else -1
            fresh += len(mine) > 1
    return result


def people_kept_apart(labels: Ints, people: Ints, cannot_link: Ints) -> Ints:
    """People (N,) with a made-up person, above all others, for each unnamed face that must not be linked with
    another face of its cluster: `apart` then divides the cluster. cannot_link: (M, 2) rows of different people."""
    result, fresh = people.copy(), int(people.max(initial=-1)) + 1
    one, other = labels[cannot_link].T
    inside = cannot_link[(one == other) & (one >= 0)]
    for row in np.unique(inside[people[inside] < 0]).tolist():
        others = inside[(inside == row).any(axis=1)]
        taken = set(result[others].ravel().tolist())
        # The first made-up person of the group who is none of those that the face must not be linked with.
        mine = np.unique(result[(labels == labels[row]) & (result > people.max(initial=-1))]).tolist()
        free = [person for person in mine if person not in taken]
        result[row] = free[0] if free else fresh
        fresh += not free
    return result


def _owners(vectors: Vectors, members: Ints, people: Ints, ruled_out: Set[tuple[int, int]]) -> Ints:
    """The person with whom each member of a group goes, -1 for nobody."""
    owners = people[members].copy()
    named = members[people[members] >= 0]
    for place in np.flatnonzero(owners < 0):
        row = int(members[place])
        distances = np.linalg.norm(vectors[named] - vectors[row], axis=1)
        best = {
            float(np.sort(distances[people[named] == person])[:NEAREST].mean()): int(person)
            for person in np.unique(people[named])
            if (row, int(person)) not in ruled_out
        }
        owners[place] = best[min(best)] if best else -1
    return owners


@dataclass(frozen=True, slots=True)
class Changes:
    """What a new grouping does to the one before. moved: faces that leave a group of which most stay together;
    merged: groups that go into another one; split: groups whose faces end in several."""

    moved: int = 0
    merged: int = 0
    split: int = 0

    def in_words(self) -> str:
        """
        >>> Changes(moved=17, merged=2).in_words()
        '17 faces move, 2 groups merge'
        """
        parts = (
            (self.moved, "face", "moves", "move"),
            (self.merged, "group", "merges", "merge"),
            (self.split, "group", "splits", "split"),
        )
        return ", ".join(
            f"{count(number, what)} {one if number == 1 else many}" for number, what, one, many in parts if number
        )


def numbered(before: Ints, labels: Ints) -> Ints:
    """The numbers (N,) of the new groups, 0 for none: those of `before` (N,) where most of the old group stays.

    Old groups are matched to new ones by largest overlap, one to one; new groups get numbers above all others, the
    largest first.
    """
    sizes = Counter(before[before > 0].tolist())
    both = (before > 0) & (labels >= 0)
    overlap = Counter(zip(before[both].tolist(), labels[both].tolist(), strict=True))
    number: dict[int, int] = {}
    kept: set[int] = set()
    for (old, new), shared in sorted(overlap.items(), key=lambda item: (-item[1], item[0])):
        if 2 * shared > sizes[old] and new not in number and old not in kept:
            number[new] = old
            kept.add(old)
    free = int(before.max(initial=0)) + 1
    for new, _ in sorted(Counter(labels[labels >= 0].tolist()).items(), key=lambda item: (-item[1], item[0])):
        if new not in number:
            number[new], free = free, free + 1
    return np.array([number.get(int(label), 0) for label in labels], np.int64)


def changes(before: Ints, after: Ints) -> Changes:
    """From numbers to numbers (N,), 0 for none."""
    pairs = Counter(zip(before[before > 0].tolist(), after[before > 0].tolist(), strict=True))
    parts: dict[int, Counter[int]] = {}
    for (old, new), faces in pairs.items():
        parts.setdefault(old, Counter())[new] += faces
    # The group that took most of an old one, whatever its number.
    heirs = {old: found.most_common(1)[0] for old, found in parts.items()}
    moved = sum(sum(parts[old].values()) - faces for old, (_, faces) in heirs.items())
    heads = Counter(new for new, _ in heirs.values() if new > 0)
    several = sum(1 for found in parts.values() if sum(faces > 1 for new, faces in found.items() if new > 0) > 1)
    return Changes(moved, sum(groups - 1 for groups in heads.values()), several)
