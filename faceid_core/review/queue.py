"""The queue of questions: one at a time, the one first whose answer is expected to name most faces.

Every question is asked only once for what it is about: a face that may be somebody is a question about that face, in
which the somebody is one of the answers, never a question of its own whose no names nobody.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from faceid_core.review.identity import Suggestion
from faceid_core.values import Ints
from faceid_core.vectors.neighbours import NeighbourGraph

BATCH = 24
"""Faces that one answer is about, at most: as many as can be looked over in a glance."""

WORTH_A_BATCH = 0.5
"""A suggested face is asked about among others of the same person from this probability on; else it is asked about by
itself, where another name can be given at once."""

PRIOR = 4.0
"""Answers that a person's record is worth before there are any."""

STEEPNESS, CROSSING = 9.0, 1.0
"""How the probability that a suggestion is right falls with its distance: a half at CROSSING limits."""

SINGLE = 0.3
"""The share of single faces that show somebody who is there more than once, among those like nobody who is known."""

BECAUSE = 12
"""Faces of a person that speak for a question."""

RUNNERS_UP = 9
"""People that a key can choose."""


class Kind(StrEnum):
    """What a question is about."""

    GROUP = "group"
    PERSON = "person"
    """Faces that may be somebody, many at once."""
    FACE = "face"
    """A single face."""
    WRONG = "wrong"
    """A name that may be wrong."""
    TWICE = "twice"
    """Somebody who is on a photo more than once."""
    PEOPLE = "people"
    """Two people who may be one."""
    GROUPS = "groups"
    """Two groups that may be one person."""
    MOMENT = "moment"
    """Photos of one moment."""


NAMING = (Kind.GROUP, Kind.PERSON, Kind.FACE)
"""Kinds whose answers name faces; the others ask about names."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question. Ids are those of faces, unless said otherwise.

    key: tells it from all others, and stays while the question does. faces: what it is about; of a group, its best
    ones. size: how many faces the answer is about. gain: faces that it is expected to name, for each act it takes.
    person: who they may be, or whose name is in doubt; because: this person's faces that speak for it; runners_up:
    other people, the likeliest first; number, other: groups, people, or a photo and the others of its moment;
    pairs: of faces, one on each of two photos; sure: whether the faces are taken for the person unless deselected.
    """

    kind: Kind
    key: str
    faces: tuple[int, ...]
    size: int = 1
    gain: float = 0.0
    person: int | None = None
    because: tuple[int, ...] = ()
    runners_up: tuple[int, ...] = ()
    number: int = 0
    others: tuple[int, ...] = ()
    pairs: tuple[tuple[int, int], ...] = ()
    distance: float = 0.0
    sure: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """What the questions that name faces are made of.

    groups: number -> its faces that wait, the best first; singles: the other faces that wait, in the order in which
    they are worth a look. suggestions: the surest first. limit: the distance up to which they are sure. records:
    person -> (yes, no) that were answered so far.
    """

    groups: Mapping[int, Sequence[int]]
    singles: Sequence[int]
    suggestions: Sequence[Suggestion]
    limit: float
    named: Mapping[int, Sequence[int]] = field(default_factory=dict)
    records: Mapping[int, tuple[int, int]] = field(default_factory=dict)


def probability(one: Suggestion, limit: float, record: tuple[int, int] = (0, 0)) -> float:
    """How likely a suggestion is right: from its distance, and from what was answered about this person before."""
    near = 1 / (1 + math.exp(STEEPNESS * (one.distance / limit - CROSSING)))
    yes, no = record
    return near * (PRIOR + yes) / (PRIOR + yes + no)


def naming(waiting: Waiting) -> list[Question]:
    """The questions that name faces, the most useful first; each face is in one of them."""
    by_face = {one.face: one for one in waiting.suggestions}
    chance = {
        one.face: probability(one, waiting.limit, waiting.records.get(one.person, (0, 0)))
        for one in waiting.suggestions
    }
    groups = list(_groups(waiting, by_face))
    grouped = {face for faces in waiting.groups.values() if len(faces) > 1 for face in faces}
    batches = list(_batches(waiting, grouped, chance))
    asked = grouped.union(*(question.faces for question in batches))
    alone = (face for faces in waiting.groups.values() if len(faces) == 1 for face in faces)
    order = dict.fromkeys([*(one.face for one in waiting.suggestions), *alone, *waiting.singles])
    faces = [_face(face, by_face.get(face), chance.get(face, 0.0)) for face in order if face not in asked]
    return sorted([*groups, *batches, *faces], key=lambda question: -question.gain)


def _groups(waiting: Waiting, by_face: Mapping[int, Suggestion]) -> Iterator[Question]:
    """Whole groups, each with the people that its faces may be."""
    for number, faces in waiting.groups.items():
        if len(faces) < 2:
            continue
        made = [by_face[face] for face in faces if face in by_face]
        votes = Counter(one.person for one in made)
        people = list(dict.fromkeys([*waiting.named.get(number, ()), *(person for person, _ in votes.most_common())]))
        likely = people[0] if people and (number in waiting.named or 2 * votes[people[0]] > len(faces)) else None
        yield Question(
            Kind.GROUP,
            f"group-{number}",
            tuple(faces[:BATCH]),
            len(faces),
            gain=float(len(faces)),
            person=likely,
            because=_reasons(one for one in made if one.person == likely),
            runners_up=tuple(person for person in people if person != likely)[:RUNNERS_UP],
            number=number,
        )


def _batches(waiting: Waiting, grouped: Collection[int], chance: Mapping[int, float]) -> Iterator[Question]:
    """Faces in no group that may be one person, BATCH at a time: those that are likely enough."""
    by_person: dict[int, list[Suggestion]] = defaultdict(list)
    for one in waiting.suggestions:
        if one.face not in grouped and chance[one.face] >= WORTH_A_BATCH:
            by_person[one.person].append(one)
    for person, made in by_person.items():
        for start in range(0, len(made), BATCH):
            some = made[start : start + BATCH]
            right = sum(chance[one.face] for one in some)
            if len(some) > 1:
                yield Question(
                    Kind.PERSON, f"person-{person}-{some[0].face}", tuple(one.face for one in some), len(some),
                    right / (1 + len(some) - right), person, _reasons(some), (), distance=some[0].distance, sure=True,
                )  # fmt: skip


def _reasons(made: Iterable[Suggestion]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(face for one in made for face in one.because))[:BECAUSE]


def _face(face: int, one: Suggestion | None, chance: float) -> Question:
    """One face; who it may be is one of the answers."""
    question = Question(Kind.FACE, f"face-{face}", (face,), gain=chance + (1 - chance) * SINGLE)
    if one is None:
        return question
    runner_up = (one.runner_up,) if one.runner_up is not None else ()
    return replace(
        question, person=one.person, because=one.because, runners_up=runner_up, distance=one.distance, sure=one.sure
    )


def by_promise(graph: NeighbourGraph) -> Ints:
    """The rows of a graph, those first that stand out: near to one face, far from the next ten. Such faces are the
    likeliest to be somebody who is there more than once: many near faces only tell of blurred ones."""
    if not len(graph):
        return np.empty(0, np.int64)
    distances = np.where(np.isfinite(graph.distances[:, :11]), graph.distances[:, :11], 10.0)
    squared = distances.astype(np.float64) ** 2
    following = squared[:, 1:].mean(axis=1) if squared.shape[1] > 1 else 0.0
    return np.argsort(squared[:, 0] - following / 2, kind="stable")
