"""Photos and people chosen from their pages, and what is done with them at once."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from faceid_core.errors import NotFound
from faceid_core.library import Library, PhotoQuery
from faceid_core.review.queue import Kind, Question
from faceid_core.steps import export_originals, open_questions
from faceid_core.steps.open_questions import OpenQuestions
from faceid_core.steps.similar_people import similar_people
from faceid_core.values import PhotoStatus, Presence
from tests.webapp.conftest import EMBEDDER, OpenPage, photo_cards, texts
from webapp import api
from webapp.parts.photo_selection import ORIGINALS, export_address

DIALOG = """
from faceid_core.library import PhotoQuery
from webapp.context import library
from webapp.parts.photo_selection import Chosen, {form}
{form}(Chosen(PhotoQuery(only=(1, 2)), 2))
"""


@pytest.fixture
def client(filled: Library) -> Iterator[TestClient]:
    with TestClient(api.build(filled.settings), raise_server_exceptions=False) as opened:
        yield opened


def dialog(form: str) -> AppTest:
    return AppTest.from_string(DIALOG.format(form=form), default_timeout=30).run()


def chosen(page: AppTest, **of: Any) -> AppTest:
    for key, ids in of.items():
        page.session_state[key] = {"selected": ids}
    return page.run()


@pytest.fixture
def choosing(filled: Library, open_page: OpenPage) -> AppTest:
    """The page Photos, on which photos are to be chosen."""
    return open_page("photos").toggle(key="photos-choosing").set_value(True).run()


def grid_of(page: AppTest, library: Library) -> str:
    photos = library.photos.page(limit=49, query=PhotoQuery(status=PhotoStatus.DONE))
    return f"choose-photos-{photos[0].id}-{len(photos)}"


def test_nothing_is_done_with_no_photo(choosing: AppTest, filled: Library) -> None:
    assert "**0 photos** chosen" in texts(choosing)
    assert all(choosing.button(key=f"{act}-photos").disabled for act in ("tag", "export", "erase"))
    choosing = chosen(choosing, **{grid_of(choosing, filled): [2, 1]})
    assert "**2 photos** chosen" in texts(choosing)
    assert not choosing.button(key="tag-photos").disabled


def test_all_that_match_are_chosen_until_the_search_changes(choosing: AppTest, filled: Library) -> None:
    number = filled.photos.number(PhotoQuery(status=PhotoStatus.DONE))
    page = choosing.button(key="photos-all").click().run()
    assert f"**All {number} photos that match**" in texts(page)
    page = page.button(key="names-of-photos").click().run()
    [job] = filled.jobs.active()
    assert (job.kind, job.params) == ("write-names", {"photos": {}})
    page = page.text_input(key="photo-search").set_value("photo1").run()
    assert "**0 photos** chosen" in texts(page)


def test_chosen_photos_are_tagged_and_found_by_their_tag(filled: Library, open_page: OpenPage) -> None:
    filled.tags.add([3], "Sea")
    form = dialog("tag_form").selectbox(key="photo-tag-name").set_value("Sea").run()
    form.button(key="tag-add").click().run()
    assert filled.tags.all() == [("Sea", 3)] and filled.journal.recent(1)[0].kind == "tag"
    page = open_page("photos")
    page = page.selectbox(key="photo-tag").set_value("Sea").run()
    assert "3 photos found." in texts(page)
    form = dialog("tag_form").selectbox(key="photo-tag-name").set_value("Sea").run()
    form.button(key="tag-remove").click().run()
    assert filled.tags.all() == [("Sea", 1)]


def test_a_person_is_added_to_chosen_photos(filled: Library) -> None:
    filled.tags.add_person([3], "Grandma", Presence.BEHIND)
    form = dialog("person_form").selectbox(key="present-name").set_value("Grandma").run()
    form.button(key="present-add").click().run()
    grandma = filled.people.known("Grandma")
    assert (grandma.faces, grandma.photos) == (0, 3)
    assert filled.tags.people_on(1)[0].presence is Presence.UNSEEN


def test_chosen_photos_are_downloaded_as_they_are(filled: Library, client: TestClient) -> None:
    address = export_address(ORIGINALS, PhotoQuery(only=(1, 2))).removeprefix("/api")
    with zipfile.ZipFile(io.BytesIO(client.get(address).content)) as archive:
        wanted = [photo.path for photo in filled.photos.page(query=PhotoQuery(only=(1, 2)))]
        assert len(archive.namelist()) == 2
        for name, path in zip(archive.namelist(), wanted, strict=True):
            assert archive.read(name) == Path(path).read_bytes()
    table = client.get(export_address("faces.csv", PhotoQuery(only=(1,))).removeprefix("/api")).text.splitlines()
    assert len(table) == 1 + len(filled.faces.of_photo(1))
    for search in ("{x", '{"peopel": [1]}'):
        wrong = client.get("/originals.zip", params={"search": search})
        assert wrong.status_code == 400 and "can't be read" in wrong.json()["error"]
    with pytest.raises(NotFound, match="None of these photos"):
        export_originals.archive(filled, PhotoQuery(only=(99,)))


# --- people -----------------------------------------------------------------------------------------------------
@pytest.fixture
def three(filled: Library) -> list[int]:
    """Ada with two faces, Bo and Cy."""
    ids = filled.faces.vectors(EMBEDDER).ids.tolist()
    filled.clusters.save_run("test", {}, EMBEDDER, np.array(ids), np.ones(len(ids), np.int64))
    named = ((ids[:2], "Ada"), (ids[2:3], "Bo"), (ids[3:4], "Cy"))
    return [filled.people.name_faces(faces, name).person_id for faces, name in named]


MERGE = """
from webapp.context import library
from webapp.parts.people_selection import merge_several_form
merge_several_form(library().people.all())
"""


def test_several_people_become_one_and_again_three(filled: Library, three: list[int], open_page: OpenPage) -> None:
    page = open_page("people").toggle(key="people-choosing").set_value(True).run()
    grid = f"choose-people-{three[0]}-3"
    assert page.button(key="merge-several").disabled
    assert not chosen(page, **{grid: three}).button(key="merge-several").disabled
    form = AppTest.from_string(MERGE, default_timeout=30).run()
    assert "who will then have 4 faces" in texts(form)
    form = form.radio[0].set_value(three[1]).run()
    form.button(key="merge-several-confirm").click().run()
    [bo] = filled.people.all()
    assert (bo.name, bo.faces) == ("Bo", 4)
    filled.journal.undo()
    assert sorted(person.faces for person in filled.people.all()) == [1, 1, 2]


def test_names_are_no_markdown_where_people_merge(filled: Library, three: list[int]) -> None:
    filled.people.rename(three[0], "*a* $x^2$")
    filled.people.rename(three[1], "يوسف")
    form = AppTest.from_string(MERGE, default_timeout=30).run()
    assert sorted(form.radio[0].options) == sorted(
        ["\u2068\\*a\\* \\$x^2\\$\u2069 · 2 faces", "\u2068يوسف\u2069 · 1 face", "\u2068Cy\u2069 · 1 face"]
    )


@pytest.fixture
def asked(filled: Library, three: list[int]) -> Question:
    """Whether Ada and Bo are one person."""
    ada, bo, _ = three
    faces = filled.faces.of_person(ada)[0].id, filled.faces.of_person(bo)[0].id
    question = Question(
        Kind.PEOPLE, f"people-{ada}-{bo}", faces, 2, person=ada, because=faces, number=ada, others=(bo,)
    )
    open_questions.write(filled, OpenQuestions(questions=(question,), answers={"people": 1}))
    return question


def person_page(open_page: OpenPage, person: int) -> AppTest:
    page = open_page("people")
    page.query_params["person"] = str(person)
    return page.run()


@pytest.mark.slow
def test_one_person_is_asked_on_both_pages_and_merges(
    filled: Library, three: list[int], asked: Question, open_page: OpenPage
) -> None:
    ada, bo, cy = three
    assert "Are Bo and Ada the same person?" in texts(person_page(open_page, bo))
    assert "same person?" not in texts(person_page(open_page, cy))
    page = person_page(open_page, ada)
    page.button(key=f"one-person-{bo}").click().run()
    assert filled.people.get(ada).faces == 3 and filled.people.find("Bo") is None


def test_two_people_are_not_asked_about_again(
    filled: Library, three: list[int], asked: Question, open_page: OpenPage
) -> None:
    page = person_page(open_page, three[0])
    page = page.button(key=f"two-people-{three[1]}").click().run()
    assert "same person?" not in texts(page)
    assert filled.pair_constraints.all(same=False).tolist() == [sorted(asked.faces)]
    assert filled.journal.recent(1)[0].summary == "Marked “Ada” and “Bo” as different people"


def test_a_person_without_a_face_has_a_page_of_photos(filled: Library, open_page: OpenPage) -> None:
    filled.tags.add_person([1], "Grandma", Presence.BEHIND)
    page = person_page(open_page, filled.people.known("Grandma").id)
    assert not page.exception and "0 faces · 1 photo" in texts(page)
    assert [card["id"] for card in photo_cards(page)] == [1]


def test_a_favourite_is_made_with_one_click(filled: Library, three: list[int], open_page: OpenPage) -> None:
    page = person_page(open_page, three[2]).button(key="favourite").click().run()
    assert filled.people.get(three[2]).favourite
    page.button(key="favourite").click().run()
    assert not filled.people.get(three[2]).favourite


def test_a_person_has_a_small_map_of_their_own(filled: Library, three: list[int], open_page: OpenPage) -> None:
    ids = filled.faces.vectors(EMBEDDER).ids
    places = np.arange(2 * len(ids), dtype=np.float32).reshape(-1, 2)
    filled.maps.save(filled.settings.projector, EMBEDDER, ids, places)
    page = person_page(open_page, three[0])
    page.session_state[f"view-{three[0]}"] = "Map"
    page = page.run()
    assert not page.exception and "Draw around dots that lie apart" in texts(page)


# --- who is like whom -------------------------------------------------------------------------------------------
def test_similar_people_come_first_in_a_merge(filled: Library) -> None:
    """Photos 0, 2, 4 show one person and 1, 3, 5 another one: Ada's twin comes before Bo, who has more faces."""
    ids = filled.faces.vectors(EMBEDDER).ids.tolist()
    ada = filled.people.name_faces(ids[:1], "Ada").person_id
    filled.people.name_faces([ids[1], ids[3], ids[5]], "Bo")
    filled.people.name_faces(ids[2:3], "Twin")
    assert filled.people.all()[0].name == "Bo"
    assert [person.name for person in similar_people(filled, ada)] == ["Twin", "Bo"]


def test_is_this_her_is_asked_and_answered_on_her_page(
    filled: Library, three: list[int], open_page: OpenPage
) -> None:
    ada, ids = three[0], filled.faces.vectors(EMBEDDER).ids.tolist()
    open_ = [face for face in ids if filled.faces.get(face).person_id is None]
    asked = Question(Kind.PERSON, "person", tuple(open_), len(open_), person=ada)
    open_questions.write(filled, OpenQuestions(questions=(asked,), answers={"person": 1}))
    page = person_page(open_page, ada)
    assert "Is this Ada?" in texts(page)
    grid = f"maybe-{ada}-{open_[0]}-{len(open_)}"
    page = chosen(page, **{grid: open_[:1]})
    page = page.button(key="maybe-answer").click().run()
    assert filled.faces.get(open_[0]).person_id == ada
    assert "Is this Ada?" not in texts(page), "who was cleared is remembered as somebody else"
    filled.journal.undo()
    assert filled.people.get(ada).faces == 2
