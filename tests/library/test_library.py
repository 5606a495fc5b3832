"""The library: what is stored comes back, a human's word outranks the program's, and every act can be undone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faceid_core.errors import BadInput, InvalidName, NameTaken, NotFound
from faceid_core.library import Library
from faceid_core.values import Box, DetectedFace, Flag, LabelSource, NewFace, NewPhoto, Quality
from tests.library.conftest import open_empty


def new_photo(number: int, faces: int = 2) -> NewPhoto:
    rng = np.random.default_rng(number)
    return NewPhoto(
        path=f"/photos/{number}.jpg",
        sha256=f"{number:064d}",
        width=640,
        height=480,
        taken_at=None,
        error=None,
        size_bytes=number,
        modified_ns=number,
        detector="mmod",
        embedder="test",
        faces=tuple(
            NewFace(
                face=DetectedFace(Box(10.0 * n, 5, 10.0 * n + 9, 15), 1.0, np.zeros((5, 2), np.float32)),
                quality=Quality(1, 1, 1, 1, float(rng.random())),
                crop=b"jpeg",
                vector=rng.random(128).astype(np.float32),
            )
            for n in range(faces)
        ),
    )


@pytest.fixture
def library(empty: Library) -> Library:
    """Ten photos with two faces each, in groups of four; ids are 1 to 20."""
    empty.photos.add_many([new_photo(number) for number in range(1, 11)])
    vectors = empty.faces.vectors("test")
    empty.clusters.save_run("test", {}, "test", vectors.ids, (vectors.ids - 1) // 4 + 1)
    return empty


def state(library: Library) -> object:
    """Everything that a human decides."""
    people = [(person.id, person.name, person.cover_face_id) for person in library.people.all()]
    faces = [(f.id, f.flag, f.person, f.source) for f in library.faces.get_many(range(1, 30))]
    return sorted(people), faces


def test_vectors_come_back_bit_for_bit(library: Library) -> None:
    expected = np.stack([face.vector for number in range(1, 11) for face in new_photo(number).faces])
    assert np.array_equal(library.faces.vectors("test").vectors, expected)
    assert library.faces.vectors("another").vectors.shape[0] == 0


def test_naming_makes_a_person_once_whatever_the_case(library: Library) -> None:
    first = library.people.name_faces([1, 2], "  Anna   Maria ")
    again = library.people.name_faces([3], "anna maria")
    assert (first.created, again.created, again.person_id) == (True, False, first.person_id)
    assert first.name == "Anna Maria"
    (person,) = library.people.all()
    assert (person.faces, person.photos) == (3, 2)
    assert library.counts().unnamed == 17


@pytest.mark.parametrize("name", ["", "   ", "\t\n", "x" * 101])
def test_bad_names_are_refused_and_leave_nothing(library: Library, name: str) -> None:
    before = state(library)
    with pytest.raises(InvalidName):
        library.people.name_faces([1], name)
    assert state(library) == before
    assert [event.kind for event in library.journal.recent()] == ["cluster"]


def test_a_taken_name_is_refused(library: Library) -> None:
    anna = library.people.name_faces([1], "Anna")
    library.people.name_faces([2], "Bob")
    with pytest.raises(NameTaken, match="merge"):
        library.people.rename(anna.person_id, "BOB")
    assert library.people.rename(anna.person_id, "ANNA").person.name == "ANNA"


def test_a_program_never_overrules_a_human(library: Library) -> None:
    anna = library.people.name_faces([1, 2], "Anna")
    library.people.remove_faces([2], anna.person_id)
    library.faces.flag([3], Flag.STRANGER)
    library.people.name_faces([1], "Bob", source=LabelSource.IMPORTED)
    library.people.name_faces([2, 3, 4], "Anna", source=LabelSource.IMPORTED)
    named = {face.id: face.person for face in library.faces.get_many([1, 2, 3, 4])}
    assert named == {1: "Anna", 2: None, 3: None, 4: "Anna"}
    assert library.people.get(anna.person_id).faces == 2


ACTS: dict[str, Callable[[Library], object]] = {
    "name": lambda library: library.people.name_faces([5, 6, 7], "Cleo"),
    "move": lambda library: library.people.name_faces([1, 5], "Bob"),
    "rename": lambda library: library.people.rename(1, "Annabel"),
    "merge": lambda library: library.people.merge(1, [2]),
    "remove": lambda library: library.people.remove_faces([1, 2], 1),
    "reject": lambda library: library.people.reject([3, 9], 1),
    "flag": lambda library: library.faces.flag([1, 4], Flag.NOT_A_FACE),
    "cover": lambda library: library.people.set_cover(1, 2),
    "delete": lambda library: library.people.delete(2),
}


@pytest.mark.parametrize("act", sorted(ACTS))
def test_every_act_is_one_event_that_can_be_undone_and_redone(library: Library, act: str) -> None:
    library.people.name_faces([1, 2], "Anna")
    library.people.name_faces([3, 4], "Bob")
    library.people.reject([1], 2)
    before, events = state(library), len(library.journal.recent(100))
    ACTS[act](library)
    after = state(library)
    assert after != before or act == "reject"
    assert len(library.journal.recent(100)) == events + 1
    library.journal.undo()
    assert state(library) == before
    library.journal.redo()
    assert state(library) == after


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sequence=st.lists(st.sampled_from(sorted(ACTS)), max_size=8))
def test_undoing_everything_restores_the_very_same_state(
    tmp_path_factory: pytest.TempPathFactory, sequence: list[str]
) -> None:
    with open_empty(tmp_path_factory.mktemp("random")) as library:
        library.photos.add_many([new_photo(number) for number in range(1, 11)])
        library.people.name_faces([1, 2], "Anna")
        library.people.name_faces([3, 4], "Bob")
        start = state(library)
        for act in sequence:
            try:
                ACTS[act](library)
            except (BadInput, NotFound):  # the person was merged or deleted by an earlier act
                continue
        while len([event for event in library.journal.recent(100) if not event.undone]) > 2:
            library.journal.undo()
        assert state(library) == start


def test_an_undo_that_a_later_decision_depends_on_is_refused(library: Library) -> None:
    library.people.name_faces([1], "Anna")
    first = library.journal.recent()[0]
    library.people.name_faces([1], "Bob")
    before = state(library)
    with pytest.raises(BadInput, match="undo that one first"):
        library.journal.undo(first.id)
    assert state(library) == before


def test_nothing_to_undo_is_said(empty: Library) -> None:
    with pytest.raises(NotFound, match="nothing to undo"):
        empty.journal.undo()


def test_pages_follow_each_other_without_gap_or_repeat(library: Library) -> None:
    seen: list[int] = []
    while page := library.faces.singles(after=seen[-1] if seen else None, limit=3):
        seen += [face.id for face in page]
    assert seen == []
    library.clusters.save_run("none", {}, "test", np.arange(1, 21), np.zeros(20, np.int64))
    while page := library.faces.singles(after=seen[-1] if seen else None, limit=3):
        seen += [face.id for face in page]
    assert sorted(seen) == list(range(1, 21))
    photos = library.photos.page(limit=4)
    photos += library.photos.page(after=photos[-1].id, limit=100)
    assert [photo.id for photo in photos] == list(range(10, 0, -1))


def test_groups_are_listed_until_all_their_faces_are_dealt_with(library: Library) -> None:
    assert [group.number for group in library.clusters.page()] == [1, 2, 3, 4, 5]
    library.people.name_faces([1, 2, 3], "Anna")
    library.faces.flag([4], Flag.STRANGER)
    assert [group.number for group in library.clusters.page()] == [2, 3, 4, 5]
    assert library.clusters.get(1).people == (("Anna", 3),)
    with pytest.raises(NotFound):
        library.clusters.get(99)


def test_changed_content_at_a_path_is_a_new_photo_when_a_decision_hangs_on_the_old_one(library: Library) -> None:
    face = library.faces.of_photo(library.photos.at(["/photos/1.jpg"])["/photos/1.jpg"])[0].id
    library.people.name_faces([face], "Anna")
    (added,) = library.photos.add_many([replace(new_photo(77), path="/photos/1.jpg")])
    assert added.outcome == "imported"
    assert library.photos.unchanged({"/photos/1.jpg": (77, 77)}) == {"/photos/1.jpg"}
    assert library.counts().photos == 11
    assert library.faces.get(face).person == "Anna"


def test_changed_content_at_a_path_takes_the_place_of_a_photo_that_nobody_decided_about(library: Library) -> None:
    (added,) = library.photos.add_many([replace(new_photo(77), path="/photos/1.jpg")])
    assert added.outcome == "renewed"
    assert library.photos.unchanged({"/photos/1.jpg": (77, 77)}) == {"/photos/1.jpg"}
    assert library.counts().photos == 10


def test_many_threads_may_write_at_once(library: Library) -> None:
    """Streamlit serves each browser in a thread of its own, beside the worker process."""
    failures: list[BaseException] = []

    def name(face: int) -> None:
        try:
            library.people.name_faces([face], f"Person {face}")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=name, args=(face,)) for face in range(1, 21)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert library.counts().named == 20
