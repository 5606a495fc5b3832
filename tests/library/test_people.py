"""Naming, renaming, merging, rejecting: what changes, what never does, and the sentence when it can't be."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from faceid_core.errors import BadInput, InvalidName, NameTaken, NotFound, TwiceOnPhoto
from faceid_core.library import Library, person_names
from faceid_core.library.faces import STRANGERS
from faceid_core.library.store.tables import Label
from faceid_core.values import Box, Flag, LabelSource
from tests.library.conftest import EMBEDDER, new_photo


def names(library: Library, faces: list[int]) -> list[str | None]:
    return [view.person for view in library.faces.get_many(faces)]


def person(library: Library, name: str, faces: list[int]) -> int:
    return library.people.name_faces(faces, name).person_id


def test_naming_makes_a_person_once_whatever_the_case(library: Library, faces: list[int]) -> None:
    first = library.people.name_faces(faces[:2], "  Anna\t Maria ")
    second = library.people.name_faces(faces[2:3], "anna maria")
    assert (first.name, first.created, first.faces) == ("Anna Maria", True, 2)
    assert (second.person_id, second.created, second.faces) == (first.person_id, False, 1)
    [anna] = library.people.all()
    assert (anna.name, anna.faces, anna.photos) == ("Anna Maria", 3, 2)
    assert library.journal.recent()[0].summary == "Named 1 face “Anna Maria”"


def test_composed_and_decomposed_letters_are_one_name(library: Library, faces: list[int]) -> None:
    assert person(library, "José", faces[:1]) == person(library, "Jose\u0301", faces[1:2])


def test_joiners_are_spelling_but_do_not_make_another_person(library: Library, faces: list[int]) -> None:
    spelt = "علی\u200cرضا"
    ali = person(library, spelt, faces[:1])
    assert library.people.get(ali).name == spelt
    assert person(library, spelt.replace("\u200c", ""), faces[1:2]) == ali


@pytest.mark.parametrize("name", ["", "  \n", "\x00\x07", "\u200d", "x" * 101])
def test_unusable_names_are_refused(library: Library, faces: list[int], name: str) -> None:
    with pytest.raises(InvalidName):
        library.people.name_faces(faces, name)
    anna = person(library, "Anna", faces)
    with pytest.raises(InvalidName):
        library.people.rename(anna, name)
    assert names(library, faces) == ["Anna"] * 8


def test_a_hundred_characters_are_a_name_even_when_case_folding_triples_them(
    library: Library, faces: list[int]
) -> None:
    assert library.people.get(person(library, "ﬃ" * 100, faces)).faces == 8


def test_naming_again_changes_nothing_and_writes_no_event(library: Library, faces: list[int]) -> None:
    person(library, "Anna", faces)
    assert library.people.name_faces([*faces, *faces], "Anna").faces == 0
    assert len(library.journal.recent()) == 1


def test_naming_faces_that_are_gone_makes_nobody(library: Library, faces: list[int]) -> None:
    assert library.people.name_faces([999], "Anna").faces == 0
    assert library.people.all() == []


def test_a_weaker_source_leaves_decisions_alone(library: Library, faces: list[int]) -> None:
    anna = person(library, "Anna", faces[:1])
    library.people.reject(faces[1:2], anna)
    library.faces.flag(faces[2:3], Flag.STRANGER)
    library.people.name_faces(faces[3:4], "Eva", source=LabelSource.ACCEPTED)
    weaker = LabelSource.IMPORTED
    assert library.people.name_faces(faces[:1], "Bob", source=weaker).faces == 0
    assert library.people.name_faces(faces[:5], "Anna", source=weaker).faces == 1
    assert names(library, faces[:5]) == ["Anna", None, None, "Eva", "Anna"]
    person(library, "Cleo", faces[4:5])
    assert names(library, faces[4:5]) == ["Cleo"]


def test_a_human_naming_takes_a_rejection_and_a_flag_back(library: Library, faces: list[int]) -> None:
    anna = person(library, "Anna", faces[:1])
    library.people.remove_faces(faces[:1], anna)
    library.faces.flag(faces[:1], Flag.NOT_A_FACE)
    person(library, "Anna", faces[:1])
    library.people.remove_faces(faces[:1], anna)
    assert library.people.name_faces(faces[:1], "Anna", source=LabelSource.IMPORTED).faces == 0
    library.journal.undo()
    assert library.faces.get(faces[0]).person_id == anna
    assert library.faces.get(faces[0]).flag is Flag.NONE


def test_rename_refuses_a_name_of_somebody_else_only(library: Library, faces: list[int]) -> None:
    anna = person(library, "Anna", faces[:1])
    person(library, "Bob", faces[1:2])
    with pytest.raises(NameTaken, match="already a person called “Bob”"):
        library.people.rename(anna, "BOB")
    assert library.people.rename(anna, "ANNA").person.name == "ANNA"


@pytest.mark.slow
def test_merge_moves_labels_and_rejections(library: Library, faces: list[int]) -> None:
    anna, bob = person(library, "Anna", faces[:1]), person(library, "Bob", faces[1:3])
    library.people.reject(faces[3:4], bob)
    merged = library.people.merge(anna, [bob, bob, anna]).person
    assert (merged.name, merged.faces) == ("Anna", 3)
    assert library.people.find("Bob") is None
    assert library.people.name_faces(faces[3:4], "Anna", source=LabelSource.IMPORTED).faces == 0
    assert library.journal.recent(1)[0].summary == "Merged “Bob” into “Anna”"
    library.journal.undo()
    assert names(library, faces[:4]) == ["Anna", "Bob", "Bob", None]
    assert library.people.name_faces(faces[3:4], "Anna", source=LabelSource.IMPORTED).faces == 1


def test_merge_with_nobody_is_refused(library: Library, faces: list[int]) -> None:
    anna = person(library, "Anna", faces)
    with pytest.raises(BadInput, match="another person"):
        library.people.merge(anna, [anna])
    with pytest.raises(NotFound):
        library.people.merge(anna, [999])


def test_reject_counts_faces_once_and_ignores_those_that_are_gone(library: Library, faces: list[int]) -> None:
    anna = person(library, "Anna", faces[:1])
    assert library.people.reject([faces[0], faces[1], faces[1], 999], anna).number == 2
    assert library.journal.recent(1)[0].summary == "Marked 2 faces as not “Anna”"
    assert library.people.reject(faces[:2], anna).number == 0


def test_remove_faces_counts_each_face_once(library: Library, faces: list[int]) -> None:
    anna = person(library, "Anna", faces)
    assert library.people.remove_faces([*faces, *faces], anna).number == 8
    assert library.counts().unnamed == 8


def test_cover_is_the_best_face_until_one_is_chosen(library: Library, faces: list[int]) -> None:
    anna = person(library, "Anna", faces)
    assert library.people.get(anna).cover_face_id == faces[-1]
    library.people.set_cover(anna, faces[0])
    assert library.people.get(anna).cover_face_id == faces[0]
    with pytest.raises(NotFound):
        library.people.set_cover(anna, 999)


def test_training_uses_no_flagged_faces(library: Library, faces: list[int]) -> None:
    person(library, "Anna", faces[:3])
    library.people.name_faces(faces[3:4], "Anna", source=LabelSource.IMPORTED)
    library.faces.flag(faces[:1], Flag.HIDDEN)
    found = library.people.training_faces(EMBEDDER)
    assert found.ids.tolist() == faces[1:4]
    assert found.names == ["Anna", "Anna", "Anna"]


def test_people_page_by_quality_without_gaps_among_equals(library: Library, faces: list[int]) -> None:
    anna = person(library, "Anna", faces)
    seen: list[int] = []
    while page := library.faces.of_person(anna, after=seen[-1] if seen else None, limit=3):
        seen += [face.id for face in page]
    assert sorted(seen) == faces
    qualities = [face.quality for face in library.faces.get_many(seen)]
    assert qualities == sorted(qualities, reverse=True)


def test_nobody_is_on_a_photo_twice_unless_somebody_insists(library: Library, faces: list[int]) -> None:
    """Faces 0 and 1 are on one photo, 2 and 3 on another."""
    with pytest.raises(TwiceOnPhoto, match=r"Ada would be in 0\.jpg twice;"):
        library.people.name_faces(faces[:2], "Ada", once=True)
    assert library.people.all() == []  # nor was the person made
    library.people.name_faces([faces[0], faces[2]], "Ada", once=True)
    with pytest.raises(TwiceOnPhoto, match=r"in 0\.jpg and 1 more twice;"):
        library.people.name_faces([faces[1], faces[3]], "Ada", once=True)
    library.people.name_faces([faces[0]], "Ada", once=True)  # the same face again is no second one
    library.people.name_faces([faces[1], faces[3]], "Ada")
    assert library.people.all()[0].faces == 4
    library.people.name_faces([faces[0]], "Bo", once=True)


def test_a_person_is_described_in_one_event(library: Library, faces: list[int]) -> None:
    anna = person(library, "Anna", faces[:2])
    born = date(1950, 5, 1)
    seen = library.people.describe(anna, name="Anna Lee", birth_date=born, hidden=True).person
    assert (seen.name, seen.birth_date, seen.hidden, seen.faces) == ("Anna Lee", date(1950, 5, 1), True, 2)
    [event] = library.journal.recent(1)
    assert event.summary == (
        "Renamed “Anna” to “Anna Lee”, set the birth date of “Anna Lee” to 1950-05-01, hid “Anna Lee”"
    )
    library.journal.undo()
    assert library.people.all() == [library.people.get(anna)]
    assert (library.people.get(anna).name, library.people.get(anna).birth_date) == ("Anna", None)


def test_a_birth_date_is_forgotten_and_a_person_shown_again(library: Library, faces: list[int]) -> None:
    anna = person(library, "Anna", faces[:2])
    library.people.describe(anna, birth_date=date(1950, 5, 1), hidden=True)
    library.people.describe(anna, birth_date=None)
    library.people.describe(anna, hidden=False)
    library.people.describe(anna, hidden=False)  # changes nothing, so it is no event
    said = [event.summary for event in library.journal.recent(2)]
    assert said == ["Unhid “Anna”", "Removed the birth date of “Anna”"]


def test_nobody_is_born_in_the_future(library: Library, faces: list[int]) -> None:
    anna = person(library, "Anna", faces[:2])
    with pytest.raises(BadInput, match="birth date can't be in the future"):
        library.people.describe(anna, birth_date=date.today() + timedelta(days=31))


def test_hidden_faces_keep_their_name_and_are_not_shown(library: Library, faces: list[int]) -> None:
    anna = person(library, "Anna", faces[:3])
    library.faces.flag(faces[:1], Flag.HIDDEN)
    assert [face.id for face in library.faces.of_person(anna)] == [faces[2], faces[1]]
    assert library.faces.get(faces[0]).person == "Anna"
    assert [each.faces for each in library.people.all()] == [2]


@pytest.mark.slow
def test_everybody_is_counted_right_after_every_act(library: Library, faces: list[int]) -> None:
    def counted() -> dict[str, tuple[int, int, int | None]]:
        assert library.problems() == []
        return {each.name: (each.faces, each.photos, each.cover_face_id) for each in library.people.all()}

    anna, bob = person(library, "Anna", faces[:3]), person(library, "Bob", faces[4:6])
    assert counted() == {"Anna": (3, 2, faces[2]), "Bob": (2, 1, faces[5])}
    library.people.name_faces(faces[5:6], "Anna")
    assert counted() == {"Anna": (4, 3, faces[5]), "Bob": (1, 1, faces[4])}
    library.faces.flag(faces[5:6], Flag.NOT_A_FACE)
    assert counted() == {"Anna": (3, 2, faces[2]), "Bob": (1, 1, faces[4])}
    library.people.merge(bob, [anna])
    assert counted() == {"Bob": (4, 3, faces[4])}
    library.journal.undo()
    library.journal.undo()
    assert counted() == {"Anna": (4, 3, faces[5]), "Bob": (1, 1, faces[4])}
    library.photos.add_many([new_photo("/photos/0.jpg", faces=0)], again=True)  # decided faces stay
    library.erasing.photos([1])
    assert counted() == {"Anna": (2, 2, faces[5]), "Bob": (1, 1, faces[4])}


def test_small_unnamed_faces_are_the_background(library: Library) -> None:
    boxes = [
        Box(0, 0, 90, 90),
        Box(100, 0, 140, 40),
        Box(200, 0, 220, 20),
        Box(300, 0, 325, 25),
        Box(0, 200, 20, 220),
    ]
    made = new_photo("/crowd.jpg", faces=len(boxes))
    faces = [replace(face, face=replace(face.face, box=box)) for face, box in zip(made.faces, boxes, strict=True)]
    library.photos.add_many([replace(made, faces=tuple(faces))])
    person(library, "Anna", [3])
    library.faces.flag([5], Flag.NOT_A_FACE)
    assert library.faces.background(1) == [4]
    assert library.faces.background(99) == []


def test_a_crowd_is_all_unnamed_faces_of_a_photo(library: Library) -> None:
    """Faces of one size: nobody is in the background."""
    library.photos.add_many([new_photo("/crowd.jpg", faces=STRANGERS + 1)])
    everybody = [face.id for face in library.faces.of_photo(1)]
    assert library.faces.background(1) == [] and library.faces.strangers_on(1) == everybody
    person(library, "Ada", everybody[:1])
    assert sorted(library.faces.strangers_on(1)) == sorted(everybody[1:])
    library.faces.flag(everybody[1:2], Flag.STRANGER)
    assert library.faces.strangers_on(1) == [], "a few are no crowd"
    library.journal.undo()
    assert sorted(library.faces.strangers_on(1)) == sorted(everybody[1:])


def test_a_birth_date_before_photography_is_refused(library: Library, faces: list[int]) -> None:
    anna = library.people.name_faces(faces[:1], "Anna").person_id
    with pytest.raises(BadInput, match="from 1700 on"):
        library.people.describe(anna, birth_date=date(1699, 12, 31))
    described = library.people.describe(anna, birth_date=date(1700, 1, 1))
    assert described.person.birth_date == date(1700, 1, 1)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", True),
        ("zoe", True),
        ("ANGST zo", True),
        ("Ång", True),
        ("zoe bo", False),
        ("oe z", True),
        ("z\u200doe", True),
    ],
)
def test_people_are_found_by_words_of_their_name(search: str, found: bool) -> None:
    assert person_names.matches("Zoë Ångström", search) is found


def test_an_old_library_where_a_model_gave_names_reads_them_as_imported(library: Library, faces: list[int]) -> None:
    anna = person(library, "Anna", faces[:2])
    with library._database.write() as session:
        session.execute(update(Label).where(col(Label.face_id) == faces[0]).values(source="model"))
    assert [face.source for face in library.faces.get_many(faces[:2])] == ["imported", "human"]
    assert {face.label_source for face in library.exports.faces()} == {"imported", "human", None}
    assert [one.source for one in library.decisions.faces()] == ["imported", "human"]
    assert library.people.training_faces(EMBEDDER).ids.tolist() == faces[:2]
    assert library.gallery.faces(EMBEDDER).ids.tolist() == library.gallery.names().ids.tolist()[::-1]
    weaker = LabelSource.IMPORTED
    assert library.people.name_faces(faces[:2], "Bob", source=weaker).faces == 1
    library.journal.undo()
    assert library.people.get(anna).faces == 2


def test_a_death_date_and_a_favourite_are_described_undone_and_merged(library: Library, faces: list[int]) -> None:
    anna = library.people.name_faces(faces[:2], "Anna").person_id
    bo = library.people.name_faces(faces[2:3], "Bo").person_id
    died = date(1999, 5, 1)
    act = library.people.describe(anna, birth_date=date(1950, 5, 1), death_date=died, favourite=True)
    assert (act.person.death_date, act.person.favourite) == (died, True)
    with pytest.raises(BadInput, match="before the birth"):
        library.people.describe(anna, death_date=date(1949, 1, 1))
    with pytest.raises(BadInput, match="future"):
        library.people.describe(anna, death_date=date.today() + timedelta(days=31))
    assert library.people.merge(bo, [anna]).person.death_date == died
    library.journal.undo()
    assert library.people.get(bo).death_date is None and library.people.get(anna).death_date == died
    library.people.delete(anna)
    library.journal.undo()
    assert library.people.get(anna).favourite
    library.people.describe(anna, death_date=None, favourite=False)
    assert library.people.get(anna).death_date is None
    assert library.problems() == []
