"""The queue on a library: what the worker keeps equals a fresh computation, and no answer is asked for again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceid_core.errors import BadInput, FaceIdError, TwiceOnPhoto
from faceid_core.library import Library
from faceid_core.review import queue
from faceid_core.review.place import Place
from faceid_core.review.queue import Kind, Question
from faceid_core.settings import Settings
from faceid_core.steps import ask, keep_questions, open_questions
from faceid_core.steps.keep_questions import Keeper
from faceid_core.steps.next_question import AskedNow, next_question
from faceid_core.steps.reply import Given, Reply, give
from faceid_core.values import ConsentState, Flag
from tests import sharing
from tests.library.conftest import new_face, new_photo

pytestmark = pytest.mark.slow

EMBEDDER, PEOPLE, EACH = "dlib-resnet+mirror", 4, 10


@pytest.fixture
def library(engine_settings: Settings, tmp_path: Path) -> Iterator[Library]:
    """Faces of four people, ten each, two on a photo; a group for seven of each, the others are in none."""
    sharing.link_engine(tmp_path / "library", engine_settings.engine_folder)
    rng = np.random.default_rng(0)
    middles = rng.normal(size=(PEOPLE, 128))
    middles *= 1.42 / np.linalg.norm(middles, axis=1, keepdims=True)
    vectors = middles[:, None] + rng.normal(size=(PEOPLE, EACH, 128)) * 0.3 / np.sqrt(128)
    photos = []
    for row, (one, other) in enumerate([(p, q) for _ in range(EACH) for p, q in ((0, 1), (2, 3))]):
        faces = tuple(
            replace(new_face(0.5 + row / 100), vector=vectors[who, row // 2].astype(np.float32))
            for who in (one, other)
        )
        photos.append(replace(new_photo(f"/{row}.jpg"), embedder=EMBEDDER, faces=faces))
    with Library.open(sharing.new_library(tmp_path / "library")) as opened:
        opened.photos.add_many(photos)
        ids = opened.faces.vectors(EMBEDDER).ids
        opened.clusters.save_run("test", {}, EMBEDDER, ids, _groups())
        yield opened


def _groups() -> np.ndarray:
    truth = np.tile([0, 1, 2, 3], EACH)
    return np.where(np.arange(PEOPLE * EACH) // PEOPLE < 7, truth + 1, 0)


def of(library: Library, person: int) -> list[int]:
    """The faces of somebody, those of the group first."""
    return [int(face) for face in library.faces.vectors(EMBEDDER).ids[person::PEOPLE]]


def coming(library: Library, place: Place) -> AskedNow:
    Keeper(library).catch_up(wait=True)
    asked = next_question(library, place, library.people.all()).asked
    assert asked is not None
    return asked


def asked(library: Library, kind: Kind) -> AskedNow:
    """The first question of a kind."""
    place, seen = Place(), []
    while (found := coming(library, place)).question.kind is not kind:
        seen.append(found.question.key)
        place.skip(found.question)
    return found


def keys(library: Library) -> set[str]:
    Keeper(library).catch_up(wait=True)
    found = open_questions.read(library)
    assert found is not None
    return {question.key for question in found.questions}


def random_act(library: Library, rng: np.random.Generator) -> None:
    ids = library.faces.vectors(EMBEDDER).ids
    some = [int(face) for face in rng.choice(ids, rng.integers(1, 5), replace=False)]
    name = f"Person {(some[0] - 1) % PEOPLE}{rng.choice(['', ' again'])}"
    people = library.people.all()
    match rng.integers(0, 9):
        case 0:
            library.people.name_faces(some, name)
        case 1 | 2 | 8:
            library.people.name_faces([face for face in some if face % PEOPLE == some[0] % PEOPLE], name)
        case 3 if people:
            library.people.reject(some, people[0].id)
        case 4:
            library.faces.flag(some[:1], Flag(rng.choice(["stranger", "none"])))
        case 5 if len(people) > 1:
            library.people.merge(people[0].id, [people[1].id])
        case 6 if people:
            library.people.describe(people[0].id, hidden=not people[0].hidden)
        case 7:
            library.pair_constraints.say([(some[0], some[-1])], same=False, summary="apart")
        case _:
            library.journal.undo()


def others(library: Library) -> set[str]:
    """The keys of the questions about names, by the simple way."""
    found = ask.questions(library)
    return {
        *(f"wrong-{doubt.face}" for doubt in found.doubts),
        *(f"twice-{twice.photo}-{twice.person}" for twice in found.twice),
        *(f"people-{pair.one}-{pair.other}" for pair in found.people),
        *(f"groups-{pair.one}-{pair.other}" for pair in found.groups),
        *(f"moment-{moment.best}" for moment in found.duplicates),
    }


@pytest.mark.parametrize("seed", [1, 3])
def test_after_any_acts_and_undos_the_worker_knows_what_a_fresh_computation_finds(
    library: Library, seed: int
) -> None:
    rng, keeper, suggested, odd = np.random.default_rng(seed), Keeper(library), 0, 0
    for _ in range(25):
        try:
            random_act(library, rng)
        except FaceIdError:
            continue
        keeper.catch_up(wait=True)
        assert keeper._compared is not None
        hidden = {person.id for person in library.people.all() if person.hidden}
        kept = keeper._compared.suggesting.suggestions()
        fresh = ask.suggestions(library)
        if not hidden:  # the simple way asks about hidden people, too
            assert [(s.face, s.person, s.because) for s in kept] == [(s.face, s.person, s.because) for s in fresh]
            assert [s.distance for s in kept] == pytest.approx([s.distance for s in fresh], abs=1e-3)
        assert {question.key for question in keeper._others} == others(library)
        suggested, odd = suggested + len(kept), odd + len(keeper._others)
    assert suggested > 20 and odd > 0


def test_whole_groups_come_first_the_largest_first(library: Library) -> None:
    place, seen = Place(), []
    for _ in range(4):
        found = coming(library, place)
        seen.append((found.question.kind, found.question.size))
        place.skip(found.question)
    assert seen == [(Kind.GROUP, 7)] * 4
    assert coming(library, place).question.kind is Kind.SINGLES


def test_a_named_group_brings_its_person_s_other_faces_as_one_batch(library: Library) -> None:
    place = Place()
    act = give(library, coming(library, place), Given(Reply.NEW, name="Ada"))
    assert act.event is not None and act.event.summary == "Named 7 faces “Ada”"
    batch = asked(library, Kind.PERSON)
    assert batch.person is not None and batch.person.name == "Ada" and batch.question.size == 3
    give(library, batch, Given(Reply.YES, left_out=(batch.every.ids[2],)))
    assert library.people.all()[0].faces == 9
    assert library.gallery.negatives(EMBEDDER).ids.tolist() == [batch.every.ids[2]]
    library.journal.undo()
    assert library.people.all()[0].faces == 7, "one answer, one event"


def test_nothing_that_was_answered_is_asked_while_the_worker_is_behind(library: Library) -> None:
    place, people = Place(), library.people.all
    first = coming(library, place)
    give(library, first, Given(Reply.NEW, name="Ada"))
    second = next_question(library, place, people()).asked
    assert second is not None and second.question.key != first.question.key
    give(library, second, Given(Reply.STRANGER))
    third = next_question(library, place, people()).asked
    assert third is not None and third.question.key not in (first.question.key, second.question.key)


def test_a_no_takes_the_person_out_of_the_question(library: Library) -> None:
    library.people.name_faces(of(library, 0)[:5], "Ada")
    question = next(question for question in _all(library) if question.key == "group-1")
    group = next_question(library, Place(back=question), library.people.all()).asked
    assert group is not None and group.person is not None and group.question.size == 2
    give(library, group, Given(Reply.NO))
    again = next(q for q in _all(library) if q.key == group.question.key)
    place = Place(back=again)
    now = next_question(library, place, library.people.all()).asked
    assert now is not None and now.question.key == group.question.key and now.person is None


def test_chosen_single_faces_get_a_name_and_the_others_stay_asked_about(library: Library) -> None:
    place = Place(skipped={f"group-{number}": None for number in (1, 2, 3, 4)})
    board = coming(library, place)
    assert board.question.kind is Kind.SINGLES and board.question.size == len(board.faces) == queue.BOARD
    ids = tuple(board.every.ids)
    with pytest.raises(BadInput, match="Select"):
        give(library, board, Given(Reply.NEW, left_out=ids, name="Ada"))
    named = give(library, board, Given(Reply.NEW, left_out=ids[2:], name="Ada", twice=True)).event
    assert named is not None
    place.answered(named.id, board.question)
    behind, rest = next_question(library, place, library.people.all()).asked, coming(library, place)
    assert behind is not None and behind.every.ids == rest.every.ids == list(ids[2:])
    nobody = give(library, rest, Given(Reply.STRANGER, left_out=ids[2:])).event
    assert nobody is not None and nobody.summary == "Ignored 8 faces"
    place.answered(nobody.id, rest.question)
    assert not set(coming(library, place).every.ids) & set(ids), "nothing answered comes back"
    for event, back in ((nobody, ids[2:]), (named, ids)):
        library.journal.undo(event.id)
        place.undone(event.id)
        assert coming(library, place).every.ids == list(back)


def test_skipped_single_faces_come_last_however_they_are_put_together_by_then(library: Library) -> None:
    place = Place(skipped={f"group-{number}": None for number in (1, 2, 3, 4)})
    board = coming(library, place)
    place.skip(board.question)
    other = coming(library, place)
    assert not set(other.every.ids) & set(board.every.ids)
    give(library, other, Given(Reply.STRANGER))
    Keeper(library).catch_up(wait=True)
    coming_next = next_question(library, place, library.people.all())
    assert coming_next.asked is None and coming_next.skipped == 5
    place.start_over()
    assert next_question(library, place, library.people.all()).asked is not None


def _all(library: Library) -> tuple[Question, ...]:
    Keeper(library).catch_up(wait=True)
    found = open_questions.read(library)
    assert found is not None
    return found.questions


def test_an_undo_goes_back_to_its_question_and_a_skip_comes_last(library: Library) -> None:
    place = Place()
    first = coming(library, place)
    event = give(library, first, Given(Reply.NEW, name="Ada")).event
    assert event is not None
    place.answered(event.id, first.question)
    second = coming(library, place)
    place.skip(second.question)
    assert coming(library, place).question.key not in (first.question.key, second.question.key)
    library.journal.undo(event.id)
    place.undone(event.id)
    assert coming(library, place).question.key == first.question.key
    assert not place.done
    place.skip(first.question)
    assert coming(library, place).question.key not in (first.question.key, second.question.key)
    place.start_over()
    assert coming(library, place).question.key in (first.question.key, second.question.key)


@pytest.mark.parametrize("reply", [Reply.YES, Reply.NO])
def test_two_people_who_may_be_one(library: Library, reply: Reply) -> None:
    faces = of(library, 0)
    library.people.name_faces(faces[:5], "Ada")
    library.people.name_faces(faces[5:], "Adah")
    pair = asked(library, Kind.PEOPLE)
    give(library, pair, Given(reply))
    assert [person.name for person in library.people.all()] == (["Ada"] if reply is Reply.YES else ["Ada", "Adah"])
    assert next_question(library, Place(back=pair.question), library.people.all()).asked is not None
    assert pair.question.key not in keys(library)


@pytest.mark.parametrize("reply", [Reply.YES, Reply.NO])
def test_a_name_that_may_be_wrong(library: Library, reply: Reply) -> None:
    library.people.name_faces([*of(library, 0), of(library, 1)[0]], "Ada")
    library.people.name_faces(of(library, 1)[1:], "Bo")
    doubt = asked(library, Kind.WRONG)
    assert doubt.question.faces == (of(library, 1)[0],)
    assert [person.name for person in doubt.runners_up] == ["Bo"]
    give(library, doubt, Given(reply))
    assert library.faces.get(of(library, 1)[0]).person == ("Ada" if reply is Reply.YES else None)
    assert doubt.question.key not in keys(library)


def test_somebody_twice_on_a_photo_is_asked_about_and_can_be_insisted_on(library: Library) -> None:
    face, beside = of(library, 0)[0], of(library, 1)[0]
    library.people.name_faces([face, beside], "Ada")
    twice = asked(library, Kind.TWICE)
    with pytest.raises(BadInput, match="wrong name"):
        give(library, twice, Given(Reply.NO))
    give(library, twice, Given(Reply.YES))
    assert twice.question.key not in keys(library)
    library.journal.undo()
    give(library, twice, Given(Reply.NO, left_out=(beside,)))
    assert library.faces.get(beside).person is None


def test_nothing_is_asked_about_whoever_refuses_not_even_while_the_worker_is_behind(library: Library) -> None:
    ada = library.people.name_faces(of(library, 0)[:5], "Ada").person_id
    library.people.name_faces(of(library, 0)[5:], "Adah")
    bo = library.people.name_faces([*of(library, 2)[:6], of(library, 1)[9]], "Bo").person_id
    library.people.name_faces(of(library, 1)[:6], "Cy")
    photo = library.faces.get(of(library, 3)[0]).photo_id
    library.people.name_faces([face.id for face in library.faces.of_photo(photo)], "Bo")
    for person in (ada, bo):
        assert {each.question.person for each in open_now(library)} & {person}
    before = {each.question.kind for each in open_now(library) if each.question.person in (ada, bo)}
    assert before >= {Kind.PERSON, Kind.WRONG, Kind.TWICE, Kind.PEOPLE}
    for person in (ada, bo):
        library.consents.set(person, ConsentState.REFUSED)
    assert not about(library, {ada, bo}, open_now(library, behind=True))
    assert not about(library, {ada, bo}, open_now(library))
    assert ask.questions(library).twice == ()


def open_now(library: Library, *, behind: bool = False) -> list[AskedNow]:
    """All open questions, one after the other. behind: as a worker finds them that knows nothing new."""
    if not behind:
        Keeper(library).catch_up(wait=True)
    place, found = Place(), list[AskedNow]()
    while asked := next_question(library, place, library.people.all()).asked:
        if asked.question.key in place.skipped:
            break
        found.append(asked)
        place.skip(asked.question)
    return found


def about(library: Library, people: set[int], found: list[AskedNow]) -> list[Question]:
    """Those that ask about one of these people, or show one of their faces."""
    theirs = {face.id for person in people for face in library.faces.of_person(person, limit=100)}
    return [
        asked.question
        for asked in found
        if people & {asked.question.person, *asked.question.runners_up}
        or (asked.question.kind is Kind.PEOPLE and people & {asked.question.number, *asked.question.others})
        or theirs & {face.id for face in asked.faces}
    ]


def test_a_group_is_not_put_twice_on_a_photo_unless_that_is_insisted_on(library: Library) -> None:
    library.people.name_faces(of(library, 0)[:7], "Ada")
    group = coming(library, Place())
    ada = library.people.all()[0].id
    beside = {face.photo_id for face in library.faces.get_many(of(library, 0)[:7])}
    if not beside & {face.photo_id for face in group.faces}:
        group = coming(library, Place(skipped={group.question.key: None}))
    while not beside & {face.photo_id for face in group.faces}:
        group = coming(library, Place(skipped={f"group-{n}": None for n in (3, 4)}))
    with pytest.raises(TwiceOnPhoto):
        give(library, group, Given(Reply.PERSON, person=ada))
    give(library, group, Given(Reply.PERSON, person=ada, twice=True))
    assert library.people.all()[0].faces == 14


def test_a_damaged_or_missing_file_counts_as_no_questions_yet(library: Library) -> None:
    assert next_question(library, Place(), []).found is None
    Keeper(library).catch_up(wait=True)
    file = library.settings.graphs_folder / "questions.json"
    file.write_text("{", encoding="utf-8")
    assert open_questions.read(library) is None
    Keeper(library).catch_up(wait=True)
    assert open_questions.read(library) is not None


def test_new_faces_are_compared_and_nobody_is_compared_again(library: Library) -> None:
    library.people.name_faces(of(library, 0)[:7], "Ada")
    keeper = Keeper(library)
    keeper.catch_up(wait=True)
    before = library.faces.vectors(EMBEDDER).vectors[0]
    photo = replace(new_photo("/new.jpg"), embedder=EMBEDDER, faces=(replace(new_face(), vector=before + 0.001),))
    library.photos.add_many([photo])
    keeper.catch_up(wait=True)
    assert keeper._compared is not None
    new = int(library.faces.vectors(EMBEDDER).ids[-1])
    assert new in {suggestion.face for suggestion in keeper._compared.suggesting.suggestions()}
    fresh = ask.suggestions(library)
    assert [s.face for s in keeper._compared.suggesting.suggestions()] == [s.face for s in fresh]


def test_the_database_is_asked_only_after_something_was_written(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_questions, "LOOK_SECONDS", 1e9)
    keeper = Keeper(library)
    assert not keeper._is_quiet()
    on_server = library.settings.database_url is not None
    assert keeper._is_quiet() is not on_server
    library.people.name_faces(of(library, 0)[:2], "Ada")
    assert not keeper._is_quiet()
    monkeypatch.setattr(keep_questions, "LOOK_SECONDS", 0.0)
    assert not keeper._is_quiet()
