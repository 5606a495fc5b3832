"""The next open question, as it is to be drawn: checked against what stands decided at this moment, so that nothing
that was answered is asked again, however far behind the worker is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import combinations, islice

from faceid_core.errors import OutOfDate
from faceid_core.library import DrawnFaces, FaceView, Library, PersonView
from faceid_core.review.place import Place
from faceid_core.review.queue import Kind, Question
from faceid_core.steps import open_questions
from faceid_core.steps.open_questions import OpenQuestions
from faceid_core.values import Flag

LOOKED_AT = 300
"""Questions that may turn out to be answered before the worker is waited for."""


@dataclass(frozen=True, eq=False)
class AskedNow:
    """A question that is open now. faces: those that are shown, the best first; every: all that the answer is
    about, as drawn (a group may be larger than what is shown); people: everybody who may be an answer, by id."""

    question: Question
    faces: tuple[FaceView, ...]
    every: DrawnFaces
    people: dict[int, PersonView]

    @property
    def person(self) -> PersonView | None:
        """Who the faces may be, or whose name is in doubt."""
        return self.people.get(self.question.person or 0)

    @property
    def runners_up(self) -> list[PersonView]:
        """Other people whom a key chooses."""
        return [self.people[person] for person in self.question.runners_up if person in self.people]


@dataclass(frozen=True, eq=False)
class NextQuestion:
    """asked: None where no question is open; found: all questions, None while the worker has written none; skipped:
    how many of them this person put off."""

    asked: AskedNow | None
    found: OpenQuestions | None
    skipped: int = 0


def next_question(library: Library, place: Place, people: Iterable[PersonView]) -> NextQuestion:
    """The most useful one that is open for somebody at this place in the queue. people: everybody."""
    found = open_questions.read(library)
    if found is None:
        return NextQuestion(None, None)
    askable = {person.id: person for person in people if not (person.hidden or person.withheld)}
    checking = _Checking(library, found, askable)
    asked = next(filter(None, map(checking.check, islice(place.order(found.questions), LOOKED_AT))), None)
    skipped = sum(map(place.skips, found.questions))
    return NextQuestion(asked, found, skipped)


class _Checking:
    """Whether questions still stand, and how."""

    def __init__(self, library: Library, found: OpenQuestions, people: dict[int, PersonView]) -> None:
        self._library, self._found, self._people = library, found, people
        self._decided: dict[bool, set[tuple[int, ...]]] = {}

    def check(self, question: Question) -> AskedNow | None:
        """None for one that is answered by now."""
        checks: dict[Kind, Callable[[Question], AskedNow | None]] = {
            Kind.GROUP: self._group,
            Kind.GROUPS: self._groups,
            Kind.PERSON: self._person,
            Kind.FACE: self._face,
            Kind.SINGLES: self._singles,
            Kind.WRONG: self._named,
            Kind.TWICE: self._named,
            Kind.PEOPLE: self._two_people,
            Kind.MOMENT: self._moment,
        }
        return checks[question.kind](question)

    def _group(self, question: Question) -> AskedNow | None:
        every = self._members(question.number)
        if not every.ids:
            return None
        out = self._library.gallery.out_of_question(every.ids)
        left = [p for p in (question.person, *question.runners_up) if p in self._people]
        open_ = [p for p in left if any((face, p) not in out for face in every.ids)]
        person = question.person if question.person in open_ else None
        return self._asked(
            replace(
                question, person=person, runners_up=tuple(p for p in open_ if p != person), size=len(every.ids)
            ),
            question.faces,
            every,
        )

    def _groups(self, question: Question) -> AskedNow | None:
        every = self._members(question.number, *question.others)
        ends = self._faces(question.faces, None)
        if len(ends) < 2 or self._pairs(same=False).issuperset([_pair(question.faces)]):
            return None
        return self._asked(replace(question, size=len(every.ids)), question.faces, every)

    def _members(self, *numbers: int) -> DrawnFaces:
        try:
            return self._library.clusters.faces_as_drawn(self._found.run, *numbers)
        except OutOfDate:  # grouped again; the worker is about to say how
            return DrawnFaces({})

    def _person(self, question: Question) -> AskedNow | None:
        """Faces that wait: a face that can't be the person any more is not asked about."""
        if question.person not in self._people:
            return None
        waiting = [face.id for face in self._faces(question.faces, None)]
        out = self._library.gallery.out_of_question(waiting)
        waiting = [face for face in waiting if (face, question.person) not in out]
        return self._asked(replace(question, size=len(waiting)), waiting, DrawnFaces.alike(waiting))

    def _face(self, question: Question) -> AskedNow | None:
        """A face that waits, with those who may still be the person."""
        waiting = [face.id for face in self._faces(question.faces, None)]
        out = {person for _, person in self._library.gallery.out_of_question(waiting)}
        open_ = {p for p in (question.person, *question.runners_up) if p in self._people and p not in out}
        person = question.person if question.person in open_ else None
        runners_up = tuple(p for p in question.runners_up if p in open_)
        question = replace(question, person=person, runners_up=runners_up, size=len(waiting))
        return self._asked(question, waiting, DrawnFaces.alike(waiting))

    def _singles(self, question: Question) -> AskedNow | None:
        waiting = [face.id for face in self._faces(question.faces, None)]
        return self._asked(replace(question, size=len(waiting)), waiting, DrawnFaces.alike(waiting))

    def _named(self, question: Question) -> AskedNow | None:
        """Faces that have the name in question, unless a human found it right, or it is of nobody to ask about."""
        if question.person not in self._people:
            return None
        faces = [face.id for face in self._faces(question.faces, question.person)]
        pairs = (
            [_pair((question.faces[0], question.because[0]))]
            if question.kind is Kind.WRONG
            else [_pair(pair) for pair in combinations(question.faces, 2)]
        )
        if len(faces) < len(question.faces) or self._pairs(same=True).issuperset(pairs):
            return None
        return self._asked(question, faces, DrawnFaces.alike(faces, question.person))

    def _two_people(self, question: Question) -> AskedNow | None:
        one, other = question.number, question.others[0]
        there = self._people.keys() >= {one, other}
        if not there or self._pairs(same=False).issuperset([_pair(question.faces)]):
            return None
        states = {question.faces[0]: (one, Flag.NONE), question.faces[1]: (other, Flag.NONE)}
        return self._asked(question, question.faces, DrawnFaces(states))

    def _moment(self, question: Question) -> AskedNow | None:
        waiting = [face.id for face in self._faces(question.faces, None)]
        if self._pairs(same=True).issuperset(_pair(pair) for pair in question.pairs):
            return None
        return self._asked(replace(question, size=len(waiting)), waiting, DrawnFaces.alike(waiting))

    def _asked(self, question: Question, shown: Iterable[int], every: DrawnFaces) -> AskedNow | None:
        there = every.states.keys()
        faces = self._library.faces.get_many([face for face in shown if face in there] or every.ids[:24])
        return AskedNow(question, tuple(faces), every, self._people) if faces else None

    def _faces(self, ids: Iterable[int], person: int | None) -> list[FaceView]:
        """Those without a flag that are this person's, or nobody's."""
        found = self._library.faces.get_many(list(ids))
        return [face for face in found if face.person_id == person and face.flag is Flag.NONE]

    def _pairs(self, *, same: bool) -> set[tuple[int, ...]]:
        if same not in self._decided:
            self._decided[same] = set(map(tuple, self._library.pair_constraints.all(same=same).tolist()))
        return self._decided[same]


def _pair(faces: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(faces))
