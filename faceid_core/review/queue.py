"""The queue of questions: one at a time, first the one whose answer is expected to name most faces.

A suggestion is part of the question about its face, with the suggested person as one of the answers. It is never a
separate question, because a no to that would name nobody.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
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
"""Most faces of one question: as many as one can take in at a glance."""

WORTH_A_BATCH = 0.4
"""From this probability on, a suggested face is asked about together with others of the same person; below, by
itself, so that it can get another name at once."""

BOARD = 10
"""Most single faces in one question: as many as there are digits to choose them with."""

ALONE = 0.2
"""A single face whose suggestion is right with at least this probability is asked about by itself, because a yes is
less work than finding it among others; below, on a board. Measured by tests/bench/effort.py."""

SMALL = 8
"""Most faces of a group that may be asked about together with others of the same person."""

PRIOR = 4.0
"""How many right answers a person's record starts with."""

STEEPNESS, CROSSING = 9.3, -0.29
"""How the probability that a suggestion is right falls with its lead (see identity.leads) in squared limits: it is
one half at CROSSING. Fitted on LFW and six drawn sets."""

BY_DISTANCE, HALFWAY = 9.0, 1.0
"""The same for its distance in limits, used while only one person is known, so that there is no lead."""

SPREAD, STEPS = 1.5, 8
"""Standard deviation, in log-odds, of how often suggestions are right in a library: LFW and drawn families are at
-1 and 2. And steps of Newton's method, which converges here in five."""

SINGLE = 0.3
"""Share of the faces resembling nobody known that show somebody with more than one photo."""

BECAUSE = 12
"""Most faces of a person shown as reasons with a question."""

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
    """Several single faces, some of whom may be known (a board): an answer is for the chosen ones, and the others
    are asked about again."""
    WRONG = "wrong"
    """A name that may be wrong."""
    TWICE = "twice"
    """Somebody who is in a photo more than once."""
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
    """One question. Ids are those of faces unless stated otherwise.

    key: identifies it for as long as it is asked. faces: those it is about; of a group, its best ones. size: how
    many faces the answer applies to. gain: expected number of faces named per action. person: who they may be, or
    whose name is in doubt; because: this person's faces that suggest it; runners_up: other people, likeliest first.
    number, others: groups, people, or a photo and the others of its moment; pairs: of faces, one on each of two
    photos. chance: mean probability that a face shows the person; sure: whether the faces are preselected.
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

    groups: number -> its waiting faces, best first; singles: the other waiting faces, most promising first.
    suggestions: surest first; limit: the distance up to which they are sure. named: group -> the people named in
    it. records: person -> (yes, no) answers so far; lift: what all answers together tell, see learned().
    """

    groups: Mapping[int, Sequence[int]]
    singles: Sequence[int]
    suggestions: Sequence[Suggestion]
    limit: float
    named: Mapping[int, Sequence[int]] = field(default_factory=dict)
    records: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    lift: float = 0.0


def probabilities(waiting: Waiting) -> Floats:
    """How likely each suggestion is right, (S,): by its lead or distance, earlier answers about this person, and
    those about everybody (see learned())."""
    made = waiting.suggestions
    usual = odds(made, waiting.limit)
    trust = {person: (PRIOR + yes) / (PRIOR + yes + no) for person, (yes, no) in waiting.records.items()}
    result: Floats = np.array([trust.get(one.person, 1.0) for one in made]) / (1 + np.exp(-usual - waiting.lift))
    return result


def odds(made: Sequence[Suggestion], limit: float) -> Floats:
    """The log-odds (S,) that suggestions are right in a library of which nothing else is known: by their leads, or
    by distance where there are none."""
    leads = np.array([one.lead for one in made], np.float64)
    distances = np.array([one.distance for one in made], np.float64)
    return np.where(np.isnan(leads), BY_DISTANCE * (HALFWAY - distances / limit), usual_odds(leads, limit))


def usual_odds(leads: Floats, limit: float) -> Floats:
    """The same by leads of any shape."""
    result: Floats = STEEPNESS * (CROSSING - leads / limit**2)
    return result


def learned(usual: Floats, right: Bools) -> float:
    """By how much the log-odds of all suggestions in this library differ from the usual ones.

    The most probable value under a normal prior around 0 with SPREAD. usual: (N,) log-odds of answered suggestions;
    right: (N,) the answers.
    """
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
    """The questions that name faces, most useful first; each face is in one of them."""
    by_face = {one.face: one for one in waiting.suggestions}
    chances = dict(zip(by_face, probabilities(waiting).tolist(), strict=True))
    groups = _groups(waiting, by_face, chances)
    grouped = {face for faces in groups.values() for face in faces}
    chance = {face: likely for face, likely in chances.items() if face not in grouped}
    batches = list(_batches(waiting, chance))
    asked = grouped.union(*(batch.faces for batch in batches))
    faces, boards = _boards(_single(waiting, chance, asked), chance)
    questions = [
        *(_group(number, waiting, by_face) for number in sorted(groups, key=lambda n: -len(groups[n]))[:at_most]),
        *batches,
        *(_face(face, by_face.get(face), chance.get(face, 0.0)) for face in faces[:at_most]),
        *(_board(some, chance) for some in boards[:at_most]),
    ]
    first = sorted(questions, key=lambda question: -question.gain)[:at_most]
    parts = {Kind.GROUP: groups, Kind.PERSON: batches, Kind.FACE: faces, Kind.SINGLES: boards}
    return Queue(tuple(first), Counter({kind.value: len(part) for kind, part in parts.items()}))


def _groups(
    waiting: Waiting, by_face: Mapping[int, Suggestion], chances: Mapping[int, float]
) -> dict[int, Sequence[int]]:
    """The groups to ask about as they are: of several faces, and not better asked about as one person's."""
    groups = {number: faces for number, faces in waiting.groups.items() if len(faces) > 1}
    joined = _joining(groups, by_face, chances)
    return {number: faces for number, faces in groups.items() if number not in joined}


def _single(waiting: Waiting, chance: Mapping[int, float], asked: Set[int]) -> list[int]:
    """All faces but those that are asked about together with others, likeliest first."""
    alone = (face for faces in waiting.groups.values() if len(faces) == 1 for face in faces)
    order = dict.fromkeys([*chance, *alone, *waiting.singles])
    return sorted((face for face in order if face not in asked), key=lambda face: -chance.get(face, 0.0))


def _joining(
    groups: Mapping[int, Sequence[int]], by_face: Mapping[int, Suggestion], chances: Mapping[int, float]
) -> set[int]:
    """The small groups whose faces all may be one person, where there are several for that person: these are one
    question."""
    of_person: dict[int, list[int]] = defaultdict(list)
    for number, faces in groups.items():
        if len(faces) <= SMALL and all(chances.get(face, 0.0) >= WORTH_A_BATCH for face in faces):
            whom = {by_face[face].person for face in faces}
            if len(whom) == 1:
                of_person[whom.pop()].append(number)
    return {number for numbers in of_person.values() for number in numbers if len(numbers) > 1}


def _group(number: int, waiting: Waiting, by_face: Mapping[int, Suggestion]) -> Question:
    """The question about a whole group, with the people whom its faces may show."""
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
    """Questions about faces outside these groups that are likely enough to be one person, BATCH at a time."""
    by_person: dict[int, list[Suggestion]] = defaultdict(list)
    for one in waiting.suggestions:
        if chance.get(one.face, 0.0) >= WORTH_A_BATCH:
            by_person[one.person].append(one)
    for made in by_person.values():
        for start in range(0, len(made), BATCH):
            if len(some := made[start : start + BATCH]) > 1:
                yield _batch(some, sum(chance[one.face] for one in some))


def _batch(made: Sequence[Suggestion], right: float) -> Question:
    """right: how many are expected to show the person; the user deselects the others one by one."""
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
    """The question about one face; who it may be is one of the answers."""
    question = Question(Kind.FACE, f"face-{face}", (face,), gain=expected(chance))
    if one is None:
        return question
    runner_up = (one.runner_up,) if one.runner_up is not None else ()
    return replace(
        question, person=one.person, because=one.because, runners_up=runner_up, distance=one.distance,
        sure=one.sure, chance=round(chance, 3),
    )  # fmt: skip


def _boards(single: Sequence[int], chance: Mapping[int, float]) -> tuple[Sequence[int], list[Sequence[int]]]:
    """Splits single faces, likeliest first, into those to ask about alone and boards of up to BOARD of the
    others."""
    alone = sum(chance.get(face, 0.0) >= ALONE for face in single)
    boards = [single[start : start + BOARD] for start in range(alone, len(single), BOARD)]
    if boards and len(boards[-1]) == 1:
        return [*single[:alone], *boards.pop()], boards
    return single[:alone], boards


def _board(faces: Sequence[int], chance: Mapping[int, float]) -> Question:
    """The question about a board: choosing and naming each known face take an action each, rejecting the rest
    one."""
    known = sum(expected(chance.get(face, 0.0)) for face in faces)
    return Question(Kind.SINGLES, f"singles-{faces[0]}", tuple(faces), len(faces), gain=known / (1 + 2 * known))


def expected(chance: float) -> float:
    """How likely a single face shows somebody with more than one photo. chance: that its suggestion is right."""
    return chance + (1 - chance) * SINGLE


def by_promise(graph: NeighbourGraph) -> Ints:
    """The rows (N,) of a graph, most promising first: near to one face and far from the next ten, with that one
    face beside it. These most likely show somebody with more than one photo; faces near to many are just
    blurred."""
    if not len(graph):
        return np.empty(0, np.int64)
    distances = np.where(np.isfinite(graph.distances[:, :11]), graph.distances[:, :11], 10.0)
    squared = distances.astype(np.float64) ** 2
    following = squared[:, 1:].mean(axis=1) if squared.shape[1] > 1 else 0.0
    order = np.argsort(squared[:, 0] - following / 2, kind="stable")
    pairs = np.stack([order, graph.indices[order, 0]], axis=1).ravel()
    rows, first = np.unique(pairs[pairs >= 0], return_index=True)
    return rows[np.argsort(first)].astype(np.int64)
