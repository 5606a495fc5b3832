"""The page Photos shows every name found, and writes names beside photos and takes that back."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceid_core.library import Library
from faceid_core.steps import jobs
from tests.exchange.test_name_packet import theirs
from tests.webapp.conftest import OpenPage, texts
from webapp.parts.job_progress import outcome


def test_every_name_found_is_shown_before_it_is_taken(filled: Library, open_page: OpenPage) -> None:
    folder = Path(filled.photos.page()[0].path).parent
    (folder / "photo0.jpg.xmp").write_bytes(theirs("Ada"))
    (folder / "photo1.jpg.xmp").write_text("no xml", encoding="utf-8")
    page = open_page("photos").button(key="show-names").click().run()
    assert not page.exception
    table = page.dataframe[-1].value
    assert table["Name"].tolist() == ["Ada", "–"]
    assert table["Outcome"].tolist() == ["no matching face", "can't be used"]
    assert "photo1.jpg.xmp names nobody: it is not XML" in table["Why"].tolist()[1]
    assert filled.people.all() == []


@pytest.mark.slow
def test_names_are_written_by_a_job_and_taken_back(filled: Library, open_page: OpenPage) -> None:
    assert "Write names" not in [button.label for button in open_page("photos").button]  # nobody has a name yet
    faces = [int(face) for face in filled.faces.vectors("dlib-resnet+mirror").ids]
    filled.people.name_faces(faces[::2], "Ada")
    page = open_page("photos").button(key="preview-names").click().run()
    assert "3 files would be changed: 3 names added." in texts(page)
    page.button(key="write-names-now").click().run()
    (job,) = jobs.run_pending(filled)
    assert outcome(job.kind, job.result) == "Names written into 3 files."
    page = open_page("photos")
    assert "Written just now into 3 files" in texts(page)
    page.button(key="undo-names-1").click().run()
    (job,) = jobs.run_pending(filled)
    assert outcome(job.kind, job.result) == "3 files restored."
    assert "Written just now" not in texts(open_page("photos"))
    folder = Path(filled.photos.page()[0].path).parent
    assert not list(folder.glob("*.xmp"))


def test_outcomes_say_what_was_left_alone() -> None:
    assert outcome("write-names", {}) == "All files already have their names."
    assert outcome("write-names", {"files": 1, "conflicts": 2, "failures": 1}) == (
        "Names written into 1 file; 3 left alone, see Preview."
    )
    assert outcome("undo-names", {"restored": 2, "conflicts": 1}) == (
        "2 files restored; 1 file left alone because of later changes."
    )
