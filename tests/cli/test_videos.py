"""Videos on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceid_core.importing.finding import Found
from faceid_core.importing.report import ImportReport
from faceid_core.library import Library
from tests import videos
from tests.cli.running import faceid


@pytest.mark.parametrize(
    ("options", "every"), [((), 0.0), (("--video",), 1.0), (("--video", "0.5"), 0.5), (("--video=2",), 2.0)]
)
def test_videos_are_looked_into_when_asked(
    options: tuple[str, ...], every: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the number is left out before a path."""
    given: list[float] = []

    def noting(library: Library, paths: Found, **_: object) -> ImportReport:
        given.append(library.settings.video_seconds)
        return ImportReport(photos=len(paths.files))

    monkeypatch.setattr("faceid_core.importing.run.import_photos", noting)
    (tmp_path / "a.jpg").touch()
    (tmp_path / "a.mp4").touch()
    faceid("--library", tmp_path / "library", "import", *options, tmp_path / "a.mp4", tmp_path)
    assert given == [every]


def test_a_wrong_interval_is_one_sentence(tmp_path: Path) -> None:
    ran = faceid("--library", tmp_path, "import", "--video=-1", tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "--video" in ran.err


@pytest.mark.slow
def test_all_pictures_of_a_video_are_erased_by_its_path(tmp_path: Path) -> None:
    path = videos.write(tmp_path / "a.mp4", videos.greys(2))
    library = ("--library", tmp_path / "library")
    assert "No face was found" in faceid(*library, "import", "--video", path).err
    assert faceid(*library, "photos").out.strip() == f"{path}#t=0"
    assert faceid(*library, "erase", "photo", "--yes", path).code == 0
    assert faceid(*library, "photos").out == ""
