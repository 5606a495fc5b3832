from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from faceid_core.errors import NotReady
from faceid_core.library import Library
from faceid_core.recognition import training, training_data
from faceid_core.steps import train
from faceid_core.values import Flag
from tests.webapp.conftest import OpenPage, new_photo, texts

METRICS = {
    "accuracy": 0.957, "tpir": 0.94, "fpir": 0.012, "train_faces": 28, "valid_faces": 9, "seconds": 37.0,
    "history": [{"epoch": 0, "train_loss": 1.0, "valid_loss": 1.2, "accuracy": 0.5}],
}  # fmt: skip


def _train_button(page: AppTest) -> Button:
    return next(button for button in page.button if button.label == "Train")


def _name_two(library: Library) -> None:
    ids = library.faces.vectors("dlib-resnet+mirror").ids
    library.people.name_faces(ids[::2].tolist(), "Ada")
    library.people.name_faces(ids[1::2].tolist(), "Bo")


def test_nobody_named_yet(filled: Library, open_page: OpenPage) -> None:
    page = open_page("train")
    assert not page.exception
    assert _train_button(page).disabled
    assert "Name at least one person with one face" in texts(page)


def test_one_photo_is_enough_and_weak(filled: Library, open_page: OpenPage) -> None:
    filled.people.name_faces([1], "Ada")
    page = open_page("train")
    assert not _train_button(page).disabled
    assert "1 person has only one photo; a second would help" in texts(page)


def test_a_recipe_that_lacks_something_says_what_and_another_can_be_chosen(
    filled: Library, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    _name_two(filled)
    page = open_page("train")
    page.radio(key="recipe").set_value("classic").run()
    assert "faceid downloads nothing" in texts(page) and _train_button(page).disabled
    page.radio(key="recipe").set_value("imprint").run()
    assert "Ready to train" in texts(page)


def test_a_recipe_can_be_chosen(filled: Library, open_page: OpenPage) -> None:
    _name_two(filled)
    page = open_page("train")
    page.radio(key="recipe").set_value("imprint").run()
    _train_button(page).click().run()
    assert not page.exception
    assert [job.params for job in filled.jobs.recent() if job.kind == "train"] == [{"recipe": "imprint"}]


def test_the_card_is_on_the_page(filled: Library, open_page: OpenPage) -> None:
    filled.models.add("dlib-resnet+mirror", ["Ada", "Bo"], METRICS, 0.62, {"Ada": 3, "Bo": 3}, "x")
    page = open_page("train")
    assert not page.exception
    assert "| Face network | dlib-resnet+mirror |" in texts(page)


def test_what_can_not_be_tested_is_not_0_percent(filled: Library, open_page: OpenPage) -> None:
    metrics = {**METRICS, "valid_faces": 0, "accuracy": 0.0, "tpir": 0.0}
    filled.models.add("dlib-resnet+mirror", ["Ada"], metrics, 0.62, {"Ada": 1}, "x")
    page = open_page("train")
    assert [metric.value for metric in page.metric].count("not tested") == 2
    assert "Nobody has a second photo to test it with" in texts(page)


def test_two_people_can_be_trained(filled: Library, open_page: OpenPage) -> None:
    _name_two(filled)
    page = open_page("train")
    assert "2 people with 6 faces" in texts(page)
    page = _train_button(page).click().run()
    assert not page.exception
    assert [job.kind for job in filled.jobs.active()] == ["train"]
    assert "Training started" in texts(page)


def test_training_shows_its_curves(filled: Library, open_page: OpenPage) -> None:
    filled.jobs.submit("train", {})
    job = filled.jobs.claim()
    assert job is not None
    filled.jobs.beat(job.id, 1, 8, "Epoch 1", {"history": METRICS["history"]})
    page = open_page("train")
    assert not page.exception
    assert len(page.get("vega_lite_chart")) == 2
    assert "Epoch 1" in page.get("progress")[0].proto.text


def test_a_failed_training_says_why(filled: Library, open_page: OpenPage) -> None:
    job = filled.jobs.submit("train", {})
    filled.jobs.claim()
    filled.jobs.fail(job.id, "Name at least two people.")
    assert "Name at least two people" in open_page("train").error[0].value


def test_the_result_in_plain_words(filled: Library, open_page: OpenPage) -> None:
    _name_two(filled)
    for _ in range(2):
        filled.models.add("dlib-resnet+mirror", ["Ada", "Bo"], METRICS, 0.62, {"Ada": 3, "Bo": 3}, "x")
    page = open_page("train")
    assert not page.exception
    said = texts(page)
    assert "Of 9 faces held back for testing, 95.7% were named correctly" in said
    assert "recognises 94.0%".replace(".0", "") in said
    assert {metric.label: metric.value for metric in page.metric}["Unknown faces misnamed"] == "1.2%"
    assert len(page.dataframe[0].value) == 2
    assert [button.key for button in page.button if str(button.key).startswith("use-model-")] == ["use-model-1"]


def test_metrics_that_could_not_be_measured(filled: Library, open_page: OpenPage) -> None:
    metrics = {**METRICS, "tpir": None, "fpir": None, "history": []}
    filled.models.add("dlib-resnet+mirror", ["Ada", "Bo"], metrics, 0.62, {"Ada": 3}, "x")
    page = open_page("train")
    assert not page.exception
    assert {metric.label: metric.value for metric in page.metric}["Known faces recognised"] == "–"


CASES = {
    # Who is on which photos (a number twice: two faces on that photo), whose faces are hidden, and who is learned.
    "nobody": ({}, "", None),
    "two faces each, all on one photo": ({"Ada": [0, 0], "Bo": [1, 1]}, "", ("Ada", "Bo")),
    "one of two on one photo": ({"Ada": [0, 1], "Bo": [2, 2]}, "", ("Ada", "Bo")),
    "two photos each": ({"Ada": [0, 1], "Bo": [0, 1]}, "", ("Ada", "Bo")),
    "hidden faces": ({"Ada": [0, 1], "Bo": [0, 1]}, "Bo", ("Ada", "Bo")),
    "a third with one face": ({"Ada": [0, 1], "Bo": [0, 1], "Cy": [2]}, "", ("Ada", "Bo", "Cy")),
    "a third on one photo": ({"Ada": [0, 1], "Bo": [0, 1], "Cy": [2, 2]}, "", ("Ada", "Bo", "Cy")),
    "copies of one picture": ({"Ada": [0, 2], "Bo": [0, 2]}, "", ("Ada", "Bo")),
}


def name_by_case(library: Library, folder: Path, people: dict[str, list[int]], hidden: str) -> None:
    folder.mkdir()
    photos = [new_photo(folder, number) for number in range(4)]
    library.photos.add_many([replace(photo, faces=photo.faces * 3) for photo in photos])
    ids = {photo: list(range(3 * photo + 1, 3 * photo + 4)) for photo in range(4)}
    for name, wanted in people.items():
        faces = [ids[photo].pop() for photo in wanted]
        library.people.name_faces(faces, name)
        if name == hidden:
            library.faces.flag(faces[:1], Flag.HIDDEN)


@pytest.mark.slow
@pytest.mark.parametrize(("people", "hidden", "names"), CASES.values(), ids=CASES)
def test_the_page_promises_what_the_training_does(
    library: Library,
    open_page: OpenPage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    people: dict[str, list[int]],
    hidden: str,
    names: tuple[str, ...],
) -> None:
    """The page, the step and the training, up to where the networks begin, agree on every case."""
    name_by_case(library, tmp_path / "photos", people, hidden)
    page, ready = open_page("train"), train.readiness(library)
    labelled = training_data.labelled_faces
    learned = []

    def seen(*args: Any) -> None:
        learned.append(labelled(*args))
        raise NotReady("enough seen")

    monkeypatch.setattr(training, "labelled_faces", seen)
    with pytest.raises(NotReady) as refused:
        train.train_recogniser(library)
    if names is None:
        assert _train_button(page).disabled and not learned
        assert str(refused.value) == ready.refusal and ready.refusal in texts(page)
    else:
        assert not _train_button(page).disabled and ready.refusal is None
        assert learned[0].names == ready.names == names and len(learned[0].crops) == ready.faces
        assert f"{len(names)} people with {ready.faces} faces" in texts(page)
