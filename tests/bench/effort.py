"""How many acts it takes to name everybody: groups with suggestions, beside naming the groups of other methods.

    PYTHONPATH=. python tests/bench/effort.py CACHE.npz [--library | --like-lfw]

CACHE.npz is what tests/bench/grouping.py keeps. A truthful user always takes what promises most faces for one act:
the largest group without a name, or the person with most suggestions. Acts are counted like this:

- naming a group after the person most of it is: 1;
- taking out a face that is somebody else: 1. That is done as far as is needed for 99.5 of 100 names to be right;
- answering the suggestions for a person: 1 for yes, 1 for each face that is deselected (less sure ones: selected,
  or all and then deselected), and 1 for no to the rest;
- naming a single face: 1. Passing over one that needs no name costs nothing in the first table, as if the user knew
  where to look, and 1 in the second, as somebody must look at it: with our order the most alike first, with the
  others as they come;
- of several single faces that are asked about at once: 1 for each that is chosen, 1 for each name, in the second
  table 1 for "I don’t know anyone here", as looking them over counts no more than looking a group over. Another
  line counts 1 for each of these faces.

Counted are the acts until 90, 95 and 99 of 100 faces of people with two photos and more have their name. No method
needs fewer acts than there are people to name: that is printed as the bound. --library draws a library of a few
people with many photos each, --like-lfw one of as many people as the rest of LFW, see synthetic.py.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from faceid_core.clustering.clusterers import cluster, default_threshold
from faceid_core.clustering.linkage import members
from faceid_core.review import queue, seriation
from faceid_core.review.identity import LIMIT_SHARE, Suggestion, by_person, suggest
from faceid_core.review.queue import Kind
from faceid_core.values import GalleryFaces, Ints, Vectors
from faceid_core.vectors import neighbours
from tests.bench.synthetic import Population, like_lfw, of_a_family

GOALS = (0.90, 0.95, 0.99)
PRECISION = 0.995
PER_PERSON = 40
NAMED_BETWEEN = 10
"""Groups that are named before the suggestions are looked at again."""


@dataclass
class User:
    """Names faces and counts the acts; `reached` are the acts at which each goal was met.

    singles: the rows in no group in the order in which they are shown. looking: whether passing over one is an act.
    """

    truth: Ints
    labels: Ints
    singles: Ints
    looking: bool
    named: Ints = field(init=False)
    wrong: int = 0
    """Faces that bear the name of their group, which is not theirs; the others may still get theirs."""
    acts: int = 0
    reached: dict[float, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.named = np.full(len(self.truth), -1)
        self.labels = self.labels.copy()
        self.wanted = np.bincount(self.truth)[self.truth] > 1

    def name(self, faces: Ints, acts: int) -> None:
        self.acts += acts
        self.named[faces] = self.truth[faces]
        right = self.named >= 0
        too_many = max(0, int(np.ceil(self.wrong - right.sum() * (1 / PRECISION - 1))))
        for goal in GOALS:
            if right[self.wanted].mean() >= goal:
                self.reached.setdefault(goal, self.acts + too_many)

    def largest_group(self) -> Ints:
        """The faces without a name of the group that has most of them; empty when there is none of two."""
        open_ = (self.named < 0) & (self.labels >= 0)
        sizes = np.bincount(self.labels[open_], minlength=1)
        return np.flatnonzero(open_ & (self.labels == sizes.argmax())) if sizes.max() > 1 else np.empty(0, np.int64)

    def name_group(self, faces: Ints) -> None:
        person = Counter(self.truth[faces].tolist()).most_common(1)[0][0]
        right = self.truth[faces] == person
        self.labels[faces[~right]] = -1
        self.wrong += int((~right).sum())
        self.name(faces[right], 1)

    def name_singles(self, at_most: int) -> None:
        waiting = self.singles[self.named[self.singles] < 0]
        rest = np.flatnonzero((self.named < 0) & ~np.isin(np.arange(len(self.named)), self.singles))
        for face in np.concatenate([waiting, rest])[:at_most].tolist():
            if self.wanted[face] or self.looking:
                self.name(np.array([face]), 1)
            else:
                self.named[face] = self.truth[face]

    @property
    def done(self) -> bool:
        return len(self.reached) == len(GOALS)


def groups_only(user: User) -> dict[float, int]:
    while not user.done:
        faces = user.largest_group()
        if len(faces):
            user.name_group(faces)
        else:
            user.name_singles(len(user.truth))
    return user.reached


def with_suggestions(user: User, vectors: Vectors, limit: float) -> dict[float, int]:
    refused = set[tuple[int, int]]()
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
            GalleryFaces(known, user.named[known], vectors[known]),
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
        refused.update((int(face), person) for face in faces[~right])
        user.name(faces[right], _clicks(int(right.sum()), int((~right).sum()), sure=one[0].sure))
    return bool(worth)


def _clicks(right: int, wrong: int, *, sure: bool) -> int:
    """What it takes to answer the suggestions for a person."""
    if not right:
        return 1
    choosing = wrong if sure else min(right, 1 + wrong)
    return choosing + 1 + bool(wrong)


def with_queue(
    user: User, vectors: Vectors, by_promise: Ints, limit: float, *, each: bool = False
) -> dict[float, int]:
    """As the page Name faces asks: the question first that is expected to name most faces for an act. each: whether
    looking at each of several single faces is an act."""
    refused, learning = set[tuple[int, int]](), _Learning(limit)
    while not user.done:
        waiting = _waiting(user, vectors, by_promise, refused, limit)
        waiting = replace(waiting, records=learning.records, lift=learning.lift())
        by_face = {one.face: one for one in waiting.suggestions}
        for question in queue.naming(waiting, NAMED_BETWEEN).questions:
            rows = np.array([face for face in question.faces if user.named[face] < 0], np.int64)
            if question.kind is Kind.GROUP:
                user.name_group(np.array(waiting.groups[question.number]))
                continue
            for face in rows.tolist():
                if face in by_face:
                    learning.take(by_face[face], bool(user.truth[face] == by_face[face].person))
            if question.kind is Kind.PERSON:
                right = rows[user.truth[rows] == question.person]
                wrong = np.setdiff1d(rows, right)
                refused.update((int(face), int(question.person or 0)) for face in wrong)
                user.name(right, 1 + len(wrong) if len(right) else 1)
            elif question.kind is Kind.SINGLES:
                _look_over(user, rows, each=each)
            elif user.wanted[rows].all() or user.looking:
                user.name(rows, 1)
            else:
                user.named[rows] = user.truth[rows]
    return user.reached


def _look_over(user: User, rows: Ints, *, each: bool) -> None:
    """Several single faces at once: choose and name whoever is known, one after the other."""
    user.acts += len(rows) * each
    known = rows[user.wanted[rows]]
    for person in np.unique(user.truth[known]).tolist():
        mine = known[user.truth[known] == person]
        user.name(mine, 1 + len(mine))
    if len(known) < len(rows):
        user.name(np.setdiff1d(rows, known), int(user.looking))


@dataclass
class _Learning:
    """What the answers told so far, as the worker reckons it."""

    limit: float
    records: dict[int, tuple[int, int]] = field(default_factory=dict)
    answered: list[tuple[float, bool]] = field(default_factory=list)

    def take(self, one: Suggestion, right: bool) -> None:
        yes, no = self.records.get(one.person, (0, 0))
        self.records[one.person] = yes + right, no + (not right)
        self.answered.append((float(queue.odds([one], self.limit)[0]), right))

    def lift(self) -> float:
        usual, right = np.array(self.answered, float).reshape(-1, 2).T
        return queue.learned(usual, right > 0)


def _waiting(
    user: User, vectors: Vectors, by_promise: Ints, refused: set[tuple[int, int]], limit: float
) -> queue.Waiting:
    known = np.concatenate([rows[:PER_PERSON] for rows in members(user.named, 1)] or [np.empty(0, np.int64)])
    asked = np.flatnonzero(user.named < 0)
    made = suggest(
        asked, vectors[asked], GalleryFaces(known, user.named[known], vectors[known]), limit=limit,
        groups=user.labels[asked], forbidden=frozenset(refused),
    )  # fmt: skip
    groups = {number: rows.tolist() for number, rows in _grouped(user, asked)}
    alone = by_promise[(user.named[by_promise] < 0) & (user.labels[by_promise] < 0)]
    return queue.Waiting(groups=groups, singles=alone.tolist(), suggestions=made, limit=limit)


def _grouped(user: User, asked: Ints) -> Iterator[tuple[int, Ints]]:
    for number in np.unique(user.labels[asked]).tolist():
        if number >= 0:
            yield number, asked[user.labels[asked] == number]


def bound(truth: Ints) -> dict[float, int]:
    """The people to name, largest first, until the goal is met: one act each."""
    sizes = np.sort(np.bincount(truth))[::-1]
    share = np.cumsum(sizes[sizes > 1]) / sizes[sizes > 1].sum()
    return {goal: int(np.searchsorted(share, goal)) + 1 for goal in GOALS}


OTHERS = (("chinese-whispers", 0.43), ("agglomerative", 0.5), ("hdbscan", 0.55))


def report(vectors: Vectors, truth: Ints, embedder: str) -> None:
    sphere = neighbours.on_sphere(vectors)
    graph = neighbours.build(sphere)
    usual = default_threshold("density-linkage", embedder)
    ours = cluster("density-linkage", sphere, graph, threshold=usual)
    others = {name: cluster(name, vectors, threshold=threshold) for name, threshold in OTHERS}
    alike = seriation.order(graph, np.flatnonzero(ours < 0), np.arange(len(truth)))
    print(f"{len(truth)} faces of {truth.max() + 1} people; acts until 90, 95 and 99 of 100 faces have their name")
    for looking in (False, True):
        print("each single face looked at is an act" if looking else "looking at single faces costs nothing")
        show("at least", bound(truth))
        for name, labels in others.items():
            as_they_come = np.flatnonzero(labels < 0)
            show(f"groups of {name}", groups_only(User(truth, labels, as_they_come, looking)))
        show("our groups", groups_only(User(truth, ours, alike, looking)))
        user = User(truth, ours, alike, looking)
        show("our groups and suggestions", with_suggestions(user, sphere, LIMIT_SHARE * 0.55))
        for each in (False, True)[: 1 + looking]:
            user = User(truth, ours, alike, looking)
            title = "…, each single face an act" if each else "the queue of the app"
            found = with_queue(user, sphere, queue.by_promise(graph), LIMIT_SHARE * 0.55, each=each)
            show(title, found)


def show(title: str, reached: dict[float, int]) -> None:
    print(f"{title:28}" + "".join(f"{reached[goal]:8}" for goal in GOALS), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache")
    drawn = parser.add_mutually_exclusive_group()
    drawn.add_argument("--library", action="store_true", help="draw a library of few people with many photos")
    drawn.add_argument("--like-lfw", action="store_true", help="draw one of many people with few photos")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn")
    options = parser.parse_args()
    stored = np.load(options.cache)
    vectors, names = stored["vectors"][stored["middle"]], stored["name"][stored["middle"]]
    truth = np.unique(names, return_inverse=True)[1]
    if options.library or options.like_lfw:
        population = Population.fit(vectors, names)
        family, many = of_a_family(80, 600, options.seed), like_lfw(population.size, 4593, 3257, options.seed + 1)
        vectors, truth = population.draw(family if options.library else many, options.seed)
    report(vectors, truth, str(stored["embedder"]))


if __name__ == "__main__":
    main()
