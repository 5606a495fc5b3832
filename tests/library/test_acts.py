"""Acts: each returns its event, is refused on what has changed since a page drew it, and is never refused because
of a decision that is not there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from faceid_core.errors import BadInput, NotFound, OutOfDate
from faceid_core.library import Act, DrawnFaces, Library, PersonDecision
from faceid_core.library.store import tables
from faceid_core.values import Flag
from tests.library.conftest import EMBEDDER


def person(library: Library, name: str, faces: list[int]) -> int:
    return library.people.name_faces(faces, name).person_id


def group(library: Library, numbers: list[int]) -> int:
    ids = library.faces.vectors(EMBEDDER).ids
    return library.clusters.save_run("test", {}, EMBEDDER, ids, np.array(numbers))


# --- the event ----------------------------------------------------------------------------------------------
ACTS: dict[str, Callable[[Library, list[int]], Act]] = {
    "name": lambda lib, f: lib.people.name_faces(f[4:5], "Cleo"),
    "give": lambda lib, f: lib.people.give_faces(f[4:5], 1),
    "rename": lambda lib, f: lib.people.rename(1, "Berta"),
    "describe": lambda lib, f: lib.people.describe(1, hidden=True),
    "remove": lambda lib, f: lib.people.remove_faces(f[:1], 1),
    "reject": lambda lib, f: lib.people.reject(f[4:5], 1),
    "cover": lambda lib, f: lib.people.set_cover(1, f[1]),
    "flag": lambda lib, f: lib.faces.flag(f[4:5], Flag.STRANGER),
    "pairs": lambda lib, f: lib.pair_constraints.say([(f[4], f[5])], same=False, summary="Said"),
    "take over": lambda lib, f: lib.decisions.take_over([PersonDecision("Dora")], []),
}
ONCE: dict[str, Callable[[Library, list[int]], Act]] = {
    "merge": lambda lib, f: lib.people.merge(1, [2]),
    "delete": lambda lib, f: lib.people.delete(1),
}


@pytest.mark.parametrize("name", [*ACTS, *ONCE])
def test_an_act_returns_its_event_and_none_where_nothing_changes(
    library: Library, faces: list[int], name: str
) -> None:
    person(library, "Ada", faces[:2])
    person(library, "Bo", faces[2:4])
    act = {**ACTS, **ONCE}[name]
    event = act(library, faces).event
    assert event == library.journal.recent(1)[0]
    if name in ACTS:
        assert act(library, faces).event is None
        assert library.journal.recent(1)[0] == event


# --- merging overrules an older no --------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize("kept", [0, 1])
def test_merging_overrules_that_a_face_was_not_that_person(library: Library, faces: list[int], kept: int) -> None:
    ada = person(library, "Ada", faces[:1])
    library.people.reject(faces[1:2], ada)
    bo = person(library, "Bo", faces[1:2])
    before = library.gallery.ruled_out(faces)
    keep, gone = (ada, bo) if kept == 0 else (bo, ada)
    act = library.people.merge(keep, [gone])
    assert act.person.faces == 2
    assert not {(face, keep) for face in faces[:2]} & _denied(library)
    assert act.event is not None
    library.journal.undo(act.event.id)
    assert library.gallery.ruled_out(faces) == before
    assert [face.person for face in library.faces.get_many(faces[:2])] == ["Ada", "Bo"]
    library.journal.redo(act.event.id)
    assert library.people.get(keep).faces == 2


def test_merging_three_overrules_what_each_was_said_not_to_be(library: Library, faces: list[int]) -> None:
    people = [person(library, name, [face]) for name, face in zip(("Ada", "Bo", "Cleo"), faces[::2], strict=False)]
    for other in people:
        strangers = [face for face in faces[:5:2] if library.faces.get(face).person_id != other]
        library.people.reject(strangers, other)
    denied = _denied(library)
    assert len(denied) == 6
    library.people.merge(people[0], people[1:])
    assert _denied(library) == set() and library.people.get(people[0]).faces == 3
    library.journal.undo()
    assert _denied(library) == denied


def test_merging_overrules_that_two_faces_are_two_people(library: Library, faces: list[int]) -> None:
    ada, bo = person(library, "Ada", faces[:2]), person(library, "Bo", faces[2:4])
    pairs = [(faces[0], faces[2]), (faces[0], faces[6])]
    library.pair_constraints.say(pairs, same=False, summary="Two people")
    library.people.merge(ada, [bo])
    assert library.pair_constraints.all(same=False).tolist() == [[faces[0], faces[6]]]
    library.journal.undo()
    assert library.pair_constraints.all(same=False).tolist() == [list(pair) for pair in pairs]


def _denied(library: Library) -> set[tuple[int, int]]:
    negatives = library.gallery.negatives(EMBEDDER)
    return set(zip(negatives.ids.tolist(), negatives.people.tolist(), strict=True))


def test_a_refusal_blames_no_decision_where_none_is_in_the_way(library: Library, faces: list[int]) -> None:
    person(library, "Ada", faces[:1])
    person(library, "Bo", faces[:1])
    moved = library.journal.recent(1)[0].id
    with library._database.write() as session:  # something that no decision did
        session.delete(session.get_one(tables.Label, faces[0]))
    with pytest.raises(BadInput) as refused:
        library.journal.undo(moved)
    assert "decision" not in str(refused.value) and "undo" not in str(refused.value)


# --- as drawn -----------------------------------------------------------------------------------------------
STALE: dict[str, Callable[[Library, list[int], DrawnFaces], Act]] = {
    "name": lambda lib, f, drawn: lib.people.name_faces(f[:2], "Cleo", drawn=drawn),
    "give": lambda lib, f, drawn: lib.people.give_faces(f[:2], 1, drawn=drawn),
    "reject": lambda lib, f, drawn: lib.people.reject(f[:2], 1, drawn=drawn),
    "flag": lambda lib, f, drawn: lib.faces.flag(f[:2], Flag.STRANGER, drawn=drawn),
    "cover": lambda lib, f, drawn: lib.people.set_cover(1, f[1], drawn=drawn),
    "pairs": lambda lib, f, drawn: lib.pair_constraints.say([(f[1], f[0])], same=True, summary="Said", drawn=drawn),
}
ELSEWHERE: dict[str, Callable[[Library, list[int]], object]] = {
    "named": lambda lib, f: lib.people.name_faces(f[1:2], "Bo"),
    "set aside": lambda lib, f: lib.faces.flag(f[1:2], Flag.NOT_A_FACE),
    "erased": lambda lib, f: lib.erasing.faces(f[1:2]),
}


@pytest.mark.parametrize("act", STALE)
@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_an_act_on_faces_that_changed_meanwhile_is_refused(
    library: Library, faces: list[int], act: str, elsewhere: str
) -> None:
    person(library, "Ada", faces[6:7])
    drawn = library.faces.as_drawn(faces)
    ELSEWHERE[elsewhere](library, faces)
    newest = library.journal.recent(1)[0]
    with pytest.raises(OutOfDate, match="out of date: 1 of its faces has changed"):
        STALE[act](library, faces, drawn)
    assert library.journal.recent(1)[0] == newest
    assert library.people.find("Cleo") is None


@pytest.mark.parametrize("act", STALE)
def test_an_act_on_faces_as_drawn_goes(library: Library, faces: list[int], act: str) -> None:
    person(library, "Ada", faces[6:7])
    drawn = library.faces.as_drawn(faces)
    person(library, "Bo", faces[2:3])  # another face of the page
    assert STALE[act](library, faces, drawn).event is not None


def test_a_group_is_the_one_that_was_drawn(library: Library, faces: list[int]) -> None:
    run = group(library, [1, 1, 2, 2, 2, 2, 0, 0])
    person(library, "Bo", faces[5:6])
    drawn = library.clusters.faces_as_drawn(run, 1, 2)
    assert drawn.ids == faces[:5]
    group(library, [1] * 8)
    with pytest.raises(OutOfDate, match="grouped again"):
        library.people.name_faces(drawn.ids, "Ada", drawn=drawn)
    with pytest.raises(OutOfDate, match="grouped again"):
        library.clusters.faces_as_drawn(run, 1)
    assert library.people.find("Ada") is None
    picked = drawn.only(faces[:1])  # seen, and picked one by one: its group does not matter
    assert library.people.name_faces(picked.ids, "Ada", drawn=picked).faces == 1
    library.journal.undo()
    library.journal.undo()  # the grouping of before is in force again
    assert library.people.name_faces(drawn.ids, "Ada", drawn=drawn).faces == 5


def test_taking_faces_from_a_person_leaves_those_of_others_alone(library: Library, faces: list[int]) -> None:
    ada = person(library, "Ada", faces[:3])
    bo = person(library, "Bo", faces[1:2])  # elsewhere
    act = library.people.remove_faces([*faces[:2], faces[7]], ada)
    assert (act.number, act.left) == (1, 2)
    assert act.event is not None and act.event.summary == "Removed the name “Ada” from 1 face"
    assert [face.person for face in library.faces.get_many(faces[:3])] == [None, "Bo", "Ada"]
    assert _denied(library) == {(faces[0], ada)}
    nothing = library.people.remove_faces(faces[1:2], ada)
    assert (nothing.event, nothing.left) == (None, 1)
    library.people.merge(bo, [ada])
    with pytest.raises(NotFound):
        library.people.remove_faces(faces[2:3], ada)


def test_people_who_changed_meanwhile_are_not_merged_forgotten_or_described(
    library: Library, faces: list[int]
) -> None:
    ada, bo = (library.people.get(person(library, name, [face])) for name, face in zip(("Ada", "Bo"), faces[::2],
                                                                                      strict=False))  # fmt: skip
    library.people.rename(bo.id, "Bob")
    with pytest.raises(OutOfDate, match="Bo, now Bob, changed"):
        library.people.merge(ada.id, [bo.id], drawn=[ada, bo])
    with pytest.raises(OutOfDate):
        library.people.delete(bo.id, drawn=bo)
    with pytest.raises(OutOfDate):
        library.people.describe(bo.id, name="Bo", hidden=True, drawn=bo)
    person(library, "Ada", faces[4:5])
    with pytest.raises(OutOfDate, match="Ada changed"):
        library.people.merge(bo.id, [ada.id], drawn=[ada])
    assert library.people.describe(ada.id, hidden=True, drawn=ada).event is not None
