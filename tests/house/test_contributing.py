"""CONTRIBUTING.md: its recipes run and keep the contracts, and what it names is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceid_core.exchange import face_table
from faceid_core.library import Library
from faceid_core.sample import Album
from faceid_core.settings import Settings
from tests.contracts import check_detector, check_exporter

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def recipe(name: str, **names: object) -> dict[str, Any]:
    """What the recipe's code defines, in a module where `names` are there already."""
    (code,) = re.findall(rf"<!-- recipe: {name} -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    module: dict[str, Any] = {**names, "__name__": f"recipe_{name}"}
    exec(compile(code, f"CONTRIBUTING.md, {name}", "exec", dont_inherit=True), module)
    return module


@pytest.mark.slow
def test_the_detector_of_the_recipe_keeps_the_contract(album: Album, engine_settings: Settings) -> None:
    check_detector("hog-fine", recipe("detector")["FineHogDetector"], album, engine_settings)


def test_the_exporter_of_the_recipe_keeps_the_contract(
    filled: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporters: dict[str, Any] = {}
    recipe("exporter", **{**vars(face_table), "EXPORTERS": exporters})
    (added,) = exporters.items()
    monkeypatch.setitem(face_table.EXPORTERS, *added)
    check_exporter(".jsonl", filled, tmp_path)


def test_the_question_of_the_recipe_finds_people_with_a_single_face(monkeypatch: pytest.MonkeyPatch) -> None:
    module = recipe("question")
    found = module["lonely"](np.array([-1, 4, 7, 4, 2, -1]))
    assert [(one.person, one.face) for one in found] == [(2, 4), (7, 2)]
    assert module["lonely"](np.array([], np.int64)) == []


def test_what_the_page_names_is_there() -> None:
    paths = re.findall(r"`((?:faceid_core|webapp|tests|docs)/[\w/.-]+)(?:::(\w+))?`", PAGE)
    paths += [(path, "") for path in re.findall(r"\]\(([\w/.-]+)\)", PAGE)]
    assert len(paths) > 12
    for path, test in paths:
        assert (ROOT / path).exists(), path
        assert not test or f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), test
