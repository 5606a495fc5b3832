"""The registry on the page Train, names for unnamed faces, and the page Evaluation."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from faceid_core.library import Library
from faceid_core.recognition import model_files
from faceid_core.steps.next_to_name import next_to_name
from tests.steps.recognisers import fill, photo, trained, vectors_of
from tests.webapp.conftest import OpenPage, texts

pytestmark = pytest.mark.slow


@pytest.fixture
def known(library: Library, monkeypatch: pytest.MonkeyPatch) -> Library:
    return fill(library, monkeypatch)


def keys(page: AppTest) -> list[str]:
    return [str(button.key) for button in page.button]


def press(page: AppTest, key: str) -> AppTest:
    page = page.button(key=key).click().run()
    assert not page.exception
    return page


# --- the list -----------------------------------------------------------------------------------------------------
def test_another_recogniser_is_used_and_that_is_undone(known: Library, open_page: OpenPage) -> None:
    first, second = trained(known), trained(known)
    page = press(open_page("train"), f"use-model-{first.id}")
    assert known.models.latest().id == first.id
    assert f"Activated recogniser {first.id}" in texts(page)
    undo = next(button for button in page.button if str(button.key).startswith("bar-undo-"))
    assert not undo.click().run().exception
    assert known.models.latest().id == second.id


def test_notes_are_saved(known: Library, open_page: OpenPage) -> None:
    model = trained(known)
    page = open_page("train")
    page.text_area(key=f"notes-{model.id}").set_value("*before* the wedding").run()
    page = press(page, f"save-notes-{model.id}")
    assert known.models.get(model.id).notes == "*before* the wedding"
    assert "\\*before\\* the wedding" in texts(page)


DIALOG = """
from webapp.context import library
from webapp.parts import recogniser_list
if library().models.all()[1:]:
    recogniser_list._delete_dialog(library().models.all()[0])
"""
"""AppTest runs whole pages only, so that a dialog closes at the next click; this page opens it each time."""


def test_a_recogniser_is_deleted_after_a_second_click(known: Library, open_page: OpenPage) -> None:
    first, second = trained(known), trained(known)
    page = press(open_page("train"), f"delete-model-{second.id}")
    assert "This can't be undone" in texts(page) and len(known.models.all()) == 2
    press(AppTest.from_string(DIALOG, default_timeout=30).run(), "delete-model-confirm")
    assert [model.id for model in known.models.all()] == [first.id]


def test_two_are_compared(known: Library, open_page: OpenPage) -> None:
    first, second = trained(known), trained(known)
    page = open_page("train")
    assert not page.exception and "All tested on the same 18 faces of people they know" in texts(page)
    (table,) = [each.value for each in page.dataframe if "Recogniser" in each.value]
    assert table["Recogniser"].tolist() == [second.id, first.id]


def test_what_changed_since_is_said(known: Library, open_page: OpenPage) -> None:
    trained(known)
    page = open_page("train")
    assert "Up to date" in texts(page) and "Ready to train" not in texts(page)
    assert "Train again to include them" not in texts(page)
    known.people.name_faces([30], "Dee")
    assert "1 person it doesn't know and 1 changed name. Train again" in texts(open_page("train"))
    assert "Ready to train" in texts(open_page("train"))


# --- unnamed faces ------------------------------------------------------------------------------------------------
def test_proposed_names_are_accepted_with_one_undo(known: Library, open_page: OpenPage) -> None:
    trained(known)
    known.photos.add_many(
        [photo(600, vectors_of([0], 9, noise=0.1)[0]), photo(601, vectors_of([2], 8, noise=0.1)[0])]
    )
    page = open_page("train")
    assert "would be named" in texts(page)
    page = press(page, "accept-proposals")
    assert [known.faces.get(face).person for face in (89, 90)] == ["Ada", "Cy"]
    undo = next(button for button in page.button if str(button.key).startswith("bar-undo-"))
    undo.click().run()
    assert [known.faces.get(face).person for face in (89, 90)] == [None, None]


def test_where_nobody_is_known_nothing_is_offered(known: Library, open_page: OpenPage) -> None:
    trained(known)
    page = open_page("train")
    assert "It recognises nobody among the 70 faces without a name." in texts(page)


def test_a_recogniser_that_can_not_serve_leaves_the_page_usable(known: Library, open_page: OpenPage) -> None:
    model = trained(known)
    (known.settings.models_folder / model.artifact / "model.json").unlink()
    page = open_page("train")
    assert not page.exception and "are missing" in page.warning[0].value
    assert "All recognisers" in [each.value for each in page.subheader]


# --- evaluation ---------------------------------------------------------------------------------------------------
def test_without_a_recogniser_the_page_says_what_to_do(filled: Library, open_page: OpenPage) -> None:
    page = open_page("evaluation")
    assert not page.exception and "No recogniser yet" in texts(page)


def test_one_of_before_is_said_to_keep_no_answers(known: Library, open_page: OpenPage) -> None:
    known.models.add("dlib-resnet+mirror", ["Ada"], {}, 0.5, {}, known.models.get(trained(known).id).artifact)
    model = known.models.latest()
    folder = known.settings.models_folder / model.artifact

    made = model_files.write(replace(model_files.read(folder), held_out=None), known.settings.models_folder)
    known.models.add("dlib-resnet+mirror", model.classes, {}, 0.5, {}, made.name)
    page = open_page("evaluation")
    assert not page.exception and "has no answers about single faces" in page.info[0].value


def test_a_stricter_threshold_is_looked_at_and_then_used(known: Library, open_page: OpenPage) -> None:
    model = trained(known)
    page = open_page("evaluation")
    assert not page.exception and "use-threshold" not in keys(page)
    page.select_slider(key=f"one-in-{model.id}").set_value(1000).run()
    assert known.models.latest().threshold == model.threshold, "only looked at"
    page = press(page, "use-threshold")
    wanted = next(point["threshold"] for point in model.metrics["points"] if point["fpir"] == 0.001)
    assert known.models.latest().threshold == wanted != model.threshold
    assert "use-threshold" not in keys(page)
    assert "Set the threshold of recogniser" in texts(page)


def test_a_wrong_name_is_corrected_in_one_click(known: Library, open_page: OpenPage) -> None:
    known.photos.add_many([photo(500, vectors_of([0], 7)[0]), photo(501, vectors_of([1], 7)[0])])
    known.people.name_faces([89], "Bo")
    known.people.name_faces([90], "Ada")
    trained(known)
    page = press(open_page("evaluation"), "correct-89")
    assert known.faces.get(89).person == "Ada"
    press(page, "keep-90")
    assert known.faces.get(90).person == "Ada"
    assert not [button for button in open_page("evaluation").button if str(button.key).startswith("correct-")]


def test_people_and_confusions_are_shown(known: Library, open_page: OpenPage) -> None:
    known.photos.add_many([photo(500, vectors_of([0], 7)[0])])
    known.people.name_faces([89], "Bo")
    model = trained(known)
    page = open_page("evaluation")
    assert not page.exception
    (table,) = [each.value for each in page.dataframe]
    assert sorted(table["Name"]) == ["Ada", "Bo", "Cy"] and table["Tested"].sum() == 19
    box = page.selectbox(key=f"cell-{model.id}")
    assert box.options[0] == "Bo as Ada · 1"
    assert len(page.get("vega_lite_chart")) == 3


def test_people_with_a_single_photo_are_told_so(known: Library, open_page: OpenPage) -> None:
    known.people.name_faces([40], "*Dee*")
    trained(known)
    page = open_page("evaluation")
    assert not page.exception
    assert "More photos would help most with" in page.info[0].value and "\\*Dee\\*" in page.info[0].value
    table = page.dataframe[0].value
    assert "can't be tested" in table[table["Name"] == "*Dee*"]["Advice"].iloc[0]


# --- what to name next ------------------------------------------------------------------------------------------
def test_the_faces_that_would_help_most_are_named_there(known: Library, open_page: OpenPage) -> None:
    trained(known)
    known.photos.add_many([photo(700 + number, row) for number, row in enumerate(vectors_of([50] * 14, 11))])
    page = open_page("evaluation")
    assert not page.exception and "What to name next" in [each.value for each in page.subheader]
    assert "next-name-selected" in keys(page)
    most = next_to_name(known)[0]
    assert most.face >= 89
    known.people.name_faces([most.face], "Eve")
    assert next_to_name(known)[0].face < 89


def test_a_person_called_unknown_is_not_nobody(known: Library, open_page: OpenPage) -> None:
    """Their row and column of the matrix are not those of unknown faces."""
    known.people.describe(known.people.known("Cy").id, name="unknown")
    known.photos.add_many([photo(500, vectors_of([0], 7)[0]), photo(501, vectors_of([2], 7)[0])])
    known.people.name_faces([89], "unknown")
    known.people.name_faces([90], "Ada")
    trained(known)
    page = open_page("evaluation")
    assert not page.exception
    (faces,) = [box for box in page.selectbox if str(box.key).startswith("cell-")]
    assert {"Ada as “unknown” · 1", "“unknown” as Ada · 1"} <= set(faces.options)
