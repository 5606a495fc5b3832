from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import gradio
import numpy as np
import pytest

from faceid_core.errors import BadInput, OutOfDate, UnreadableImage
from faceid_core.exchange import recognition_table
from faceid_core.importing.report import ImportReport
from faceid_core.library import Library
from faceid_core.media import annotate, images, zipped
from faceid_core.recognition.recogniser import EmbeddedFaces
from faceid_core.settings import Settings
from faceid_core.steps import recognise
from faceid_core.values import LOCAL_OWNER, Actor, Box, DetectedFace, Guess, Recognised, Role
from tests.webapp.conftest import new_photo
from tests.webapp.test_api import ADA, NOBODY, Known
from webapp import context, gradio_actions, gradio_group, gradio_markup, gradio_single
from webapp.gradio_parts import saying

PHOTO = np.full((120, 200, 3), 90, np.uint8)
EMBEDDER = "dlib-resnet+mirror"


class Seeing(Known):
    """It finds the same two faces in everything, and names one of them up to a threshold of 0.93."""

    searches, token, embedder = 0, "one", type("Embedder", (), {"name": EMBEDDER})

    def find(self, image: np.ndarray, go_on: Callable[[], None] = lambda: None) -> EmbeddedFaces:
        Seeing.searches += 1
        points = np.zeros((5, 2), np.float32)
        faces = [DetectedFace(each.box, each.score, points) for each in (ADA, NOBODY)]
        return EmbeddedFaces(faces, np.eye(2, 128, dtype=np.float32), self.token)

    def label(self, faces: object, vectors: object, *, threshold: float | None = None) -> list[Recognised]:
        unknown = Recognised(ADA.box, None, 0.07, (Guess("Ada", 0.93), *ADA.runners_up))
        return [unknown if threshold and threshold > 0.93 else ADA, NOBODY]


@pytest.fixture
def uploads(settings: Settings) -> Path:
    """Where Gradio keeps what was uploaded."""
    settings.temporary_folder.mkdir(parents=True, exist_ok=True)
    return settings.temporary_folder


@pytest.fixture
def photo(uploads: Path) -> str:
    path = uploads / "photo.jpg"
    path.write_bytes(images.encode_jpeg(PHOTO))
    return str(path)


@pytest.fixture
def recogniser(monkeypatch: pytest.MonkeyPatch, filled: Library) -> None:
    """In a library with two people."""
    filled.models.add(EMBEDDER, ["Ada", "Bo"], {}, 0.6, {}, "x")
    filled.people.name_faces([1], "Ada")
    filled.people.name_faces([2], "Bo")
    monkeypatch.setattr(Seeing, "searches", 0)
    monkeypatch.setattr(recognise, "load_recogniser", lambda _: Seeing())


class Page:
    """An app whose events are called as Gradio would; what its parts show is kept by their names."""

    def __init__(self, app: Any) -> None:
        self.app, self.shows = app, cast("dict[str, Any]", {})
        self._names = {value: name for name, value in vars(app).items() if isinstance(value, gradio.blocks.Block)}

    def __call__(self, act: Callable[..., Any], *given: Any) -> dict[str, Any]:
        found = act(*given)
        for update in [found] if isinstance(found, dict) else found:
            self.shows |= {self._names[part]: value for part, value in update.items()}
        return dict(self.shows)


@pytest.fixture
def group(settings: Settings) -> Page:
    return Page(gradio_group._Group(settings))


@pytest.fixture
def single(settings: Settings) -> Page:
    return Page(gradio_single._Single(settings))


# --- drawing ----------------------------------------------------------------------------------------------------
def test_the_drawing_marks_faces_and_nothing_else() -> None:
    drawn = annotate.draw_names(PHOTO, [ADA])
    assert drawn.shape == PHOTO.shape
    changed = np.argwhere((drawn != PHOTO).any(axis=2))
    assert changed[:, 0].min() >= 20 and changed[:, 1].min() >= 8
    assert (drawn[0:18] == PHOTO[0:18]).all()
    assert np.array_equal(annotate.draw_names(PHOTO, []), PHOTO)


@pytest.mark.parametrize("name", ["Ångström", "Анна", "Ωμέγα"])
def test_names_beyond_ascii_are_drawn(name: str) -> None:
    font = cast("Any", annotate.label_font(40))
    missing = bytes(font.getmask("\uffff"))
    assert all(bytes(font.getmask(letter)) != missing for letter in name)


def test_a_person_called_unknown_is_no_stranger() -> None:
    called = Recognised(Box(0, 0, 9, 9), "unknown", 0.9, person_id=7)
    shown = gradio_markup.people("a.jpg", [called, NOBODY])
    assert "<b>“unknown”</b>" in shown and "<b>Unknown</b>" in shown
    assert [annotate.certainty(face) for face in (called, NOBODY)] == ["sure", "unknown"]
    table = recognition_table.tab_separated([recognition_table.PhotoAnswer("a.jpg", (called, NOBODY))])
    assert [line.split("\t")[2:5] for line in table.splitlines()[1:]] == [
        ["known", "7", "unknown"],
        ["unknown", "", ""],
    ]


def test_names_can_not_be_html() -> None:
    evil = Recognised(Box(10, 20, 60, 80), "<script>x</script>", 0.9, (Guess("<i>", 0.1),))
    people, answer = gradio_markup.people("<b>.jpg", [evil]), gradio_markup.answer(evil, "data:,")
    boxes, strip = gradio_markup.boxes([evil], (100, 100)), gradio_markup.strip(["x", "y"], [evil, evil], 0)
    for text in (people, answer, boxes, strip):
        assert "<script" not in text and "<i>" not in text and "<b>.jpg" not in text


# --- several faces ----------------------------------------------------------------------------------------------
def test_several_faces_are_named_anew_without_another_search(group: Page, photo: str, recogniser: None) -> None:
    shown = group(group.app.show, photo)
    assert "2 faces, 1 recognised" in shown["note"] and shown["boxes"].count('class="box') == 2
    assert "Ada" in shown["list"] and "photo.csv" in shown["list"] and shown["threshold"]["value"] == 0.6
    stricter = group(group.app.rename, shown["shown"], 0.95)
    assert "0 recognised" in stricter["note"] and "perhaps Ada 93%" in stricter["list"]
    assert Seeing.searches == 1
    assert "data:image/jpeg" in group(group.app.draw, shown["shown"], 0.5)["annotated"]


def test_another_recogniser_asks_for_the_photo_again(
    group: Page, photo: str, recogniser: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = group(group.app.show, photo)["shown"]
    monkeypatch.setattr(Seeing, "token", "other")
    with pytest.raises(OutOfDate, match="choose the photo again"):
        group.app.rename(shown, 0.5)


def test_many_photos_and_what_is_none(group: Page, photo: str, recogniser: None, uploads: Path) -> None:
    with zipfile.ZipFile(uploads / "all.zip", "w") as archive:
        archive.write(photo, "2024/a.jpg")
        archive.writestr("2024/bad.jpg", "no picture")
        archive.writestr("readme.txt", "no photo")
        archive.writestr("__MACOSX/._a.jpg", "no photo")
    shown = group(group.app.show_many, [str(uploads / "all.zip"), photo])
    assert "2 photos, 4 faces, 2 recognised; 1 file could not be read" in shown["batch"]
    assert "2024/a.jpg" in shown["batch"] and "Could not be read: not an image" in shown["batch"]
    bad = uploads / "bad.zip"
    bad.write_bytes(b"PK no archive")
    assert "not a zip archive, or it is damaged" in group(group.app.show_many, [str(bad)])["note"]
    assert "Choose a photo" in group(group.app.show_many, ["/etc/passwd"])["note"]


def test_an_archive_that_unpacks_to_far_more_is_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(zipped.MOST_TIMES + 1):
            archive.writestr(f"{number}.jpg", bytes(1024**2))
    with zipped.opened(bomb) as archive:
        with pytest.raises(BadInput, match="in parts"):
            zipped.photos_in(archive, limit_mb=1)
        one = zipped.PackedPhoto(archive, archive.infolist()[0], limit_bytes=1000)
        with pytest.raises(UnreadableImage, match="larger than"):
            one.read()


# --- one face ---------------------------------------------------------------------------------------------------
def test_one_face_takes_the_largest_and_others_can_be_chosen(single: Page, photo: str, recogniser: None) -> None:
    shown = single(single.app.show, photo)
    assert "<h2>Ada</h2>" in shown["answer"] and "2 faces: choose one" in shown["strip"]
    assert "/api/faces/1.jpg" in shown["near"] and shown["editor"]["visible"]
    other = single(single.app.choose, shown["shown"], 1)
    assert "<h2>Unknown</h2>" in other["answer"] and "Nobody the recogniser knows" in other["answer"]
    assert Seeing.searches == 1


def stored_by(library: Library) -> Callable[..., ImportReport]:
    """In place of an import, which takes the networks: it finds no face."""

    def store(acting: Library, found: Any, **_: Any) -> ImportReport:
        acting.actor.require(Role.OWNER)
        (path,) = found.files
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        blank = replace(new_photo(path.parent, 77), path=str(path), sha256=digest, faces=())
        library.photos.add_many([replace(blank, width=200, height=120)])
        return ImportReport()

    return store


def test_a_face_gets_a_name_that_can_be_taken_back(
    single: Page, photo: str, recogniser: None, filled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceid_core.steps.name_new_photo.import_photos", stored_by(filled))
    monkeypatch.setattr(context, "who", lambda: Actor("Ella", Role.EDITOR))
    shown, before = single(single.app.show, photo), filled.counts().photos
    named = single(single.app.name_face, shown["shown"], "Zoë")
    assert "Named 1 face “Zoë”" in named["done"] and named["undo"]["visible"]
    assert (filled.counts().photos, filled.people.known("Zoë").faces) == (before + 1, 1)
    undone = single(single.app.take_back, named["shown"])
    assert "Undone" in undone["done"] and filled.people.find("Zoë") is None
    again = single(single.app.name_face, shown["shown"], "Ada")  # the photo is known by now
    assert "“Ada”" in again["done"] and filled.counts().photos == before + 1


def test_viewers_name_nobody(
    single: Page, photo: str, recogniser: None, filled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "who", lambda: Actor("Vera", Role.VIEWER))
    shown = single(single.app.show, photo)
    assert not shown["editor"]["visible"] and not shown["name"]["choices"]
    refused = single(saying(single.app.done)(single.app.name_face), shown["shown"], "Zoë")
    assert "wrong" in refused["done"] and "editor" in refused["done"]
    assert filled.acting_as(LOCAL_OWNER).people.find("Zoë") is None


# --- what can't be used -----------------------------------------------------------------------------------------
def test_failures_are_one_sentence(
    group: Page, single: Page, library: Library, photo: str, uploads: Path, tmp_path: Path
) -> None:
    bad = uploads / "bad.jpg"
    bad.write_bytes(b"hello")
    reasons = {photo: "No recogniser", str(bad): "not an image", str(tmp_path / "elsewhere.jpg"): "Choose a photo"}
    for page in (group, single):
        guarded = saying(page.app.note)(page.app.show)
        for path, reason in reasons.items():
            assert reason in page(guarded, path)["note"]
        assert page(guarded, None)["note"] == ""


def test_no_face_is_said(
    group: Page, single: Page, photo: str, recogniser: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Seeing, "label", lambda *_, **__: [])
    assert gradio_actions.NO_FACE in group(group.app.show, photo)["note"]
    assert gradio_actions.NO_FACE in single(single.app.show, photo)["note"]


def test_a_bug_becomes_an_apology(
    group: Page, photo: str, recogniser: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Seeing, "find", lambda *_, **__: 1 / 0)
    assert "Something went wrong" in group(saying(group.app.note)(group.app.show), photo)["note"]
    monkeypatch.setattr(Known, "recognise", lambda *_, **__: 1 / 0)
    with pytest.raises(gradio.Error, match="Something went wrong"):
        gradio_actions.one(settings)(photo)


def test_programs_get_an_answer_or_an_error_of_gradio(
    photo: str, recogniser: None, settings: Settings, uploads: Path
) -> None:
    answers = gradio_actions.several(settings)(photo)["faces"]
    assert [(face["name"], face["status"]) for face in answers] == [("Ada", "known"), (None, "unknown")]
    assert answers[0]["person_id"] is not None
    result = gradio_actions.one(settings)(photo)
    assert (result["face"]["name"], result["faces_found"]) == ("Ada", 2)
    bad = uploads / "bad.jpg"
    bad.write_bytes(b"hello")
    for answer in (gradio_actions.one(settings), gradio_actions.several(settings)):
        for path, reason in ((None, "Choose a photo"), (str(bad), "not an image")):
            with pytest.raises(gradio.Error, match=reason):
                answer(path)


def test_the_missing_model_is_announced(library: Library) -> None:
    assert "No recogniser" in gradio_actions.missing_model()
    library.models.add(EMBEDDER, ["Ada", "Bo"], {}, 0.6, {}, "x")
    assert gradio_actions.missing_model() == ""


@pytest.mark.parametrize("make", [gradio_single.single_app, gradio_group.group_app])
def test_programs_see_one_endpoint(make: Callable[[Settings], gradio.Blocks], settings: Settings) -> None:
    app = make(settings)
    assert list(app.get_api_info()["named_endpoints"]) == ["/recognise"]
