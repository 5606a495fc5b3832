"""The choice of the smallest face on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceid_core.importing.finding import Found
from faceid_core.importing.report import ImportReport
from faceid_core.library import Library
from tests.cli.running import faceid

NO_EFFECT = "--smallest-face has no effect"


@pytest.mark.parametrize(("detector", "has_it"), [("centerface", True), ("mmod", False)])
def test_the_smallest_face_is_given_to_the_import(
    detector: str, has_it: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And where the detector has no such choice, that is said."""
    given: list[str] = []

    def noting(library: Library, paths: Found, **_: object) -> ImportReport:
        given.append(library.settings.smallest_face)
        return ImportReport(photos=len(paths.files))

    monkeypatch.setattr("faceid_core.importing.run.import_photos", noting)
    monkeypatch.setenv("FACEID_DETECTOR", detector)
    (tmp_path / "a.jpg").touch()
    ran = faceid("--library", tmp_path / "library", "import", "--smallest-face", "every", tmp_path)
    assert given == ["every"]
    assert (NO_EFFECT in ran.err) is not has_it


def test_another_size_is_one_sentence(tmp_path: Path) -> None:
    ran = faceid("--library", tmp_path, "import", "--smallest-face", "tiny", tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "'fast', 'normal', 'every'" in ran.err
