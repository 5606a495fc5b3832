"""The queue of questions: one at a time, the one first whose answer is expected to name most faces.

A face that may be somebody is a question about that face, in which the somebody is one of the answers, never a
question of its own whose no names nobody.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from faceid_core.review.identity import Suggestion
from faceid_core.values import Ints
from faceid_core.vectors.neighbours import NeighbourGraph

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

BATCH = 24
"""Faces that one answer is about, at most: as many as can be looked over in a glance."""

WORTH_A_BATCH = 0.4
"""A suggested face is asked about among others of the same person from this probability on; else it is asked about
by itself, where another name can be given at once."""

BOARD = 10
"""Single faces that are asked about at once, at most: as many as there are digits to choose them with."""

ALONE = 0.2
"""A single face is asked about by itself from this probability on that its suggestion is right: a yes is less than
finding it among others. Else it is one of a board. As measured by tests/bench/effort.py."""

SMALL = 8
"""Faces of a group that is asked about together with others of the same person, at most."""

PRIOR = 4.0
"""Answers that a person's record is worth before there are any."""

STEEPNESS, CROSSING = 9.3, -0.29
"""How the probability that a suggestion is right falls with its lead (see identity.leads), in squared limits: a
half at CROSSING. Fitted on LFW and six drawn sets alike."""

BY_DISTANCE, HALFWAY = 9.0, 1.0
"""The same for its distance, in limits: where only one person is known, so that there is no lead."""

SPREAD, STEPS = 1.5, 8
"""How much libraries differ in how often suggestions are right, in log-odds: LFW's and drawn families by -1 and 2.
And steps of Newton's method, which converges here in five."""

SINGLE = 0.3
"""The share of faces like nobody known that show somebody who is there more than once."""

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
    SINGLES = "singles"
    """Several single faces, of whom one or another may be known: those that are chosen get an answer, the others
    stay asked about."""
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


NAMING = (Kind.GROUP, Kind.PERSON, Kind.FACE, Kind.SINGLES)
"""Kinds whose answers name faces; the others ask about names."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question. Ids are those of faces, unless said otherwise.

    key: tells it from all others, and stays while the question does. faces: what it is about; of a group, its best
    ones. size: how many faces the answer is about. gain: faces that it is expected to name, for each act it takes.
    person: who they may be, or whose name is in doubt; because: this person's faces that speak for it; runners_up:
    other people, the likeliest first; number, other: groups, people, or a photo and the others of its moment;
    pairs: of faces, one on each of two photos; chance: how likely each face is the person's, on average; sure:
    whether the faces are taken for the person unless deselected.
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
    chance: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """What the questions that name faces are made of.

    groups: number -> its faces that wait, the best first; singles: the other faces that wait, in the order in which
    they are worth a look. suggestions: the surest first. limit: the distance up to which they are sure. records:
    person -> (yes, no) that were answered so far; lift: what all answers together tell, see
    learned.
    """

    groups: Mapping[int, Sequence[int]]
    singles: Sequence[int]
    suggestions: Sequence[Suggestion]
    limit: float
    named: Mapping[int, Sequence[int]] = field(default_factory=dict)
    records: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    lift: float = 0.0


def probability(one: Suggestion, limit: float, record: tuple[int, int] = (0, 0), lift: float = 0.0) -> float:
    """How likely a suggestion is right: from its distance, from what was answered about this person before, and
    about everybody (`lift`, see learned)."""
    near = 1 / (1 + math.exp(-odds(one, limit) - lift))
    yes, no = record
    return near * (PRIOR + yes) / (PRIOR + yes + no)


def probabilities(waiting: Waiting) -> Floats:
    """(S,) how likely each suggestion is right, see probability."""
    made = waiting.suggestions
    leads = np.array([one.lead for one in made], np.float64)
    distances = np.array([one.distance for one in made], np.float64)
    by_distance = BY_DISTANCE * (HALFWAY - distances / waiting.limit)
    usual = np.where(np.isnan(leads), by_distance, usual_odds(leads, waiting.limit))
    trust = {person: (PRIOR + yes) / (PRIOR + yes + no) for person, (yes, no) in waiting.records.items()}
    result: Floats = np.array([trust.get(one.person, 1.0) for one in made]) / (1 + np.exp(-usual - waiting.lift))
    return result


def odds(one: Suggestion, limit: float) -> float:
    """The log-odds that a suggestion is right, in a library of which nothing else is known."""
    if math.isnan(one.lead):
        return BY_DISTANCE * (HALFWAY - one.distance / limit)
    return float(usual_odds(np.array(one.lead), limit))


def usual_odds(leads: Floats, limit: float) -> Floats:
    """The same for leads of any shape."""
    result: Floats = STEEPNESS * (CROSSING - leads / limit**2)
    return result


def learned(usual: Floats, right: Bools) -> float:
    """By how much the log-odds of all suggestions in this library differ from the usual ones: the likeliest value,
    before any answer normally distributed around 0 with SPREAD. usual: (N,) log-odds of answered suggestions;
    right: (N,) the answers."""
    lift = 0.0
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-usual - lift))
        slope = (right - chance).sum() - lift / SPREAD**2
        lift += float(slope / ((chance * (1 - chance)).sum() + 1 / SPREAD**2))
    return lift


@dataclass(frozen=True, slots=True)
class Queue:
    """questions: the first ones; answers: how many there are of each kind."""

    questions: tuple[Question, ...]
    answers: Counter[str]


def naming(waiting: Waiting, at_most: int) -> Queue:
    """The questions that name faces, the most useful first; each face is in one of them."""
    by_face = {one.face: one for one in waiting.suggestions}
    chances = dict(zip(by_face, probabilities(waiting).tolist(), strict=True))
    groups = {number: faces for number, faces in waiting.groups.items() if len(faces) > 1}
    joined = _joining(groups, by_face, chances)
    groups = {number: faces for number, faces in groups.items() if number not in joined}
    grouped = {face for faces in groups.values() for face in faces}
    chance = {face: likely for face, likely in chances.items() if face not in grouped}
    batches = list(_batches(waiting, chance))
    asked = grouped.union(*(batch.faces for batch in batches))
    alone = (face for faces in waiting.groups.values() if len(faces) == 1 for face in faces)
    order = dict.fromkeys([*chance, *alone, *waiting.singles])
    single = sorted((face for face in order if face not in asked), key=lambda face: -chance.get(face, 0.0))
    faces, boards = _boards(single, chance)
    questions = [
        *(_group(number, waiting, by_face) for number in sorted(groups, key=lambda n: -len(groups[n]))[:at_most]),
        *batches,
        *(_face(face, by_face.get(face), chance.get(face, 0.0)) for face in faces[:at_most]),
        *(_board(some, chance) for some in boards[:at_most]),
    ]
    first = sorted(questions, key=lambda question: -question.gain)[:at_most]
    parts = {Kind.GROUP: groups, Kind.PERSON: batches, Kind.FACE: faces, Kind.SINGLES: boards}
    return Queue(tuple(first), Counter({kind.value: len(part) for kind, part in parts.items()}))


def _joining(
    groups: Mapping[int, Sequence[int]], by_face: Mapping[int, Suggestion], chances: Mapping[int, float]
) -> set[int]:
    """Small groups all of whose faces may be one person: several of the same person's are one question."""
    of_person: dict[int, list[int]] = defaultdict(list)
    for number, faces in groups.items():
        if len(faces) <= SMALL and all(chances.get(face, 0.0) >= WORTH_A_BATCH for face in faces):
            whom = {by_face[face].person for face in faces}
            if len(whom) == 1:
                of_person[whom.pop()].append(number)
    return {number for numbers in of_person.values() for number in numbers if len(numbers) > 1}


def _group(number: int, waiting: Waiting, by_face: Mapping[int, Suggestion]) -> Question:
    """A whole group, with the people that its faces may be."""
    faces, there = waiting.groups[number], waiting.named.get(number, ())
    made = [by_face[face] for face in faces if face in by_face]
    votes = Counter(one.person for one in made)
    people = list(dict.fromkeys([*there, *(person for person, _ in votes.most_common())]))
    likely = people[0] if people and (there or 2 * votes[people[0]] > len(faces)) else None
    return Question(
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


def _batches(waiting: Waiting, chance: Mapping[int, float]) -> Iterator[Question]:
    """Faces in no group that may be one person, BATCH at a time: those that are likely enough."""
    by_person: dict[int, list[Suggestion]] = defaultdict(list)
    for one in waiting.suggestions:
        if chance.get(one.face, 0.0) >= WORTH_A_BATCH:
            by_person[one.person].append(one)
    for made in by_person.values():
        for start in range(0, len(made), BATCH):
            if len(some := made[start : start + BATCH]) > 1:
                yield _batch(some, sum(chance[one.face] for one in some))


def _batch(made: Sequence[Suggestion], right: float) -> Question:
    """right: how many are expected to be the person; each of the others is to be deselected."""
    person = made[0].person
    return Question(
        Kind.PERSON,
        f"person-{person}-{made[0].face}",
        tuple(one.face for one in made),
        len(made),
        gain=right / (1 + len(made) - right),
        person=person,
        because=_reasons(made),
        distance=made[0].distance,
        sure=True,
        chance=round(right / len(made), 3),
    )


def _reasons(made: Iterable[Suggestion]) -> tuple[int, ...]:
    found: dict[int, None] = {}
    for one in made:
        found.update(dict.fromkeys(one.because))
        if len(found) >= BECAUSE:
            break
    return tuple(found)[:BECAUSE]


def _face(face: int, one: Suggestion | None, chance: float) -> Question:
    """One face; who it may be is one of the answers."""
    question = Question(Kind.FACE, f"face-{face}", (face,), gain=expected(chance))
    if one is None:
        return question
    runner_up = (one.runner_up,) if one.runner_up is not None else ()
    return replace(
        question, person=one.person, because=one.because, runners_up=runner_up, distance=one.distance,
        sure=one.sure, chance=round(chance, 3),
    )  # fmt: skip


def _boards(single: Sequence[int], chance: Mapping[int, float]) -> tuple[Sequence[int], list[Sequence[int]]]:
    """Single faces, the likeliest first: those that are asked about alone, and the others, BOARD at a time."""
    alone = sum(chance.get(face, 0.0) >= ALONE for face in single)
    boards = [single[start : start + BOARD] for start in range(alone, len(single), BOARD)]
    if boards and len(boards[-1]) == 1:
        return [*single[:alone], *boards.pop()], boards
    return single[:alone], boards


def _board(faces: Sequence[int], chance: Mapping[int, float]) -> Question:
    """Each known face is one to choose and one to name; one answer is for all that nobody knows."""
    known = sum(expected(chance.get(face, 0.0)) for face in faces)
    return Question(Kind.SINGLES, f"singles-{faces[0]}", tuple(faces), len(faces), gain=known / (1 + 2 * known))


def expected(chance: float) -> float:
    """How likely a single face is of somebody who is there more than once. chance: that its suggestion is right."""
    return chance + (1 - chance) * SINGLE


def by_promise(graph: NeighbourGraph) -> Ints:
    """The rows of a graph, those first that stand out: near to one face, far from the next ten, each with that one
    face beside it. They are the likeliest to be somebody who is there more than once: many near faces only tell of
    blurred ones."""
    if not len(graph):
        return np.empty(0, np.int64)
    distances = np.where(np.isfinite(graph.distances[:, :11]), graph.distances[:, :11], 10.0)
    squared = distances.astype(np.float64) ** 2
    following = squared[:, 1:].mean(axis=1) if squared.shape[1] > 1 else 0.0
    order = np.argsort(squared[:, 0] - following / 2, kind="stable")
    pairs = np.stack([order, graph.indices[order, 0]], axis=1).ravel()
    rows, first = np.unique(pairs[pairs >= 0], return_index=True)
    return rows[np.argsort(first)].astype(np.int64)
