"""Who is on a photo without a face, and tags of photos: what they count for, and that no act loses them."""

from __future__ import annotations

import pytest

from faceid_core.errors import BadInput, InvalidName, NotFound
from faceid_core.library import Library, PhotoQuery
from faceid_core.values import Actor, Flag, Presence, Role
from tests.library.conftest import EMBEDDER, new_photo

BEHIND, UNSEEN = Presence.BEHIND, Presence.UNSEEN
VERA = Actor("Vera", Role.VIEWER)


@pytest.fixture
def ada(library: Library, faces: list[int]) -> int:
    """Ada, with a face on photo 1 of 4; photos have two faces each."""
    return library.people.name_faces(faces[:1], "Ada").person_id


def on(library: Library, photo: int) -> list[tuple[str, Presence]]:
    return [(one.name, one.presence) for one in library.tags.people_on(photo)]


def photos_of(library: Library, *people: int) -> list[int]:
    return sorted(photo.id for photo in library.photos.page(query=PhotoQuery(people=people)))


def test_it_counts_for_photos_and_never_for_faces(library: Library, ada: int) -> None:
    trained = library.people.training_faces(EMBEDDER).ids.tolist()
    assert library.people.get(ada).photos == 1
    library.tags.add_person([2, 3], ada, BEHIND)
    [person] = library.people.all()
    assert (person.faces, person.photos) == (1, 3)
    assert person == library.people.get(ada)
    assert photos_of(library, ada) == [1, 2, 3]
    assert photos_of(library.acting_as(VERA), ada) == [1, 2, 3]
    assert sorted(p.id for p in library.photos.page(query=PhotoQuery(without=(ada,)))) == [4]
    assert library.people.training_faces(EMBEDDER).ids.tolist() == trained
    assert len(library.faces.of_person(ada)) == 1
    assert on(library, 2) == [("Ada", BEHIND)]
    assert library.problems() == []


def test_a_photo_counts_once_whatever_shows_the_person(library: Library, faces: list[int], ada: int) -> None:
    library.tags.add_person([2], ada, UNSEEN)
    library.people.name_faces([faces[2]], "Ada")
    assert library.people.get(ada).photos == 2
    assert [person.photos for person in library.people.all()] == [2]
    with pytest.raises(BadInput, match="Ada already has a face here"):
        library.tags.add_person([1], ada, UNSEEN)


def test_nobody_else_means_nobody_without_a_face_either(library: Library, faces: list[int], ada: int) -> None:
    library.faces.flag([faces[1]], Flag.NOT_A_FACE)
    assert [p.id for p in library.photos.page(query=PhotoQuery(people=(ada,), alone=True))] == [1]
    library.tags.add_person([1], "Bo", UNSEEN)
    assert library.photos.page(query=PhotoQuery(people=(ada,), alone=True)) == []


def test_each_act_is_undone_and_redone(library: Library, ada: int) -> None:
    library.tags.add_person([2], ada, UNSEEN)
    changed = library.tags.add_person([2, 3], ada, BEHIND)
    assert changed.number == 2
    assert library.journal.recent()[0].summary == "Added “Ada” to 2 photos, from behind"
    library.journal.undo()
    assert on(library, 2) == [("Ada", UNSEEN)] and on(library, 3) == []
    library.journal.redo()
    library.tags.remove_person([2], ada)
    assert photos_of(library, ada) == [1, 3]
    library.journal.undo()
    assert photos_of(library, ada) == [1, 2, 3]
    assert library.tags.add_person([2], ada, BEHIND).event is None
    assert library.problems() == []


def test_a_new_name_makes_a_person_who_goes_with_an_undo(library: Library, faces: list[int]) -> None:
    library.tags.add_person([1], " Bo ", UNSEEN)
    bo = library.people.known("Bo")
    assert (bo.faces, bo.photos, bo.cover_face_id) == (0, 1, None)
    library.journal.undo()
    assert library.people.find("Bo") is None
    assert library.tags.add_person([99], "Cy", UNSEEN).event is None and library.people.find("Cy") is None
    with pytest.raises(InvalidName):
        library.tags.add_person([1], " ", UNSEEN)
    with pytest.raises(NotFound):
        library.tags.add_person([1], 99, UNSEEN)
    assert library.problems() == []


def test_a_name_that_somebody_else_needs_by_now_stays(library: Library, faces: list[int]) -> None:
    library.tags.add_person([1], "Bo", UNSEEN)
    first = library.journal.recent()[0]
    library.tags.add_person([2], "Bo", UNSEEN)
    with pytest.raises(BadInput, match="Added “Bo” to 1 photo"):
        library.journal.undo(first.id)


def test_a_merge_takes_the_photos_along(library: Library, faces: list[int], ada: int) -> None:
    bo = library.people.name_faces(faces[6:7], "Bo").person_id
    library.tags.add_person([2, 3], bo, BEHIND)
    library.tags.add_person([2], ada, UNSEEN)
    library.people.merge(ada, [bo])
    assert photos_of(library, ada) == [1, 2, 3, 4]
    assert on(library, 2) == [("Ada", UNSEEN)] and on(library, 3) == [("Ada", BEHIND)]
    library.journal.undo()
    assert on(library, 2) == [("Ada", UNSEEN), ("Bo", BEHIND)]
    library.people.delete(bo)
    assert on(library, 2) == [("Ada", UNSEEN)]
    library.journal.undo()
    assert photos_of(library, bo) == [2, 3, 4]
    assert library.problems() == []


def test_an_erasure_leaves_no_trace(library: Library, ada: int) -> None:
    library.tags.add_person([2], ada, BEHIND)
    library.tags.add_person([3], "Bo", BEHIND)
    library.tags.add([3, 4], "Sea")
    library.erasing.person(ada)
    assert on(library, 2) == []
    assert not any("Ada" in event.summary for event in library.journal.recent(50))
    library.erasing.photos([3])
    bo = library.people.known("Bo")
    assert bo.photos == 0 and library.tags.all() == [("Sea", 1)]
    assert library.problems() == []
    while any(not event.undone and not event.final for event in library.journal.recent(50)):
        library.journal.undo()
    assert library.tags.all() == [] and library.problems() == []


def test_another_import_keeps_what_was_said(library: Library, ada: int) -> None:
    library.tags.add_person([2], ada, BEHIND)
    library.tags.add([2], "Sea")
    changed = new_photo("/photos/1.jpg", "other bytes", faces=2)
    library.photos.add_many([changed], again=True)
    photo = library.photos.at(["/photos/1.jpg"])["/photos/1.jpg"]
    assert on(library, 2) == [("Ada", BEHIND)] and library.tags.of(2) == ["Sea"]
    library.photos.add_many([new_photo("/photos/1.jpg", "other bytes", faces=2)], again=True)
    assert library.photos.get(2).id == 2 and photo and library.problems() == []


def test_hidden_people_are_nobody_to_a_viewer(library: Library, ada: int) -> None:
    library.tags.add_person([2], ada, BEHIND)
    library.people.describe(ada, hidden=True)
    seen = library.acting_as(VERA)
    assert on(seen, 2) == [] and photos_of(seen, ada) == [] and on(library, 2) == [("Ada", BEHIND)]


def test_tags_find_photos_whatever_the_case(library: Library, faces: list[int]) -> None:
    assert library.tags.add([1, 2, 99], " Summer  2019 ").number == 2
    assert library.tags.add([2, 3], "summer 2019").number == 1
    library.tags.add([3], "Sea")
    assert library.tags.all() == [("Sea", 1), ("Summer 2019", 3)]
    assert library.tags.of(3) == ["Sea", "Summer 2019"]
    found = library.photos.page(query=PhotoQuery(tag="SUMMER 2019"))
    assert sorted(photo.id for photo in found) == [1, 2, 3]
    library.tags.remove([1, 2, 3, 4], "SUMMER 2019")
    assert library.tags.all() == [("Sea", 1)]
    library.journal.undo()
    assert library.tags.of(3) == ["Sea", "Summer 2019"]
    with pytest.raises(BadInput, match="Type a tag first"):
        library.tags.add([1], "  ")
    assert library.problems() == []


def test_only_some_photos_are_asked_for(library: Library, faces: list[int]) -> None:
    query = PhotoQuery(only=(3, 1))
    assert sorted(photo.id for photo in library.photos.page(query=query)) == [1, 3]
    assert PhotoQuery.from_json(query.as_json()).only == (3, 1)


def test_damage_is_found(library: Library, ada: int) -> None:
    library.tags.add_person([2], ada, BEHIND)
    with library._database.write() as session:
        session.connection().exec_driver_sql("UPDATE persononphoto SET presence = 'unseen'")
    assert any("persononphoto differ from the history" in problem for problem in library.problems())
