"""Two tabs: what a page offers after another tab, or the command line, has changed what it shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from faceid_core.errors import OutOfDate
from faceid_core.library import Library
from faceid_core.values import Flag
from tests.webapp.conftest import EMBEDDER, OpenPage, texts
from tests.webapp.test_naming_pages import button, type_name
from webapp.app_pages import clusters, people

STALE = "This page was out of date"


@pytest.fixture
def grouped(filled: Library) -> Library:
    """Six faces in two groups."""
    ids = filled.faces.vectors(EMBEDDER).ids
    filled.clusters.save_run("test", {}, EMBEDDER, ids, np.arange(6, dtype=np.int64) % 2 + 1)
    return filled


def regroup(library: Library) -> None:
    """All faces in group 1."""
    ids = library.faces.vectors(EMBEDDER).ids
    library.clusters.save_run("other", {}, EMBEDDER, ids, np.ones(len(ids), np.int64))


def person_page(library: Library, open_page: OpenPage, ids: list[int]) -> AppTest:
    """The page of Ada, who has these faces, the first one selected."""
    ada = library.people.name_faces(ids, "Ada").person_id
    page = open_page("people")
    page.query_params["person"] = str(ada)
    page.session_state[f"person-{ada}-None"] = {"selected": ids[:1]}
    return page.run()


def test_name_all_after_a_regrouping_names_nobody_and_draws_the_page_anew(
    grouped: Library, open_page: OpenPage
) -> None:
    page = type_name(open_page("clusters"), "Ada")
    regroup(grouped)
    page = button(page, "Name all 3").click().run()
    assert not page.exception
    assert grouped.people.all() == []
    assert STALE in texts(page) and "have been grouped again" in texts(page)
    assert button(page, "Name all 6")


@pytest.mark.parametrize("label", ["Name all 3", "Ignore"])
def test_a_group_with_a_face_that_was_named_elsewhere_is_drawn_anew(
    grouped: Library, open_page: OpenPage, label: str
) -> None:
    page = type_name(open_page("clusters"), "Ada")
    face = grouped.faces.of_cluster(1)[0].id
    grouped.people.name_faces([face], "Bo")
    page = button(page, label).click().run()
    assert not page.exception and STALE in texts(page)
    assert grouped.faces.get(face).person == "Bo"
    assert grouped.faces.with_flag(Flag.STRANGER) == [] and grouped.people.find("Ada") is None


def test_not_ada_leaves_alone_a_face_that_is_somebody_else_by_now(grouped: Library, open_page: OpenPage) -> None:
    ids = [face.id for face in grouped.faces.of_cluster(1)]
    page = person_page(grouped, open_page, ids)
    bo = grouped.people.name_faces(ids[:1], "Bo").person_id
    page = button(page, "Not Ada").click().run()
    assert not page.exception
    assert "1 face left alone" in texts(page)
    assert grouped.faces.get(ids[0]).person == "Bo"
    assert (ids[0], bo) not in set(zip(*_negatives(grouped), strict=True))


def _negatives(library: Library) -> tuple[list[int], list[int]]:
    found = library.gallery.negatives(EMBEDDER)
    return found.ids.tolist(), found.people.tolist()


def test_a_picture_is_not_a_face_of_somebody_else(grouped: Library, open_page: OpenPage) -> None:
    ids = [face.id for face in grouped.faces.of_cluster(1)]
    page = person_page(grouped, open_page, ids)
    grouped.people.name_faces(ids[:1], "Bo")
    page = button(page, "Use as cover").click().run()
    assert STALE in texts(page)
    assert grouped.people.known("Ada").cover_face_id != ids[0]


def test_a_tab_offers_to_undo_its_own_act_and_never_that_of_another_tab(
    grouped: Library, open_page: OpenPage
) -> None:
    ids = [face.id for face in grouped.faces.of_cluster(1)]
    page = person_page(grouped, open_page, ids)
    label, act = "Use as cover", grouped.people.set_cover
    ada = grouped.people.known("Ada").id
    act(ada, ids[0])  # the other tab does the same first
    other = grouped.people.name_faces([ids[1]], "Bo").event
    page = button(page, label).click().run()
    assert not page.exception and "Nothing to change" in texts(page)
    assert other is not None
    assert f"bar-undo-page-{other.id}" not in {one.key for one in page.button}
    assert "_undo_offer" not in page.session_state


def test_an_act_between_those_of_another_tab_is_the_one_that_is_undone(
    grouped: Library, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other tab acts right after this one, before the page is drawn."""
    page = type_name(open_page("clusters"), "Ada")
    other = [face.id for face in grouped.faces.of_cluster(2)]
    name_faces = type(grouped.people).name_faces

    def raced(people: Any, *args: Any, **kwargs: Any) -> Any:
        done = name_faces(people, *args, **kwargs)
        name_faces(people, other, "Bo")
        return done

    monkeypatch.setattr(type(grouped.people), "name_faces", raced)
    page = button(page, "Name all 3").click().run()
    monkeypatch.undo()
    button(page, "Undo").click().run()
    assert [person.name for person in grouped.people.all()] == ["Bo"]


@pytest.fixture
def asked_to_erase(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What a click on the button in the dialog would do; Streamlit's AppTest can't reach into dialogs."""
    asked: list[Any] = []
    for module in (people, clusters):
        monkeypatch.setattr(module, "erase_dialog", lambda what, gone, erase, **_: asked.append(erase))
    return asked


def test_a_person_with_more_faces_than_were_shown_is_not_erased(
    grouped: Library, open_page: OpenPage, asked_to_erase: list[Any]
) -> None:
    ids = [face.id for face in grouped.faces.of_cluster(1)]
    person_page(grouped, open_page, ids[:2]).menu_button(key="more-acts").click(people.ERASE).run()
    grouped.people.name_faces(ids[2:], "Ada")
    with pytest.raises(OutOfDate, match="3 instead of 2 faces"):
        asked_to_erase[-1]()
    assert grouped.people.known("Ada").faces == 3


def test_a_face_that_was_named_elsewhere_is_not_erased_with_those_set_aside(
    grouped: Library, open_page: OpenPage, asked_to_erase: list[Any]
) -> None:
    ids = [face.id for face in grouped.faces.of_cluster(1)]
    grouped.faces.flag(ids, Flag.STRANGER)
    page = open_page("clusters")
    page.session_state["clusters-view"] = "Set aside"
    page.session_state["aside-stranger"] = {"selected": ids[:2]}
    page.run().button(key="aside-stranger-erase").click().run()
    grouped.people.name_faces(ids[:1], "Bo")
    with pytest.raises(OutOfDate, match="1 of its faces has changed"):
        asked_to_erase[-1]()
    assert grouped.counts().faces == 6
