"""What somebody replies to a question of the queue; each reply is one event, which an undo takes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from faceid_core.errors import BadInput
from faceid_core.library import Act, DrawnFaces, Library
from faceid_core.review.label_errors import Doubt
from faceid_core.review.merge_candidates import Pair
from faceid_core.review.near_duplicates import Duplicates
from faceid_core.review.queue import Kind, Question
from faceid_core.steps import answer
from faceid_core.steps.ask import Twice
from faceid_core.steps.next_question import AskedNow
from faceid_core.values import Flag


class Reply(StrEnum):
    """What may be replied, beside putting the question off."""

    YES = "yes"
    NO = "no"
    STRANGER = "stranger"
    """The faces are of somebody unknown."""
    NOT_A_FACE = "not_a_face"
    PERSON = "person"
    """The faces are somebody who is in the library."""
    NEW = "new"
    """The faces are somebody of a new name."""


@dataclass(frozen=True, slots=True)
class Given:
    """A reply. left_out: faces that were deselected; person: of Reply.PERSON; name: of Reply.NEW; twice: whether it
    is right that somebody is on one photo twice."""

    reply: Reply
    left_out: tuple[int, ...] = ()
    person: int | None = None
    name: str = ""
    twice: bool = False


Answering = Callable[[Library, AskedNow, Given, list[int]], Act]
"""What does as was replied; it gets the faces that are meant."""


def give(library: Library, asked: AskedNow, given: Given) -> Act:
    """Do what was replied. Raises BadInput, InvalidName, NotFound, TwiceOnPhoto, OutOfDate."""
    question = asked.question
    meant = [face for face in asked.every.ids if face not in set(given.left_out)]
    if not meant and question.kind is Kind.SINGLES and given.reply is Reply.STRANGER:
        return give(library, asked, replace(given, left_out=()))  # nobody there is known
    if not meant:
        raise BadInput("Select the faces you mean.")
    drawn = asked.every if not given.left_out else asked.every.only(meant)
    if given.reply in (Reply.STRANGER, Reply.NOT_A_FACE):
        return library.faces.flag(meant, Flag(given.reply.value), drawn=drawn)
    if given.reply is Reply.NEW:
        return library.people.name_faces(meant, given.name, once=not given.twice, drawn=drawn)
    if given.reply is Reply.PERSON and given.person is not None:
        if question.kind is Kind.PEOPLE:
            raise BadInput("Answer with yes or no.")
        return library.people.give_faces(meant, given.person, once=not given.twice, drawn=drawn)
    kinds: dict[Kind, Answering] = {
        Kind.GROUP: _who, Kind.PERSON: _who, Kind.FACE: _who, Kind.SINGLES: _who, Kind.WRONG: _wrong,
        Kind.TWICE: _twice, Kind.PEOPLE: _one, Kind.GROUPS: _one, Kind.MOMENT: _moment,
    }  # fmt: skip
    return kinds[question.kind](library, asked, given, meant)


def _who(library: Library, asked: AskedNow, given: Given, meant: list[int]) -> Act:
    """Yes is for the chosen faces, and no for the others; no alone is for all of them."""
    person = _person(asked.question)
    if given.reply is Reply.NO:
        return answer.refuse(library, asked.every.ids, person)
    if given.twice:
        return library.people.give_faces(meant, person, drawn=asked.every.only(meant))
    no = given.left_out if asked.question.kind is not Kind.GROUP else ()
    drawn = asked.every.only([*meant, *no])
    return library.people.answer(meant, no, person, drawn=drawn)


def _wrong(library: Library, asked: AskedNow, given: Given, meant: list[int]) -> Act:
    question, person = asked.question, _person(asked.question)
    if given.reply is Reply.NO:
        return library.people.remove_faces(meant, person)
    doubt = Doubt(question.faces[0], person, question.distance, question.because)
    drawn = DrawnFaces.alike([doubt.face, doubt.because[0]], person)
    name = library.people.get(person).name
    return answer.name_is_right(library, [doubt], name, drawn=drawn)


def _twice(library: Library, asked: AskedNow, given: Given, meant: list[int]) -> Act:
    """Yes: all are right. No: those that were left out are not the person."""
    person = _person(asked.question)
    if given.reply is Reply.NO:
        if not given.left_out:
            raise BadInput("Deselect the faces that have the wrong name.")
        return library.people.remove_faces(given.left_out, person)
    twice = Twice(asked.question.number, person, asked.question.faces)
    name = library.people.get(person).name
    return answer.both_are_right(library, twice, name, drawn=asked.every)


def _one(library: Library, asked: AskedNow, given: Given, meant: list[int]) -> Act:
    question = asked.question
    one, other = question.number, question.others[0]
    if given.reply is Reply.YES and question.kind is Kind.GROUPS:
        raise BadInput("Give both groups a name.")
    if given.reply is Reply.YES:
        views = sorted((asked.people[one], asked.people[other]), key=lambda view: -view.faces)
        keep, gone = views
        return library.people.merge(keep.id, [gone.id], drawn=(keep, gone))
    pair = Pair(one, other, question.distance, _two(question.faces), _two(question.because))
    whom = f"groups {one} and {other}"
    if question.kind is Kind.PEOPLE:
        whom = f"“{asked.people[one].name}” and “{asked.people[other].name}”"
    return answer.not_one_person(library, pair, whom)


def _moment(library: Library, asked: AskedNow, given: Given, meant: list[int]) -> Act:
    question = asked.question
    moment = Duplicates(question.number, question.others, tuple(asked.every.ids), question.pairs)
    if given.reply is Reply.NO:
        return answer.keep_all(library, moment)
    return answer.set_aside(library, moment, drawn=asked.every)


def _person(question: Question) -> int:
    if question.person is None:
        raise BadInput("Say who it is.")
    return question.person


def _two(faces: tuple[int, ...]) -> tuple[int, int]:
    one, other = faces[:2]
    return one, other
