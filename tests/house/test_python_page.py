"""The examples of docs/python.md run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from tests.faces import SETTINGS, Faces
from tests.house.rooms import ROOT

BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_its_examples_run(
    drawn_faces: Faces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACEID_ENGINE_CACHE", str(SETTINGS.engine_cache))
    photo, _ = max(drawn_faces.album.photos.items(), key=lambda each: len(each[1]))
    Image.open(drawn_faces.album.folder / photo).save("party.jpg")
    page = "\n".join(BLOCK.findall((ROOT / "docs" / "python.md").read_text(encoding="utf-8")))
    exec(compile(page, "docs/python.md", "exec", dont_inherit=True), {})
    recognised = capsys.readouterr().out.splitlines()[-1]
    assert "'Person 0'" in recognised and "None" not in recognised
