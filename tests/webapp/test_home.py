from __future__ import annotations

import numpy as np

from faceid_core.library import Library
from tests.webapp.conftest import OpenPage, html_of, texts


def test_an_empty_library_asks_for_photos(library: Library, open_page: OpenPage) -> None:
    page = open_page("home")
    assert not page.exception and not page.error
    assert page.title[0].value == "Who is in your photos?"
    assert "arrow_circle_right:] **Import photos**" in texts(page)


def test_a_filled_library_is_counted(filled: Library, open_page: OpenPage) -> None:
    page = open_page("home")
    assert not page.exception
    assert "**6** photos :gray[·] **6** faces" in texts(page)
    assert "person" not in texts(page).splitlines()[1] and "recogniser" not in texts(page).splitlines()[1]


def test_the_next_step_follows_what_is_there(filled: Library, open_page: OpenPage) -> None:
    assert "arrow_circle_right:] **Group faces**" in texts(open_page("home"))
    ids = filled.faces.vectors("dlib-resnet+mirror").ids
    filled.clusters.save_run("chinese-whispers", {}, "dlib-resnet+mirror", ids, np.arange(6) % 2 + 1)
    assert "arrow_circle_right:] **Name people**" in texts(open_page("home"))
    filled.people.name_faces(ids[::2].tolist(), "Ada")
    filled.people.name_faces(ids[1::2].tolist(), "Bo")
    assert "arrow_circle_right:] **Train a recogniser**" in texts(open_page("home"))
    filled.models.add("dlib-resnet+mirror", ["Ada", "Bo"], {"accuracy": 0.957}, 0.6, {"Ada": 3, "Bo": 3}, "x")
    page = open_page("home")
    assert "arrow_circle_right:] **Recognise people**" in texts(page)
    assert "recogniser **95.7%** accurate" in texts(page)
    assert not page.get("progress") and "waiting" not in html_of(page)


def test_five_waiting_faces_are_shown_until_all_have_a_name(filled: Library, open_page: OpenPage) -> None:
    ids = filled.faces.vectors("dlib-resnet+mirror").ids.tolist()
    filled.clusters.save_run(
        "chinese-whispers", {}, "dlib-resnet+mirror", np.array(ids), np.array([1, 1, 2, 2, 0, 0])
    )
    page = open_page("home")
    assert page.get("progress")[0].proto.text == "6 faces left"
    assert html_of(page).count("/api/faces/") == 4  # one of each group, and the two single ones
    for face, name in zip(ids, ("Ada", "Ada", "Bo", "Bo", "Cy"), strict=False):
        filled.people.name_faces([face], name)
    page = open_page("home")
    assert (page.get("progress")[0].proto.text, html_of(page).count("/api/faces/")) == ("1 face left", 1)
    filled.people.name_faces(ids[-1:], "Di")
    assert not open_page("home").get("progress")


def test_a_decision_can_be_undone(filled: Library, open_page: OpenPage) -> None:
    filled.people.name_faces([1, 3], "Ada")
    page = open_page("home")
    assert "Ada" in texts(page)
    undo = next(button for button in page.button if button.label == "Undo")
    page = undo.click().run()
    assert not page.exception
    assert filled.people.find("Ada") is None
    assert "Undone" in texts(page)
    assert not [button for button in page.button if button.label == "Undo"]


def test_a_name_is_shown_as_it_is(filled: Library, open_page: OpenPage) -> None:
    filled.people.name_faces([1], "*A* <b>:red[x]")
    shown = texts(open_page("home"))
    assert r"\*A\* \<b\>\:red\[x\]" in shown
    assert "*A* <b>:red[x]" not in shown


def test_the_progress_of_a_job_is_shown_and_can_be_paused(filled: Library, open_page: OpenPage) -> None:
    filled.jobs.submit("import", {"paths": ["/photos"]})
    job = filled.jobs.claim()
    assert job is not None
    filled.jobs.beat(job.id, 30, 120, "", {"rate": 10.0, "seconds_left": 9.0})
    page = open_page("home")
    assert "30 of 120 photos · 10.0 photos/s · about 9 s left" in page.get("progress")[0].proto.text
    next(button for button in page.button if button.label == "Pause").click().run()
    assert filled.jobs.get(job.id).is_paused
