"""Who may import whom: downwards only, and heavy libraries not before they are needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from faceid_core import errors

ROOT = Path(__file__).parents[2]
CORE = ROOT / "faceid_core"

LAYERS = {
    "base": {"errors", "files", "values", "settings", "wording", "matching", "moments"},
    "store": {"tables", "database", "library"},
    "compute": {"images", "formats", "folders", "video", "tracks", "photo_date", "engine", "detection",
                "embedding", "quality", "neighbours", "clustering", "density", "linkage", "projection",
                "training", "recognition", "sample"},
    "steps": {"executors", "analysing", "watching", "importing", "stored", "grouping", "reviewing", "pipeline",
              "jobs", "exporting", "backup", "decisions", "name_import"},
    "edge": {"cli", "console", "listing", "upkeep", "doctor"},
}  # fmt: skip
ALLOWED = {
    "base": {"base"},
    "store": {"store", "base"},
    "compute": {"compute", "base"},
    "steps": {"steps", "store", "compute", "base"},
    "edge": {"edge", "steps", "store", "compute", "base"},
}
HEAVY = {
    "av",
    "torch",
    "fastai",
    "umap",
    "dlib",
    "gradio",
    "streamlit",
    "onnxruntime",
    "onnx",
    "openvino",
    "faiss",
    "sklearn",
    "cv2",
}
TORCH_CLASSES = {"torch_net.py", "fitting.py"}  # they derive classes from torch's; their importers wait instead


def layer_of(module: str) -> str:
    for layer, modules in LAYERS.items():
        if module in modules:
            return layer
    return "compute"  # a new part of the computation needs no entry to be held to its rules


def imports_of(file: Path) -> list[tuple[str, bool]]:
    """(module, at the top of the file) for each import that runs."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found: list[tuple[str, bool]] = []
    typing_only = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            found += [(alias.name, node in tree.body) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [(name, node in tree.body) for name in names]
    return found


@pytest.mark.parametrize("file", sorted(CORE.rglob("*.py")), ids=lambda file: str(file.relative_to(CORE)))
def test_a_module_imports_only_its_own_layer_and_those_below(file: Path) -> None:
    mine = layer_of(file.relative_to(CORE).with_suffix("").parts[0])
    for module, at_top in imports_of(file):
        parts = module.split(".")
        assert parts[0] not in {"webapp", "streamlit", "gradio"}, f"{file.name} imports {module}"
        at_start = at_top and file.name not in TORCH_CLASSES
        heavy = parts[0] in HEAVY or bool({f"{part}.py" for part in parts} & TORCH_CLASSES)
        assert not (at_start and heavy), f"{file.name} imports {module} at start"
        if parts[0] == "faceid_core" and len(parts) > 2:
            assert layer_of(parts[1]) in ALLOWED[mine], f"{file.name} ({mine}) imports {module}"


def test_the_core_never_prints() -> None:
    for file in CORE.rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
        assert not any(isinstance(call.func, ast.Name) and call.func.id == "print" for call in calls), file


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, faceid_core.cli; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = sorted(HEAVY | {"numpy", "sqlalchemy", "pydantic"})
    done = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_error_tree_in_the_docstring_is_the_tree() -> None:
    drawn = {line.strip("│├└─ \n") for line in (errors.__doc__ or "").splitlines()}
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, Exception):
            assert name in drawn


@pytest.mark.parametrize("folder", ["faceid_core", "webapp", "migrations"])
def test_files_stay_readable(folder: str) -> None:
    long = {file.name: lines for file in (ROOT / folder).rglob("*.py")
            if (lines := len(file.read_text().splitlines())) > 400}  # fmt: skip
    assert long == {}
