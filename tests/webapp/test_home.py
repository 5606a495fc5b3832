from __future__ import annotations

import numpy as np
from streamlit.testing.v1 import AppTest

from faceid_core.library import Library
from tests.webapp.conftest import OpenPage, texts


def _metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_an_empty_library_asks_for_photos(library: Library, open_page: OpenPage) -> None:
    page = open_page("home")
    assert not page.exception and not page.error
    assert page.title[0].value == "Who is in your photos?"
    assert not page.metric
    assert "arrow_circle_right:] **Import photos**" in texts(page)


def test_a_filled_library_is_counted(filled: Library, open_page: OpenPage) -> None:
    page = open_page("home")
    assert not page.exception
    shown = _metrics(page)
    assert (shown["Photos"], shown["Faces"], shown["People"]) == ("6", "6", "0")
    assert shown["Unnamed faces"] == "6"
    assert shown["Recogniser"] == "none yet"


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
    assert _metrics(page)["Recogniser"] == "95.7 %"


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
