from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gradio
import numpy as np
import pytest

from faceid_core.library import Library
from faceid_core.media import images
from faceid_core.settings import Settings
from faceid_core.values import Box, Guess, Recognised
from tests.webapp.test_api import ADA, NOBODY, Known
from webapp import gradio_actions, gradio_apps, theme

PHOTO = np.full((120, 200, 3), 90, np.uint8)


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
def recogniser(monkeypatch: pytest.MonkeyPatch, library: Library) -> Known:
    from faceid_core.steps import recognise

    monkeypatch.setattr(recognise, "load_recogniser", lambda _: Known())
    return Known()


def test_candidates_of_a_known_and_an_unknown_face() -> None:
    assert list(gradio_actions.candidates(ADA).items()) == [("Ada", 0.93), ("Bo", 0.05)]
    unknown = gradio_actions.candidates(NOBODY)
    assert list(unknown) == ["Unknown", "Bo"]
    assert unknown["Unknown"] == pytest.approx(0.6)


def test_the_drawing_marks_faces_and_nothing_else() -> None:
    drawn = gradio_actions.draw(PHOTO, [ADA])
    assert drawn.shape == PHOTO.shape
    changed = np.argwhere((drawn != PHOTO).any(axis=2))
    assert changed[:, 0].min() >= 20 and changed[:, 1].min() >= 8
    assert (drawn[0:18] == PHOTO[0:18]).all()
    assert np.array_equal(gradio_actions.draw(PHOTO, []), PHOTO)


@pytest.mark.parametrize("name", ["Ångström", "Анна", "Ωμέγα"])
def test_names_beyond_ascii_are_drawn(name: str) -> None:
    font = theme.label_font(40)
    missing = bytes(font.getmask("\uffff"))
    assert all(bytes(font.getmask(letter)) != missing for letter in name)


def test_one_face_takes_the_largest_and_says_so(photo: str, recogniser: Known, settings: Settings) -> None:
    show, answer = gradio_actions.one(settings)
    crop, label, note = show(photo)
    assert crop.ndim == 3
    assert max(label, key=label.__getitem__) == "Ada"
    assert "2 faces were found" in note
    result = answer(photo)
    assert (result["face"]["name"], result["faces_found"]) == ("Ada", 2)


def test_several_faces(photo: str, recogniser: Known, settings: Settings) -> None:
    show, answer = gradio_actions.several(settings)
    drawn, table, note = show(photo)
    assert drawn.shape == PHOTO.shape
    assert table == [["Ada", "93%", "Bo 5%"], ["Unknown", "–", "Bo 40%"]]
    assert note.startswith("2 faces, 1 recognised")
    assert [face["name"] for face in answer(photo)["faces"]] == ["Ada", None]


def test_no_face_is_said(
    photo: str, recogniser: Known, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Known, "recognise", lambda self, image, **_: [])
    assert gradio_actions.one(settings)[0](photo) == (None, None, gradio_actions.NO_FACE)
    assert gradio_actions.several(settings)[0](photo)[2] == gradio_actions.NO_FACE


def test_failures_become_gradio_messages(
    library: Library, photo: str, settings: Settings, uploads: Path, tmp_path: Path
) -> None:
    for make in (gradio_actions.one, gradio_actions.several):
        show, answer = make(settings)
        with pytest.raises(gradio.Error, match="No recogniser"):
            show(photo)
        with pytest.raises(gradio.Error, match="Choose a photo"):
            answer(None)
        bad = uploads / "bad.jpg"
        bad.write_bytes(b"hello")
        with pytest.raises(gradio.Error, match="not an image"):
            show(str(bad))
        with pytest.raises(gradio.Error, match="Choose a photo"):
            show(str(tmp_path / "elsewhere.jpg"))


def test_a_bug_becomes_an_apology(
    photo: str, settings: Settings, recogniser: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Known, "recognise", lambda self, image: 1 / 0)
    with pytest.raises(gradio.Error, match="Something went wrong"):
        gradio_actions.one(settings)[0](photo)


def test_a_name_can_not_be_html(
    photo: str, recogniser: Known, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = Recognised(Box(10, 20, 60, 80), "<script>x</script> *b*", 0.9, (Guess("<i>", 0.1),))
    monkeypatch.setattr(Known, "recognise", lambda self, image, **_: [evil])
    _, line = gradio_actions.live(settings)(photo)
    assert "<script>" not in line and "\\<script\\>" in line


def test_the_live_picture_is_small_and_never_fails(library: Library, settings: Settings, uploads: Path) -> None:
    large, bad = uploads / "frame.jpg", uploads / "bad.jpg"
    large.write_bytes(images.encode_jpeg(np.zeros((720, 1280, 3), np.uint8)))
    bad.write_bytes(b"hello")
    live = gradio_actions.live(settings)
    frame, line = live(str(large))
    assert frame is not None and max(frame.shape) == gradio_actions.LIVE_SIDE_PX
    assert "No recogniser" in line
    assert live(None) == (None, "")
    assert "not an image" in live(str(bad))[1]


def test_the_missing_model_is_announced(library: Library) -> None:
    assert "No recogniser" in gradio_actions.missing_model()
    library.models.add("dlib-resnet+mirror", ["Ada", "Bo"], {}, 0.6, {}, "x")
    assert gradio_actions.missing_model() == ""


@pytest.mark.parametrize("make", [gradio_apps.single_app, gradio_apps.group_app])
def test_programs_see_one_endpoint(make: Callable[[Settings], gradio.Blocks], settings: Settings) -> None:
    app = make(settings)
    assert list(app.get_api_info()["named_endpoints"]) == ["/recognise"]
