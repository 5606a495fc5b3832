from __future__ import annotations

from faceid_core.library import Library
from tests.webapp.conftest import OpenPage, texts


def test_without_a_recogniser_the_page_says_what_to_do(filled: Library, open_page: OpenPage) -> None:
    page = open_page("recognise")
    assert not page.exception
    assert "No recogniser yet" in texts(page)
    assert not page.get("iframe")


def test_both_apps_and_the_camera_are_there(library: Library, open_page: OpenPage) -> None:
    library.models.add("dlib-resnet+mirror", ["Ada", "Bo"], {}, 0.6, {"Ada": 3, "Bo": 3}, "x")
    page = open_page("recognise")
    assert not page.exception
    assert [tab.label.split(": ")[1] for tab in page.tabs] == ["One face", "Several faces", "Live camera"]
    frames = [part.proto for part in page.get("bidi_component")]
    assert [path for path in ("/gradio/single/", "/gradio/group/") if path in str(frames)] == [
        "/gradio/single/",
        "/gradio/group/",
    ]
