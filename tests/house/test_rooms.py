"""The house: which room may import which, what a room offers, and no circle anywhere."""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

from tests.house import rooms
from tests.house.rooms import CORE, ROOT, STORE, TOP

MAY_IMPORT = {
    TOP: set(),
    "media": {TOP},
    "engine": {TOP},
    "vision": {TOP, "media", "engine"},
    "vectors": {TOP},
    "clustering": {TOP, "vectors"},
    "review": {TOP, "vectors"},
    "recognition": {TOP, "engine", "vision"},
    STORE: {TOP},
    "library": {TOP, STORE},
    "executors": {TOP},
    "importing": {TOP, "media", "vision", "executors", "library"},
    "exchange": {TOP, "media"},
    "sample": {TOP},
}
"""Folder -> folders. What lives where, and why: docs/architecture.md."""

MAY_IMPORT["steps"] = {*MAY_IMPORT, "steps"}
MAY_IMPORT["cli"] = {*MAY_IMPORT, "cli"}
OUTSIDE = {"webapp", "migrations", "tests", "streamlit", "gradio"}
ARCHITECTURE = ROOT / "docs" / "architecture.md"


@pytest.mark.parametrize("file", rooms.files("faceid_core"), ids=lambda file: str(file.relative_to(CORE)))
def test_a_module_imports_only_what_its_room_may(file: Path) -> None:
    modules = {rooms.module_of(each) for each in rooms.files("faceid_core")}
    mine = rooms.room_of(rooms.module_of(file))
    assert mine in MAY_IMPORT, f"{mine} is no room; give it a line in MAY_IMPORT and in docs/architecture.md"
    for name, _ in rooms.imports_of(file):
        assert name.split(".")[0] not in OUTSIDE, f"{mine} imports {name}"
        module = rooms.module_among(name, modules)
        room = rooms.room_of(module) if module else mine
        assert room == mine or room in MAY_IMPORT[mine], f"{mine} must not import {name}"


def test_every_form_of_import_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forms = {
        "from faceid_core import media": "media",
        "from faceid_core.media import images": "media",
        "from faceid_core.media.images import read": "media",
        "import faceid_core.media.images": "media",
        "def f():\n    from faceid_core.library.store import tables": STORE,
        "from .. import media": "media",
        "from ..media import images": "media",
    }
    modules = {rooms.module_of(each) for each in rooms.files("faceid_core")}
    monkeypatch.setattr(rooms, "ROOT", tmp_path)
    file = tmp_path / "faceid_core" / "engine" / "new.py"
    file.parent.mkdir(parents=True)
    for text, room in forms.items():
        file.write_text(text)
        found = {rooms.module_among(name, modules) for name, _ in rooms.imports_of(file)}
        assert {rooms.room_of(module) for module in found if module} == {room}, text


def test_no_module_imports_itself_through_others() -> None:
    graph = rooms.module_graph()
    # A package's __init__ runs before its modules; what counts is whether a module leads back to itself.
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))


@pytest.mark.parametrize("room", sorted(rooms.rooms() - {TOP}))
def test_a_room_says_what_it_offers(room: str) -> None:
    """At most five lines on what it is for and who may import it, and an __all__ whose names are there."""
    init = CORE / room / "__init__.py"
    tree = ast.parse(init.read_text(encoding="utf-8"))
    text = ast.get_docstring(tree) or ""
    assert 1 <= len(text.splitlines()) <= 5 and "import" in text, room
    name = f"faceid_core.{room.replace('/', '.')}"
    offered = import_module(name).__all__
    for each in offered:
        there = (CORE / room / f"{each}.py").is_file() or hasattr(import_module(name), each)
        assert there, f"{room} has no {each}"


def test_other_rooms_take_only_what_a_room_offers() -> None:
    modules = {rooms.module_of(file) for file in rooms.files("faceid_core")}
    for file in rooms.files("faceid_core", "webapp", "migrations"):
        mine = rooms.room_of(rooms.module_of(file))
        for name, _ in rooms.imports_of(file):
            module = rooms.module_among(name, modules)
            room = rooms.room_of(module) if module else TOP
            if room in (mine, TOP) or (mine, room) == ("library", STORE):
                continue
            package = f"faceid_core.{room.replace('/', '.')}"
            taken = name.removeprefix(f"{package}.").split(".")[0]
            assert taken == name or taken in import_module(package).__all__, f"{file.name} takes {name}"


# --- docs/architecture.md ---------------------------------------------------------------------------------------
def test_the_table_of_rooms_is_drawn_from_the_real_imports() -> None:
    rows = re.findall(r"^\| `([\w/()]+)` \|.*\| ([^|]+) \|$", ARCHITECTURE.read_text(encoding="utf-8"), re.M)
    drawn = {room: set(re.findall(r"`([\w/()]+)`", imports)) for room, imports in rows}
    assert drawn == rooms.room_edges("faceid_core", "webapp")


def test_the_picture_has_each_room_above_all_that_it_imports() -> None:
    picture = re.search(r"```text\n(.*?)```", ARCHITECTURE.read_text(encoding="utf-8"), re.S)
    assert picture
    floors = [
        set(re.findall(r"[a-z]+(?:/[a-z]+)?|\(root\)", line.split("  --")[0])) for line in picture[1].splitlines()
    ]
    floor = {room: -number for number, names in enumerate(floors) for room in names}
    edges = rooms.room_edges("faceid_core", "webapp")
    assert set(floor) == set(edges)
    wrong = [(room, other) for room, others in edges.items() for other in others if floor[other] >= floor[room]]
    assert wrong == []
