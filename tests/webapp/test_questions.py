"""The kinds of suggestions on the page Faces, with drawn vectors: three people on eight photos each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from faceid_core import values
from faceid_core.library import Library
from faceid_core.library.store import tables
from tests.library.conftest import new_face, new_photo
from tests.webapp.conftest import EMBEDDER, OpenPage, html_of, texts
from tests.webapp.test_naming_pages import button, type_name

EACH = 8
Asked = Callable[[str], AppTest]
NONE = {
    "Who is it?": "No suggestions",
    "One person?": "No duplicates found",
    "Wrong name?": "No name looks wrong",
    "Twice in a photo?": "No one is in a photo twice",
    "Same moment?": "No duplicate moments",
}


@pytest.fixture
def people(library: Library) -> list[list[int]]:
    """The ids of the faces (3, EACH), all in a group for each person; nobody has a name."""
    rng = np.random.default_rng(0)
    middles = rng.normal(size=(3, 128))
    middles *= 1.42 / np.linalg.norm(middles, axis=1, keepdims=True)
    photos = []
    for number in range(3 * EACH):
        vector = (middles[number // EACH] + rng.normal(size=128) * 0.3 / np.sqrt(128)).astype(np.float32)
        faces = (replace(new_face(), vector=vector),)
        photos.append(replace(new_photo(f"/{number}.jpg"), embedder=EMBEDDER, faces=faces))
    library.photos.add_many(photos)
    ids = library.faces.vectors(EMBEDDER).ids
    library.clusters.save_run("test", {}, EMBEDDER, ids, np.repeat([1, 2, 3], EACH))
    return ids.reshape(3, EACH).tolist()


@pytest.fixture
def asked(people: list[list[int]], open_page: OpenPage) -> Asked:
    """Open a kind of suggestions."""

    def ask(kind: str) -> AppTest:
        page = open_page("clusters")
        page.session_state["clusters-view"] = "Suggestions"
        page.session_state["question-kind"] = kind
        page = page.run()
        assert not page.exception
        return page

    return ask


def everything(page: AppTest) -> str:
    return texts(page) + html_of(page)


def names(library: Library) -> dict[str, int]:
    return {person.name: person.faces for person in library.people.all()}


@pytest.mark.parametrize("kind", NONE)
def test_where_nothing_is_to_be_asked_that_is_said(asked: Asked, kind: str) -> None:
    page = asked(kind)
    assert NONE[kind] in everything(page)
    assert "No open questions." in everything(page)


def test_two_names_for_one_person_are_merged(library: Library, people: list[list[int]], asked: Asked) -> None:
    library.people.name_faces(people[0][:5], "Ada")
    library.people.name_faces(people[0][5:], "Adah")
    page = asked("One person?")
    assert "1 pair may be one person" in everything(page)
    page = button(page, "Yes, all are Ada").click().run()
    assert not page.exception
    assert names(library) == {"Ada": EACH}
    assert NONE["One person?"] in everything(page)
    button(page, "Undo").click().run()
    assert names(library) == {"Ada": 5, "Adah": 3}


def test_two_people_are_told_apart_for_good(library: Library, people: list[list[int]], asked: Asked) -> None:
    library.people.name_faces(people[0][:5], "Ada")
    library.people.name_faces(people[0][5:], "Adah")
    page = button(asked("One person?"), "No, different people").click().run()
    assert NONE["One person?"] in everything(page)
    assert library.journal.recent(1)[0].summary == "Marked “Ada” and “Adah” as different people"
    assert names(library) == {"Ada": 5, "Adah": 3}


def test_two_groups_get_one_name_at_once(library: Library, people: list[list[int]], asked: Asked) -> None:
    numbers = np.repeat([1, 2, 3], EACH)
    numbers[:3] = 4
    library.clusters.save_run("test", {}, EMBEDDER, np.ravel(people), numbers)
    page = asked("One person?")
    assert "Do these two groups show the same person?" in everything(page)
    page = button(type_name(page, "Ada", "one-name"), "Name all 8").click().run()
    assert not page.exception
    assert {face.person for face in library.faces.get_many(people[0])} == {"Ada"}
    assert names(library) == {"Ada": EACH}


@pytest.fixture
def one_is_wrong(library: Library, people: list[list[int]]) -> int:
    """A face of the second person bears the first one's name."""
    library.people.name_faces([*people[0], people[1][0]], "Ada")
    library.people.name_faces(people[1][1:], "Bo")
    return people[1][0]


def test_a_wrong_name_is_put_right(library: Library, one_is_wrong: int, asked: Asked) -> None:
    page = asked("Wrong name?")
    assert "1 name may be wrong" in everything(page) and "Bo is closer" in everything(page)
    page = button(page, "No, Bo").click().run()
    assert not page.exception
    assert names(library) == {"Ada": EACH, "Bo": EACH}
    assert NONE["Wrong name?"] in everything(page)


def test_a_wrong_name_is_taken_off_and_remembered(library: Library, one_is_wrong: int, asked: Asked) -> None:
    button(asked("Wrong name?"), "Not Ada").click().run()
    assert library.faces.get(one_is_wrong).person is None
    assert (one_is_wrong, library.people.known("Ada").id) in library.gallery.ruled_out([one_is_wrong])


def test_a_doubted_name_that_is_right_is_not_doubted_again(
    library: Library, one_is_wrong: int, asked: Asked
) -> None:
    page = button(asked("Wrong name?"), "Yes, Ada").click().run()
    assert NONE["Wrong name?"] in everything(page)
    assert library.faces.get(one_is_wrong).person == "Ada"


def test_twice_on_one_photo_may_be_right(library: Library, people: list[list[int]], asked: Asked) -> None:
    with library._database.write() as session:
        session.get_one(tables.Face, people[1][0]).photo_id = library.faces.get(people[0][0]).photo_id
    library.people.name_faces([people[0][0], people[1][0]], "Ada")
    page = asked("Twice in a photo?")
    assert "Ada is in one photo twice" in everything(page)
    page = button(page, "All are correct").click().run()
    assert not page.exception
    assert NONE["Twice in a photo?"] in everything(page)
    assert names(library) == {"Ada": 2}


@pytest.fixture
def moment(people: list[list[int]], library: Library) -> tuple[int, int]:
    """The face of the first photo once more, on a photo that looks nearly the same. Returns both faces."""
    first = library.faces.vectors(EMBEDDER).vectors[0]
    with library._database.write() as session:
        session.add(tables.PerceptualHash(photo_id=1, bits=bytes(32)))
    face = replace(new_face(), vector=first)
    phash = bytes([0xFF] * 5 + [0] * 27)
    library.photos.add_many([replace(new_photo("/again.jpg"), embedder=EMBEDDER, faces=(face,), phashes=phash)])
    ids = library.faces.vectors(EMBEDDER).ids.tolist()
    return people[0][0], ids[-1]


def test_one_of_the_photos_of_a_moment_is_enough(library: Library, moment: tuple[int, int], asked: Asked) -> None:
    page = asked("Same moment?")
    assert "1 moment in several photos" in texts(page)
    assert "Do these 2 photos show the same moment?" in everything(page)
    page = button(page, "Yes, one is enough").click().run()
    assert not page.exception
    flags = {face.id: face.flag for face in library.faces.get_many(moment)}
    assert sorted(flags.values()) == sorted([values.Flag.NONE, values.Flag.HIDDEN])
    assert "No duplicate moments" in everything(page)


def test_photos_of_a_moment_are_all_kept(library: Library, moment: tuple[int, int], asked: Asked) -> None:
    page = button(asked("Same moment?"), "No, keep all").click().run()
    assert not page.exception and "No duplicate moments" in everything(page)
    assert {face.flag for face in library.faces.get_many(moment)} == {values.Flag.NONE}
    assert len(library.pair_constraints.all(same=True)) == 1
