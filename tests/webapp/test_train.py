from __future__ import annotations

import pytest

from faceid_core.errors import NotReady
from faceid_core.recognition import training
from faceid_core.steps import train
from faceid_core.values import Flag
from tests.webapp.conftest import texts

METRICS = {
    "accuracy": 0.957, "tpir": 0.94, "fpir": 0.012, "train_faces": 28, "valid_faces": 9, "seconds": 37.0,
    "history": [{"epoch": 0, "train_loss": 1.0, "valid_loss": 1.2, "accuracy": 0.5}],
}  # fmt: skip


def _train_button(page):
    return next(button for button in page.button if button.label == "Train")


def _name_two(library) -> None:
    ids = library.faces.vectors("dlib-resnet+mirror").ids
    library.people.name_faces(ids[::2].tolist(), "Ada", actor="owner")
    library.people.name_faces(ids[1::2].tolist(), "Bo", actor="owner")


def test_nobody_named_yet(library, open_page) -> None:
    page = open_page("train")
    assert not page.exception
    assert _train_button(page).disabled
    assert "Name at least two people with two photos each" in texts(page)


def test_one_person_is_not_enough(filled, open_page) -> None:
    filled.people.name_faces([1, 3, 5], "Ada", actor="owner")
    page = open_page("train")
    assert _train_button(page).disabled
    assert "Name at least two people with two photos each" in texts(page)


def test_two_people_can_be_trained(filled, open_page) -> None:
    _name_two(filled)
    page = open_page("train")
    assert "2 people with 6 faces" in texts(page)
    page = _train_button(page).click().run()
    assert not page.exception
    assert [job.kind for job in filled.jobs.active()] == ["train"]
    assert "Training has started" in texts(page)


def test_training_shows_its_curves(filled, open_page) -> None:
    filled.jobs.submit("train", {})
    job = filled.jobs.claim()
    filled.jobs.beat(job.id, 1, 8, "Epoch 1", {"history": METRICS["history"]})
    page = open_page("train")
    assert not page.exception
    assert len(page.get("vega_lite_chart")) == 2
    assert "Epoch 1" in page.get("progress")[0].proto.text


def test_a_failed_training_says_why(filled, open_page) -> None:
    job = filled.jobs.submit("train", {})
    filled.jobs.claim()
    filled.jobs.fail(job.id, "Name at least two people.")
    assert "Name at least two people" in open_page("train").error[0].value


def test_the_result_in_plain_words(filled, open_page) -> None:
    _name_two(filled)
    for _ in range(2):
        filled.models.add("dlib-resnet+mirror", ["Ada", "Bo"], METRICS, 0.62, {"Ada": 3, "Bo": 3}, "x")
    page = open_page("train")
    assert not page.exception
    said = texts(page)
    assert "Of 9 faces kept out of it, 95.7 % got the right name" in said
    assert "finds 94.0 %".replace(".0", "") in said
    assert {metric.label: metric.value for metric in page.metric}["Strangers misnamed"] == "1.2 %"
    assert [len(table.value) for table in page.dataframe] == [2, 1]


def test_metrics_that_could_not_be_measured(filled, open_page) -> None:
    metrics = {**METRICS, "tpir": None, "fpir": None, "history": []}
    filled.models.add("dlib-resnet+mirror", ["Ada", "Bo"], metrics, 0.62, {"Ada": 3}, "x")
    page = open_page("train")
    assert not page.exception
    assert {metric.label: metric.value for metric in page.metric}["Known people found"] == "–"


def on_photos(library, photos: int) -> list[list[int]]:
    """The ids of all faces on each of the first photos with two faces or more."""
    found = [[face.id for face in library.faces.of_photo(photo.id)] for photo in library.photos.page(limit=100)]
    return [ids for ids in found if len(ids) >= 2][:photos]


def both_on_one_photo(library) -> None:
    """Ada twice on one photo, and Bo twice on another."""
    for name, ids in zip(("Ada", "Bo"), on_photos(library, 2), strict=True):
        library.people.name_faces(ids[:2], name, actor="owner")


def one_is_flagged(library) -> None:
    """Two photos each, but a face of Bo is marked as one that nobody wants to see."""
    one, other = on_photos(library, 2)
    for at, name in enumerate(("Ada", "Bo")):
        library.people.name_faces([one[at], other[at]], name, actor="owner")
    library.faces.flag([one[1]], Flag.HIDDEN, actor="owner")


def two_photos_each(library) -> None:
    one, other = on_photos(library, 2)
    for at, name in enumerate(("Ada", "Bo")):
        library.people.name_faces([one[at], other[at]], name, actor="owner")


def two_photos_and_a_third(library) -> None:
    """And Cy on one photo, who is learned with two faces and left out with one."""
    two_photos_each(library)
    (third,) = on_photos(library, 3)[2:]
    library.people.name_faces(third[:1], "Cy", actor="owner")


@pytest.mark.parametrize(
    ("name", "names"),
    [
        (lambda library: None, None),
        (both_on_one_photo, None),
        (one_is_flagged, None),
        (two_photos_each, ("Ada", "Bo")),
        (two_photos_and_a_third, ("Ada", "Bo")),
        (_name_two, ("Ada", "Bo")),
    ],
)
def test_the_page_promises_what_the_training_does(filled, open_page, monkeypatch, name, names) -> None:
    """What is trained, up to the networks' work: the page, the step and the training itself agree on every case."""
    name(filled)
    page, ready = open_page("train"), train.readiness(filled)
    labelled = training._labelled
    learned = []

    def seen(*args):
        learned.append(labelled(*args))
        raise NotReady("enough seen")

    monkeypatch.setattr(training, "_labelled", seen)
    with pytest.raises(NotReady) as refused:
        train.train_recogniser(filled)
    if names is None:
        assert _train_button(page).disabled and not learned
        assert str(refused.value) == ready.refusal and ready.refusal in texts(page)
    else:
        assert not _train_button(page).disabled and ready.refusal is None
        assert learned[0].names == ready.names == names and len(learned[0].crops) == ready.faces
        assert f"{len(names)} people with {ready.faces} faces" in texts(page)
