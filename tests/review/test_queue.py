"""Which questions come first, and what answers teach."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from faceid_core.review import queue
from faceid_core.review.identity import Middles, Suggestion, leads
from faceid_core.review.queue import Kind, Waiting
from faceid_core.vectors import neighbours

LIMIT = 0.5


def suggestion(face: int, person: int = 1, lead: float = -0.2) -> Suggestion:
    return Suggestion(face, person, distance=0.4, because=(90 + person,), lead=lead)


def waiting(groups: dict[int, list[int]], *made: Suggestion) -> Waiting:
    return Waiting(groups=groups, singles=[], suggestions=made, limit=LIMIT)


def test_a_lead_is_over_the_nearest_others() -> None:
    middles = Middles.of(np.array([7, 3, 7]), np.array([[0, 0], [4, 0], [2, 0]], np.float32))
    assert middles.people.tolist() == [3, 7] and middles.vectors.tolist() == [[4, 0], [1, 0]]
    face = np.array([[1, 1]], np.float32)
    assert leads(face, np.array([7]), middles) == pytest.approx([1 - 0.7 * 10])
    assert math.isnan(leads(face, np.array([7]), Middles.of(np.array([7]), face))[0]), "there are no others"


def test_the_smaller_the_lead_the_likelier_and_distance_decides_without_one() -> None:
    made = [suggestion(1, lead=lead) for lead in (-0.3, -0.1, 0.1, math.nan)]
    *chances, without = queue.probabilities(waiting({}, *made)).tolist()
    assert chances == sorted(chances, reverse=True) and chances[0] > 0.9 and chances[-1] < 0.1
    assert without == pytest.approx(1 / (1 + math.exp(-1.8)))
    assert not len(queue.probabilities(waiting({})))


def test_answers_teach_how_likely_all_others_are() -> None:
    usual, one = np.zeros(40), suggestion(1, lead=queue.CROSSING * LIMIT**2)
    lifts = [queue.learned(usual, np.arange(40) < right) for right in (0, 10, 20, 40)]
    assert lifts == sorted(lifts) and lifts[2] == pytest.approx(0, abs=1e-9)
    (chance,) = queue.probabilities(replace(waiting({}, one), lift=lifts[1]))
    assert chance == pytest.approx(0.25, abs=0.03)
    assert queue.learned(np.empty(0), np.empty(0, bool)) == 0


def test_small_groups_of_one_person_are_one_question() -> None:
    found = queue.naming(waiting({1: [1, 2], 2: [3, 4]}, *map(suggestion, (1, 2, 3, 4))), 10)
    assert [(question.kind, question.faces) for question in found.questions] == [(Kind.PERSON, (1, 2, 3, 4))]
    assert found.questions[0].chance > queue.WORTH_A_BATCH


def test_a_group_of_its_own_stays_one_and_so_do_those_of_two_people() -> None:
    of_two = [suggestion(1), suggestion(2), suggestion(3, 2), suggestion(4, 2)]
    for made in (of_two[:2], of_two, [suggestion(face, lead=0.2) for face in (1, 2, 3, 4)]):
        found = queue.naming(waiting({1: [1, 2], 2: [3, 4]}, *made), 10)
        assert {question.key for question in found.questions} == {"group-1", "group-2"}


def test_single_faces_of_whom_little_is_known_are_asked_about_together() -> None:
    made = [suggestion(1, 1), suggestion(2, 2, lead=0.3)]
    found = queue.naming(queue.Waiting({}, [3, 4, 5], made, LIMIT), 10)
    assert [(one.kind, one.faces) for one in found.questions] == [(Kind.FACE, (1,)), (Kind.SINGLES, (2, 3, 4, 5))]
    assert found.answers == {"group": 0, "person": 0, "face": 1, "singles": 1}
    many = queue.naming(queue.Waiting({}, range(1, 2 * queue.BOARD + 2), [], LIMIT), 10)
    assert [len(one.faces) for one in many.questions] == [queue.BOARD, queue.BOARD, 1]
    assert {one.kind for one in many.questions} == {Kind.SINGLES, Kind.FACE}, "nobody is beside the last one"
    assert sorted(face for one in many.questions for face in one.faces) == list(range(1, 2 * queue.BOARD + 2))


def test_faces_that_stand_out_come_first_each_with_the_one_it_is_near_to() -> None:
    at = np.array([[0, 0], [0.1, 0], [9, 9], [9.01, 9], [5, 0]], np.float32)
    assert queue.by_promise(neighbours.build(at, 3)).tolist() == [3, 2, 0, 1, 4]
    assert not len(queue.by_promise(neighbours.build(at[:0], 3)))
    assert queue.by_promise(neighbours.build(at[:1], 3)).tolist() == [0]


def test_answers_about_a_person_teach_about_that_person() -> None:
    one, other = suggestion(1, person=1), suggestion(2, person=2)
    asked = replace(waiting({}, one, other), records={1: (3, 5)}, lift=0.4)
    trusted, usual = queue.probabilities(asked)
    assert usual == pytest.approx(1 / (1 + math.exp(-queue.odds([other], LIMIT)[0] - 0.4)))
    assert trusted == pytest.approx(usual * (queue.PRIOR + 3) / (queue.PRIOR + 8))
