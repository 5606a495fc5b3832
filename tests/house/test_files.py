"""What every file keeps to: heavy libraries wait, nothing prints, files stay short, the error tree is right."""

from __future__ import annotations

import ast
import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest

from faceid_core import errors
from tests.house import rooms
from tests.house.rooms import CORE

HEAVY = {
    "av", "torch", "fastai", "umap", "dlib", "gradio", "streamlit", "onnxruntime", "onnx", "openvino", "faiss",
    "sklearn", "cv2",
}  # fmt: skip
TORCH_CLASSES = {"faceid_core.engine.torch_net", "faceid_core.recognition.fastai_fit"}
"""They derive classes from torch's; their importers wait instead."""


@pytest.mark.parametrize("file", rooms.files("faceid_core"), ids=lambda file: str(file.relative_to(CORE)))
def test_heavy_libraries_wait_until_they_are_needed(file: Path) -> None:
    if rooms.module_of(file) in TORCH_CLASSES:
        return
    for name, node in rooms.imports_of(file):
        heavy = name.split(".")[0] in HEAVY or any(name.startswith(module) for module in TORCH_CLASSES)
        assert node.col_offset or not heavy, f"{file.name} imports {name} at start"


@pytest.mark.slow
def test_the_core_never_prints() -> None:
    for file in CORE.rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
        assert not any(isinstance(call.func, ast.Name) and call.func.id == "print" for call in calls), file


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, faceid_core.cli.main; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = sorted(HEAVY | {"numpy", "sqlalchemy", "pydantic"})
    done = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_error_tree_in_the_docstring_is_the_tree() -> None:
    drawn = {line.strip("│├└─ \n") for line in (errors.__doc__ or "").splitlines()}
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, Exception):
            assert name in drawn


def broken_texts(source: str) -> list[int]:
    """Lines of strings that lack their f, as in "{count(3)} faces", or that were cut off from the one before."""
    tree = ast.parse(source)
    texts = ast.Constant | ast.JoinedStr
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    lines = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside
        and re.search(r"\{[a-z_]+[(\[]", node.value)
    ]  # fmt: skip
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for one, other in itertools.pairwise(body if isinstance(body, list) else []):
            behind = isinstance(other, ast.Expr) and isinstance(other.value, texts)
            if behind and isinstance(one, ast.Assign) and isinstance(one.value, ast.JoinedStr):
                lines.append(other.lineno)
    return lines


def test_what_counts_as_a_broken_text() -> None:
    assert broken_texts('text = "{count(3)} faces"') == [1]
    assert broken_texts('text = f"{three} faces "\n"in all"') == [2]
    assert broken_texts('text = f"{count(3)} faces"\nsize = 3\n"""What it is."""') == []


@pytest.mark.parametrize("folder", ["faceid_core", "webapp"])
def test_no_text_is_broken(folder: str) -> None:
    wrong = {str(file): lines for file in rooms.files(folder) if (lines := broken_texts(file.read_text()))}
    assert wrong == {}


@pytest.mark.parametrize("folder", ["faceid_core", "webapp", "migrations", "tests"])
def test_files_stay_readable(folder: str) -> None:
    long = {str(file): lines for file in rooms.files(folder) if (lines := len(file.read_text().splitlines())) > 400}
    assert long == {}
