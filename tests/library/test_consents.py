"""Consent: who refused leaves no vector, picture or recogniser, whatever way a face gets their name."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from sqlalchemy import select

from faceid_core.errors import BadInput, ErasedMeanwhile, NotAllowed, NotFound, OutOfDate
from faceid_core.library import ConsentView, Library
from faceid_core.library.store.tables import Crop, Embedding, MapPoint
from faceid_core.values import Actor, ConsentState, LabelSource, Role
from tests.library.conftest import EMBEDDER, new_face, new_photo
from tests.library.test_erasure import lives, person, stored

__all__ = ["lives"]

GIVEN, REFUSED, UNKNOWN = ConsentState.GIVEN, ConsentState.REFUSED, ConsentState.UNKNOWN
TODAY = date.today()


def kept(library: Library) -> tuple[set[int], set[int], set[int]]:
    """The faces with a vector, with a crop and on the map."""
    with library._database.read() as session:
        columns = (Embedding.face_id, Crop.face_id, MapPoint.face_id)
        one, two, three = (set(session.scalars(select(column))) for column in columns)  # type: ignore[call-overload]
    return one, two, three


def refuse(library: Library, name: str) -> None:
    library.consents.set(person(library, name), REFUSED)


def test_consent_is_a_decision_with_undo(library: Library, faces: list[int]) -> None:
    ada = library.people.name_faces(faces[:2], "Ada").person_id
    assert library.people.get(ada).consent == ConsentView()
    given = ConsentView(GIVEN, "signed form 2026-03", date(2026, 3, 1), date(2999, 3, 1))
    library.consents.set(ada, GIVEN, basis=" signed  form 2026-03 ", given_on=given.given_on, until=given.until)
    assert library.people.get(ada).consent == library.consents.get(ada) == given
    assert library.journal.recent(1)[0].summary == "Set the consent of “Ada” to given"
    assert (
        library.consents.set(ada, GIVEN, basis=given.basis, given_on=given.given_on, until=given.until).event
        is None
    )
    library.people.rename(ada, "Ada Lovelace")
    assert library.people.get(ada).consent == given
    library.consents.set(ada, UNKNOWN, basis="gone")
    assert library.people.get(ada).consent == ConsentView()
    library.journal.undo()
    assert library.people.get(ada).consent == given
    assert library.problems() == []
    library.journal.undo_to(1)
    assert library.people.get(ada).consent == ConsentView() and library.problems() == []


def test_the_naming_that_made_the_person_can_be_undone_after_the_consent_only(
    library: Library, faces: list[int]
) -> None:
    ada = library.people.name_faces(faces[:2], "Ada").person_id
    naming = library.journal.recent(1)[0].id
    library.consents.set(ada, GIVEN)
    with pytest.raises(BadInput, match=r"“Set the consent of “Ada” to given” depends on this one"):
        library.journal.undo(naming)
    library.people.delete(ada)
    with pytest.raises(BadInput, match="Removed the name"):
        library.journal.undo(naming + 1)
    library.journal.undo()
    assert library.people.get(ada).consent.state is GIVEN and library.problems() == []


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"basis": "x" * 201}, "at most 200 characters"),
        ({"basis": "form\x07"}, "can't be shown"),
        ({"given_on": TODAY + timedelta(days=2)}, "future"),
        ({"given_on": date(2020, 2, 2), "until": date(2020, 2, 1)}, "can't end before it was given"),
    ],
)
def test_consent_that_cannot_be(library: Library, faces: list[int], said: dict[str, object], wrong: str) -> None:
    ada = library.people.name_faces(faces[:2], "Ada").person_id
    with pytest.raises(BadInput, match=wrong):
        library.consents.set(ada, GIVEN, **said)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        library.consents.set(99, GIVEN)
    with pytest.raises(OutOfDate, match="consent of Ada changed"):
        library.consents.set(ada, GIVEN, drawn=ConsentView(GIVEN))


def test_who_refused_leaves_no_vector_and_no_picture(library: Library, lives: list[int]) -> None:
    library.people.name_faces(lives[:2], "Zoe")
    library.people.name_faces(lives[2:4], "Bo")
    library.maps.save("umap", EMBEDDER, np.array(lives), np.zeros((6, 2), np.float32))
    library.clusters.save_run("test", {}, EMBEDDER, np.array(lives), np.array([1, 1, 1, 2, 2, 2]))
    for name, classes in (("knows", ["Bo", "Zoe"]), ("other", ["Bo"])):
        library.models.add(EMBEDDER, classes, {}, 0.5, {}, name)
        (library.settings.models_folder / name).mkdir(parents=True)
    library.settings.graphs_folder.mkdir(parents=True)
    vector = np.full(4, 100.5, np.float32).tobytes()
    if library.settings.database_url is None:
        assert vector in stored(library) and b"crop-0-0" in stored(library)
    assert (
        library.consents.preview(person(library, "Zoe"))
        == library.consents.set(person(library, "Zoe"), REFUSED, basis="letter").withheld
    )
    assert kept(library) == (set(lives[2:]),) * 3
    assert [group.size for group in library.clusters.page()] == [3]  # with unnamed faces
    assert [model.classes for model in library.models.all()] == [["Bo"]]
    assert not (library.settings.models_folder / "knows").exists()
    assert (library.settings.models_folder / "other").exists()
    assert not library.settings.graphs_folder.exists() and not library.erasing.unfinished
    if library.settings.database_url is None:
        assert vector not in stored(library) and b"crop-0-0" not in stored(library)
    zoe = library.people.get(person(library, "Zoe"))
    assert (zoe.faces, zoe.photos, zoe.cover_face_id, zoe.withheld) == (2, 1, None, True)
    assert library.people.training_faces().names == ["Bo", "Bo"]
    assert set(library.gallery.faces(EMBEDDER).people.tolist()) == {person(library, "Bo")}
    assert library.faces.missing_vectors(EMBEDDER) == [] and library.problems() == []


def test_a_face_named_later_leaves_none_either(library: Library, faces: list[int]) -> None:
    """Whichever way: by hand, accepted, imported, moved from somebody else."""
    library.people.name_faces(faces[:1], "Zoe")
    library.people.name_faces(faces[4:5], "Bo")
    library.models.add(EMBEDDER, ["Bo"], {}, 0.5, {}, "of-bo")
    refuse(library, "Zoe")
    assert len(library.models.all()) == 1
    library.people.name_faces(faces[1:2], "Zoe")
    library.people.give_faces(faces[2:3], person(library, "Zoe"), source=LabelSource.ACCEPTED)
    library.people.name_faces(faces[4:5], "Zoe")
    assert library.models.all() == []  # it learned from that face
    assert kept(library)[0] == kept(library)[1] == set(faces) - {*faces[:3], faces[4]}
    assert library.problems() == []
    library.journal.undo()
    assert any("1 faces have no vector; run `faceid import --again`" in said for said in library.problems())


def test_importing_again_does_not_bring_them_back(library: Library, faces: list[int]) -> None:
    library.people.name_faces(faces[:2], "Zoe")
    refuse(library, "Zoe")
    again = new_photo("/photos/0.jpg", faces=1)
    library.photos.add_many([again], again=True)
    saved_anew = replace(new_photo("/photos/0.jpg", "other bytes"), phashes=b"")
    library.photos.add_many([saved_anew], again=True)
    assert not set(faces[:2]) & (kept(library)[0] | kept(library)[1])
    assert library.people.get(person(library, "Zoe")).faces == 2
    assert library.problems() == [] or "no vector" not in " ".join(library.problems())


def test_undo_brings_the_vectors_with_the_next_import(library: Library) -> None:
    library.photos.add_many([new_photo("/photos/9.jpg")])
    [face] = library.faces.vectors(EMBEDDER).ids.tolist()
    library.people.name_faces([face], "Zoe")
    refuse(library, "Zoe")
    library.photos.add_many([new_photo("/photos/9.jpg")], again=True)
    assert kept(library)[:2] == (set(), set())
    library.journal.undo()
    assert library.people.get(person(library, "Zoe")).faces == 1
    library.photos.add_many([new_photo("/photos/9.jpg")], again=True)
    assert kept(library)[:2] == ({face}, {face}) and library.problems() == []
    assert library.faces.get(face).person == "Zoe"


def test_near_copies_of_a_refused_face_get_the_name_and_no_vector(library: Library) -> None:
    phashes = np.random.default_rng(0).bytes(256)
    first, second = (replace(new_photo(f"/photos/{n}.jpg"), phashes=phashes) for n in "ab")
    library.photos.add_many([first])
    library.people.name_faces([1], "Zoe")
    refuse(library, "Zoe")
    [added] = library.photos.add_many([second])
    assert added.near_copy is not None
    taken = library.decisions.of_near_copies([added], {EMBEDDER: 1.0})
    library.decisions.take_over(library.decisions.people(), taken)
    assert library.people.get(person(library, "Zoe")).faces == 2
    assert kept(library)[:2] == (set(), set()) and library.problems() == []


def test_work_that_ran_meanwhile_brings_nothing_back(library: Library, faces: list[int]) -> None:
    library.people.name_faces(faces[:2], "Zoe")
    library.people.name_faces(faces[2:4], "Bo")
    learned = library.people.training_faces()
    refuse(library, "Zoe")
    ids = np.array(faces)
    library.faces.add_vectors("another", faces, np.ones((8, 4), np.float32))
    library.maps.save("umap", EMBEDDER, ids, np.zeros((8, 2), np.float32))
    library.clusters.save_run("test", {}, EMBEDDER, ids, np.array([1, 1, 1, 1, 2, 2, 2, 3]))
    assert all(not set(faces[:2]) & each for each in kept(library))
    assert [group.size for group in library.clusters.page()] == [3, 1]  # with unnamed faces
    with pytest.raises(ErasedMeanwhile, match="refused consent"):
        library.models.add(EMBEDDER, ["Bo", "Zoe"], {}, 0.5, {}, "late", learned=learned)
    assert library.problems() == []


@pytest.mark.parametrize("kept_refused", [True, False])
def test_a_refusal_wins_a_merge(library: Library, faces: list[int], kept_refused: bool) -> None:
    ada = library.people.name_faces(faces[:2], "Ada").person_id
    zoe = library.people.name_faces(faces[2:3], "Zoe").person_id
    library.consents.set(ada, GIVEN, basis="form")
    library.consents.set(zoe, REFUSED, basis="letter")
    keep, other = (zoe, ada) if kept_refused else (ada, zoe)
    library.people.merge(keep, [other])
    assert library.people.get(keep).consent == ConsentView(REFUSED, "letter")
    assert not set(faces[:3]) & kept(library)[0]
    assert library.problems() == []
    library.journal.undo()
    assert library.people.get(ada).consent.state is GIVEN and library.people.get(zoe).withheld


def test_the_consent_that_ends_first_wins_a_merge(library: Library, faces: list[int]) -> None:
    ids = [library.people.name_faces([face], name).person_id for face, name in zip(faces, "ABC", strict=False)]
    library.consents.set(ids[0], GIVEN, basis="for ever")
    library.consents.set(ids[1], GIVEN, basis="a year", until=date(2999, 1, 1))
    library.people.merge(ids[2], ids[:2])
    assert library.people.get(ids[2]).consent == ConsentView(GIVEN, "a year", None, date(2999, 1, 1))
    assert library.problems() == []


def test_a_refusal_is_not_lost_with_the_name(library: Library, faces: list[int]) -> None:
    library.people.name_faces(faces[:2], "Zoe")
    refuse(library, "Zoe")
    with pytest.raises(BadInput, match="Zoe refused consent"):
        library.people.delete(person(library, "Zoe"))


def test_an_erasure_takes_the_consent_along(library: Library, faces: list[int]) -> None:
    library.people.name_faces(faces[:2], "Zebedee")
    library.consents.set(person(library, "Zebedee"), GIVEN, basis="form of Zebedee Quillon")
    refuse(library, "Zebedee")
    library.erasing.person(person(library, "Zebedee"))
    assert not re.search(b"Zebedee|Quillon", stored(library))
    assert library.problems() == []


def test_consent_that_ended(library: Library, faces: list[int]) -> None:
    ids = [library.people.name_faces([face], name).person_id for face, name in zip(faces, "ABC", strict=False)]
    for number, until in zip(ids, (date(2020, 1, 1), TODAY, None), strict=True):
        library.consents.set(number, GIVEN, until=until)
    assert library.consents.ended(TODAY) == ids[:1]
    assert library.people.get(ids[0]).consent.has_ended(TODAY) and not library.people.get(ids[1]).consent.has_ended(
        TODAY
    )
    done = library.consents.refuse_ended(TODAY)
    assert done.event and done.event.summary == "Retention: 1 person: consent ended, now refused"
    assert library.people.get(ids[0]).withheld and not library.people.get(ids[1]).withheld
    assert faces[0] not in kept(library)[0] and library.problems() == []
    assert library.consents.refuse_ended(TODAY).event is None


def test_pictures_of_a_refused_face_are_not_there(library: Library, faces: list[int]) -> None:
    library.people.name_faces(faces[:1], "Zoe")
    refuse(library, "Zoe")
    assert library.faces.crops(faces[:2]).keys() == {faces[1]}
    with pytest.raises(NotFound):
        library.faces.crop(faces[0])
    assert new_face().crop == library.faces.crop(faces[1])


# --- roles ------------------------------------------------------------------------------------------------------
def test_only_owners_enter_or_lift_a_refusal(library: Library, faces: list[int]) -> None:
    editor = library.acting_as(Actor("Edi", Role.EDITOR))
    ada = editor.people.name_faces(faces[:2], "Ada").person_id
    editor.consents.set(ada, GIVEN, basis="form")
    with pytest.raises(NotAllowed):
        editor.consents.set(ada, REFUSED)
    assert kept(library)[0] == set(faces) and library.consents.get(ada).state is GIVEN
    refuse(library, "Ada")
    for state in (GIVEN, UNKNOWN):
        with pytest.raises(NotAllowed):
            editor.consents.set(ada, state)
    with pytest.raises(NotAllowed):
        editor.journal.undo(library.journal.recent(1)[0].id)
    bo = editor.people.name_faces(faces[2:3], "Bo").person_id
    for keep, other in ((ada, bo), (bo, ada)):
        with pytest.raises(NotAllowed):
            editor.people.merge(keep, [other])
    assert faces[2] in kept(library)[0]
    editor.people.name_faces(faces[2:3], "Ada")  # what the owner decided holds for whoever names a face
    assert faces[2] not in kept(library)[0] and not library.erasing.unfinished


def test_viewers_see_who_refused_but_not_the_form(library: Library, faces: list[int]) -> None:
    ada = library.people.name_faces(faces[:2], "Ada").person_id
    library.consents.set(ada, GIVEN, basis="signed form", until=date(2999, 1, 1))
    viewer = library.acting_as(Actor("Vera", Role.VIEWER))
    assert viewer.people.get(ada).consent == ConsentView(GIVEN)
    with pytest.raises(NotAllowed):
        viewer.consents.set(ada, GIVEN)
