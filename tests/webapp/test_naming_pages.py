"""The pages Faces, Map and People on a small library: what they say, and what their buttons do."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from faceid_core.library import Erasure, Library
from faceid_core.library.store import tables
from faceid_core.steps.map_faces import map_faces
from faceid_core.values import Flag
from tests.webapp.conftest import EMBEDDER, OpenPage, html_of, texts
from webapp.parts import erase_dialog
from webapp.parts.face_map import COLOURS, figure, layers
from webapp.parts.regroup import promise
from webapp.parts.undo import SECONDS

"""The page, and the faces that it suggests."""


def button(page: AppTest, label: str) -> Button:
    return next(button for button in page.button if button.label == label)


def type_name(page: AppTest, text: str, key: str = "group-name") -> AppTest:
    """What the name box keeps when somebody has typed."""
    revision = 0  # the page is fresh
    page.session_state[key] = {"typed": {"text": text, "revision": revision}}
    return page


@pytest.fixture
def grouped(filled: Library) -> Library:
    """Six faces: one group of each of two people."""
    ids = filled.faces.vectors(EMBEDDER).ids
    filled.clusters.save_run("test", {}, EMBEDDER, ids, np.arange(6, dtype=np.int64) % 2 + 1)
    return filled


@pytest.mark.parametrize("module", ["clusters", "evaluation", "map", "name_faces", "people", "recognise", "train"])
def test_an_empty_library_says_what_to_do(library: Library, open_page: OpenPage, module: str) -> None:
    page = open_page(module)
    assert not page.exception
    assert "Import photos first" in texts(page) + html_of(page)


def test_faces_without_names_lead_to_the_groups(filled: Library, open_page: OpenPage) -> None:
    assert "No people yet" in texts(open_page("people"))


def test_faces_without_groups_offer_to_group_them(filled: Library, open_page: OpenPage) -> None:
    page = open_page("clusters")
    button(page, "Group faces").click().run()
    assert [job.kind for job in filled.jobs.active()] == ["cluster"]


def test_a_whole_group_gets_a_name_and_the_next_one_is_shown(grouped: Library, open_page: OpenPage) -> None:
    page = open_page("clusters")
    assert "Group 1" in texts(page)
    page = button(type_name(page, "Ada"), "Name all 3").click().run()
    assert not page.exception
    assert [(person.name, person.faces) for person in grouped.people.all()] == [("Ada", 3)]
    assert "Group 2" in texts(page)


def test_undo_takes_the_name_back(grouped: Library, open_page: OpenPage) -> None:
    page = button(type_name(open_page("clusters"), "Ada"), "Name all 3").click().run()
    assert f"{SECONDS}s" in html_of(page)
    page = button(page, "Undo").click().run()
    assert grouped.people.all() == []
    assert "Undone: Named 3 faces “Ada”" in texts(page)


@pytest.mark.parametrize("text", ["", "   ", "x" * 500, "\u200b"])
def test_a_name_that_can_not_be_used_changes_nothing(grouped: Library, open_page: OpenPage, text: str) -> None:
    page = button(type_name(open_page("clusters"), text), "Name all 3").click().run()
    assert not page.exception
    assert grouped.people.all() == []
    wrong, sentence = page.session_state["group-name-error"]
    assert wrong == text and sentence.count(".") == 1


def test_twice_on_one_photo_is_asked_back_once(grouped: Library, open_page: OpenPage) -> None:
    one, other = grouped.faces.of_cluster(1)[:2]
    with grouped._database.write() as session:
        session.get_one(tables.Face, other.id).photo_id = one.photo_id
    page = button(type_name(open_page("clusters"), "Ada"), "Name all 3").click().run()
    assert grouped.people.all() == [] and "twice" in page.session_state["group-name-error"][1]
    page = button(page, "Name all 3").click().run()
    assert not page.exception
    assert grouped.people.all()[0].faces == 3


def test_only_the_selected_faces_get_the_name(grouped: Library, open_page: OpenPage) -> None:
    page = open_page("clusters")
    run = grouped.clusters.current()
    assert run is not None
    shown = [face.id for face in grouped.faces.of_cluster(1)]
    page.session_state[f"group-{run.id}-1"] = {"selected": shown[:2]}
    page = type_name(page, "Ada").run()
    button(type_name(page, "Ada"), "Name 2 selected").click().run()
    assert [(person.name, person.faces) for person in grouped.people.all()] == [("Ada", 2)]


@pytest.mark.parametrize(("label", "flag"), [("Ignore", Flag.STRANGER), ("Not a face", Flag.NOT_A_FACE)])
def test_faces_set_aside_can_be_brought_back(grouped: Library, open_page: OpenPage, label: str, flag: Flag) -> None:
    page = button(open_page("clusters"), label).click().run()
    aside = grouped.faces.with_flag(flag)
    assert len(aside) == 3
    page.session_state["clusters-view"] = "Set aside"
    page.session_state[f"aside-{flag.value}"] = {"selected": aside}
    button(page.run(), "Bring back 3").click().run()
    assert grouped.faces.with_flag(flag) == []


def test_when_every_group_has_a_name_training_comes_next(grouped: Library, open_page: OpenPage) -> None:
    for number, name in ((1, "Ada"), (2, "Bo")):
        ids = [face.id for face in grouped.faces.of_cluster(number)]
        grouped.people.name_faces(ids, name)
    page = open_page("clusters")
    assert "Every group has a name" in texts(page) + html_of(page)


@pytest.mark.slow
def test_the_map_asks_to_be_drawn_and_then_shows_the_faces(grouped: Library, open_page: OpenPage) -> None:
    page = open_page("map")
    assert not page.exception and not page.get("plotly_chart")
    map_faces(grouped, projector="pca")
    grouped.settings.projector = "pca"
    page = open_page("map")
    assert not page.exception
    assert len(page.get("plotly_chart")) == 1


def test_each_face_is_one_point_under_its_name(grouped: Library) -> None:
    map_faces(grouped, projector="pca")
    grouped.people.name_faces([face.id for face in grouped.faces.of_cluster(1)], "<b>Ada</b>")
    points = grouped.maps.points("pca")
    drawn = figure(points, by="people", chosen=[points.face_ids[0]])
    assert sorted(face for trace in drawn.data for face in trace.customdata) == sorted(points.face_ids)
    assert {trace.meta for trace in drawn.data} == {"<b>Ada</b>", "Unnamed"}
    assert not any("<b>" in trace.name for trace in drawn.data)  # Plotly reads tags in a legend
    assert (drawn.layout.legend.orientation, drawn.layout.height) == ("v", None), "as large as its place"
    assert figure(points, by="people", beside=False, webgl=False).layout.legend.orientation == "h"
    assert sum(len(trace.selectedpoints) for trace in drawn.data if trace.selectedpoints is not None) == 1
    assert [layer.colour for layer in layers(points, by="groups")] == list(COLOURS[:2])


def test_a_person_has_an_address_until_merged_away(grouped: Library, open_page: OpenPage) -> None:
    for number, name in ((1, "Ada"), (2, "Bo")):
        ids = [face.id for face in grouped.faces.of_cluster(number)]
        grouped.people.name_faces(ids, name)
    ada, bo = sorted(grouped.people.all(), key=lambda person: person.name)
    page = open_page("people")
    page.query_params["person"] = str(ada.id)
    page = page.run()
    assert page.title[0].value == "Ada"
    grouped.people.merge(bo.id, [ada.id])
    page = page.run()
    assert page.title[0].value == "People" and len(page.info) == 1


def test_a_face_that_is_somebody_else_leaves_the_person_and_is_remembered(
    grouped: Library, open_page: OpenPage
) -> None:
    ids = [face.id for face in grouped.faces.of_cluster(1)]
    grouped.people.name_faces(ids, "Ada")
    ada = grouped.people.all()[0]
    page = open_page("people")
    page.query_params["person"] = str(ada.id)
    page = page.run()
    page.session_state[f"person-{ada.id}-None"] = {"selected": ids[:1]}
    button(page.run(), "Not Ada").click().run()
    assert grouped.people.get(ada.id).faces == 2
    assert grouped.journal.recent(1)[0].kind == "remove"


@pytest.mark.parametrize("person", ["99", "x", "-1", "1e9", "²", "9" * 40])
def test_a_person_who_is_not_there_shows_everybody(grouped: Library, open_page: OpenPage, person: str) -> None:
    page = open_page("people")
    page.query_params["person"] = person
    page = page.run()
    assert not page.exception and not page.error and page.title[0].value == "People"


def test_hidden_people_are_shown_when_asked_for(grouped: Library, open_page: OpenPage) -> None:
    ada = grouped.people.name_faces([face.id for face in grouped.faces.of_cluster(1)], "Ada")
    grouped.people.name_faces([face.id for face in grouped.faces.of_cluster(2)], "Bo")
    grouped.people.describe(ada.person_id, hidden=True)
    page = open_page("people")
    assert "1 person" in texts(page)
    page = page.toggle(key="people-hidden").set_value(True).run()
    assert "2 people" in texts(page)


@pytest.mark.slow
def test_hidden_faces_keep_their_name_and_come_back(grouped: Library, open_page: OpenPage) -> None:
    ids = [face.id for face in grouped.faces.of_cluster(1)]
    ada = grouped.people.name_faces(ids, "Ada").person_id
    page = open_page("people")
    page.query_params["person"] = str(ada)
    page.session_state[f"person-{ada}-None"] = {"selected": ids[:1]}
    page = page.run().button(key=f"person-{ada}-None-hidden").click().run()
    assert not page.exception
    assert grouped.faces.with_flag(Flag.HIDDEN) == ids[:1]
    assert (grouped.faces.get(ids[0]).person, grouped.people.get(ada).faces) == ("Ada", 2)
    page = open_page("clusters")
    page.session_state["clusters-view"] = "Set aside"
    page.session_state["aside-hidden"] = {"selected": ids[:1]}
    button(page.run(), "Bring back 1").click().run()
    assert grouped.people.get(ada).faces == 3


def test_faces_that_were_set_aside_are_erased_after_asking(grouped: Library, open_page: OpenPage) -> None:
    grouped.faces.flag([1, 2], Flag.NOT_A_FACE)
    page = open_page("clusters")
    page.session_state["clusters-view"] = "Set aside"
    page.session_state["aside-not_a_face"] = {"selected": [1]}
    page = page.run().button(key="aside-not_a_face-erase").click().run()
    assert "**1 face** will be erased" in texts(page)
    assert grouped.counts().faces == 6


def test_bytes_that_somebody_else_reads_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(erase_dialog, "toast", lambda sentence, icon: told.append(sentence))
    erase_dialog.say_what_remains(Erasure(faces=1))
    assert told == []
    erase_dialog.say_what_remains(Erasure(faces=1, bytes_remain=True))
    assert len(told) == 1 and "some erased data remains" in told[0]


@pytest.mark.slow
def test_the_groups_are_measured_by_the_names(grouped: Library, open_page: OpenPage) -> None:
    for number, name in ((1, "Ada"), (2, "Bo")):
        grouped.people.name_faces([face.id for face in grouped.faces.of_cluster(number)], name)
    page = open_page("clusters").button(key="measure").click().run()
    assert not page.exception
    assert {metric.label: metric.value for metric in page.metric} == {
        "Grouped correctly": "100%", "Kept together": "100%", "Overall score": "100%",
        "Names needed": "2",
    }  # fmt: skip


@pytest.mark.slow
def test_measuring_without_names_says_what_to_do(grouped: Library, open_page: OpenPage) -> None:
    page = open_page("clusters").button(key="measure").click().run()
    assert "Name faces of at least two people first" in texts(page)


def test_the_slider_tells_what_to_expect_and_groups_as_strictly(grouped: Library, open_page: OpenPage) -> None:
    page = open_page("clusters")
    before = texts(page)
    page = page.select_slider(key="strictness").set_value(2).run()
    assert promise(0) in before and promise(2) in texts(page) and promise(2) != promise(0)
    page = button(page, "Group faces").click().run()
    assert not page.exception
    assert [(job.kind, job.params) for job in grouped.jobs.active()] == [("cluster", {"strictness": 2})]


@pytest.mark.slow
def test_what_a_grouping_would_change_is_told_first(grouped: Library, open_page: OpenPage) -> None:
    runs = grouped.clusters.current()
    page = open_page("clusters").button(key="group-preview").click().run()
    assert not page.exception
    assert "No face would change groups: 2 groups, 0 single faces. Nothing was changed." in texts(page)
    assert grouped.clusters.current() == runs


@pytest.fixture
def ungrouped(grouped: Library) -> Library:
    """The faces, three of each of two people, in no group."""
    faces = grouped.faces.vectors(EMBEDDER)
    grouped.clusters.save_run("none", {}, EMBEDDER, faces.ids, np.zeros(len(faces.ids), np.int64))
    return grouped


def test_single_faces_that_look_alike_are_shown_together_or_the_best_ones_first(
    ungrouped: Library, open_page: OpenPage
) -> None:
    page = open_page("clusters")
    page.session_state["clusters-view"] = "Single faces"
    page = page.run()
    assert not page.exception
    assert "Similar faces are side by side" in texts(page)
    page.session_state["singles-order"] = "Best quality first"
    assert "Similar faces are side by side" not in texts(page.run())
