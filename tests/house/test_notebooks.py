"""The notebooks run, use public modules only, and are committed with small outputs without a machine's paths."""

from __future__ import annotations

import ast
import json
import re
import runpy
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.house.rooms import ROOT

FILES = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
LARGEST_BYTES, LONGEST_CELL = 300_000, 13
PLACE = re.compile(r"(?<![\w.])/(?:home|root|tmp|work|usr|var|Users)/|[A-Z]:\\\\")


def code_cells(file: Path) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(file.read_text())["cells"] if cell["cell_type"] == "code"]


def test_there_are_four() -> None:
    assert [file.name[0] for file in FILES] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_outputs_are_small_and_tell_nothing_of_a_machine(file: Path) -> None:
    text, outputs = file.read_text(), [output for cell in code_cells(file) for output in cell["outputs"]]
    assert len(text) < LARGEST_BYTES
    assert not PLACE.search(text)
    assert any(
        "image/jpeg" in output.get("data", {}) or "image/png" in output.get("data", {}) for output in outputs
    )
    assert not [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_cells_are_short_and_use_public_modules(file: Path) -> None:
    for cell in code_cells(file):
        source = "".join(cell["source"])
        assert len(source.splitlines()) <= LONGEST_CELL, source
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("faceid_core."):
                _check_public(node)


def _check_public(node: ast.ImportFrom) -> None:
    """The module, or the name in its package, is in the room's list."""
    _, room, *module = (node.module or "").split(".")
    offered = getattr(import_module(f"faceid_core.{room}"), "__all__", None)
    if offered is None:  # a module of the root
        assert not module
    elif module:
        assert module[0] in offered, node.module
    else:
        assert {each.name for each in node.names} <= set(offered)


@pytest.mark.slow
def test_they_run_from_first_to_last(tmp_path: Path) -> None:
    run = runpy.run_path(str(ROOT / "docs" / "run_notebooks.py"))["executed"]
    pictures = {file.name: json.dumps(notebook).count('"image/') for file, notebook in run(tmp_path)}
    assert len(pictures) == len(FILES) and min(pictures.values()) >= 1
