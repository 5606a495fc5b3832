"""How many acts it takes to name everybody: groups with suggestions, beside naming the groups of other methods.

    PYTHONPATH=. python tests/bench/effort.py CACHE.npz [--library]

CACHE.npz is what tests/bench/grouping.py keeps. A truthful user always takes what promises most faces for one act:
the largest group without a name, or the person with most suggestions. Acts are counted like this:

- naming a group: 1, and 1 for each face that is taken out first because it is not the person most of the group is;
- answering the suggestions for a person: 1 for yes, 1 for each face that is deselected, and 1 for no to the rest;
- naming a single face: 1. Here the user knows which single faces matter, so that nobody pays for looking.

Wrong faces are always taken out, so that all names are right. Counted are the acts until 90, 95 and 99 of 100 faces
of people with two photos and more have their name. No method needs fewer acts than there are people to name: that
is printed as the bound. --library draws a library of a few people with many photos each, see synthetic.py.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from faceid_core import neighbours
from faceid_core.clustering import cluster, default_threshold
from faceid_core.linkage import members
from faceid_core.suggestions import LIMIT_SHARE, by_person, suggest
from faceid_core.values import Ints, Known, Vectors
from tests.bench.synthetic import Population, of_a_family

GOALS = (0.90, 0.95, 0.99)
PER_PERSON = 40
NAMED_BETWEEN = 10
"""Groups that are named before the suggestions are looked at again."""


@dataclass
class User:
    """Names faces and counts the acts; `reached` are the acts at which each goal was met."""

    truth: Ints
    labels: Ints
    named: Ints = field(init=False)
    acts: int = 0
    reached: dict[float, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.named = np.full(len(self.truth), -1)
        self.labels = self.labels.copy()
        self.wanted = np.bincount(self.truth)[self.truth] > 1

    def name(self, faces: Ints, acts: int) -> None:
        self.acts += acts
        self.named[faces] = self.truth[faces]
        share = (self.named >= 0)[self.wanted].mean()
        for goal in GOALS:
            if share >= goal:
                self.reached.setdefault(goal, self.acts)

    def largest_group(self) -> Ints:
        """The faces without a name of the group that has most of them; empty when there is none of two."""
        open_ = (self.named < 0) & (self.labels >= 0)
        sizes = np.bincount(self.labels[open_], minlength=1)
        return np.flatnonzero(open_ & (self.labels == sizes.argmax())) if sizes.max() > 1 else np.empty(0, np.int64)

    def name_group(self, faces: Ints) -> None:
        person = Counter(self.truth[faces].tolist()).most_common(1)[0][0]
        right = self.truth[faces] == person
        self.labels[faces[~right]] = -1
        self.name(faces[right], 1 + int((~right).sum()))

    def name_singles(self, at_most: int) -> int:
        left = np.flatnonzero((self.named < 0) & self.wanted)[:at_most]
        for face in left:
            if self.named[face] < 0:
                self.name(np.array([face]), 1)
        return len(left)

    @property
    def done(self) -> bool:
        return len(self.reached) == len(GOALS)


def groups_only(truth: Ints, labels: Ints) -> dict[float, int]:
    user = User(truth, labels)
    while not user.done:
        faces = user.largest_group()
        if len(faces):
            user.name_group(faces)
        else:
            user.name_singles(len(truth))
    return user.reached


def with_suggestions(vectors: Vectors, truth: Ints, labels: Ints, limit: float) -> dict[float, int]:
    user, refused = User(truth, labels), set[tuple[int, int]]()
    while not user.done:
        before = user.acts
        for _ in range(NAMED_BETWEEN):
            faces = user.largest_group()
            if len(faces):
                user.name_group(faces)
        while _answered(user, vectors, refused, limit):
            pass
        if user.acts == before:
            user.name_singles(NAMED_BETWEEN)
    return user.reached


def _answered(user: User, vectors: Vectors, refused: set[tuple[int, int]], limit: float) -> bool:
    """Answer one person's suggestions after the other, unless a group promises more; False when none was left."""
    known = np.concatenate([rows[:PER_PERSON] for rows in members(user.named, 1)] or [np.empty(0, np.int64)])
    asked = np.flatnonzero(user.named < 0)
    made = by_person(
        suggest(
            asked,
            vectors[asked],
            Known(known, user.named[known], vectors[known]),
            limit=limit,
            groups=user.labels[asked],
            forbidden=frozenset(refused),
        )
    )
    more = len(user.largest_group())
    worth = {person: one for person, one in made.items() if len(one) > more}
    for person, one in worth.items():
        faces = np.array([suggestion.face for suggestion in one])
        right = user.truth[faces] == person
        wrong = int((~right).sum())
        refused.update((int(face), person) for face in faces[~right])
        user.name(faces[right], int(right.any()) + (wrong if right.any() else 0) + bool(wrong))
    return bool(worth)


def bound(truth: Ints) -> dict[float, int]:
    """The people to name, largest first, until the goal is met: one act each."""
    sizes = np.sort(np.bincount(truth))[::-1]
    share = np.cumsum(sizes[sizes > 1]) / sizes[sizes > 1].sum()
    return {goal: int(np.searchsorted(share, goal)) + 1 for goal in GOALS}


def report(vectors: Vectors, truth: Ints, embedder: str) -> None:
    sphere = neighbours.on_sphere(vectors)
    print(f"{len(truth)} faces of {truth.max() + 1} people; acts until 90, 95 and 99 of 100 faces have their name")
    show("at least", bound(truth))
    for name, threshold in (("chinese-whispers", 0.43), ("agglomerative", 0.5), ("hdbscan", 0.55)):
        show(f"groups of {name}", groups_only(truth, cluster(name, vectors, threshold=threshold)))
    usual = default_threshold("density-linkage", embedder)
    labels = cluster("density-linkage", sphere, threshold=usual)
    show("our groups", groups_only(truth, labels))
    show("our groups and suggestions", with_suggestions(sphere, truth, labels, LIMIT_SHARE * 0.55))


def show(title: str, reached: dict[float, int]) -> None:
    print(f"{title:28}" + "".join(f"{reached[goal]:8}" for goal in GOALS), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache")
    parser.add_argument("--library", action="store_true", help="a drawn library of few people with many photos")
    options = parser.parse_args()
    stored = np.load(options.cache)
    vectors, names = stored["vectors"][stored["middle"]], stored["name"][stored["middle"]]
    truth = np.unique(names, return_inverse=True)[1]
    if options.library:
        vectors, truth = Population.fit(vectors, names).draw(of_a_family(80, 600, 0), 0)
    report(vectors, truth, str(stored["embedder"]))


if __name__ == "__main__":
    main()
