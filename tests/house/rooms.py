"""Who imports whom, read from the files: every form of import, also inside functions."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORE = ROOT / "faceid_core"
TOP = "(root)"
"""The room of the modules that lie in faceid_core itself."""

STORE = "library/store"
"""The one room inside another."""


def module_of(file: Path) -> str:
    """Such as faceid_core.library.people; a package goes by its own name."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def files(*folders: str) -> list[Path]:
    """Every Python file of these top-level folders, sorted."""
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def imports_of(file: Path) -> list[tuple[str, ast.stmt]]:
    """The full name of all that a file imports and runs, with its statement; imports for types alone are left out.

    Every form counts: `from faceid_core import media`, `from faceid_core.media import images`, `import
    faceid_core.media.images`; of `from faceid_core.media.images import read`, what is taken follows the module.
    """
    package = module_of(file) if file.name == "__init__.py" else module_of(file).rpartition(".")[0]
    return _imports(file.read_text(encoding="utf-8"), package)


@cache  # one test a file, and several over all files
def _imports(source: str, package: str) -> list[tuple[str, ast.stmt]]:
    nodes = list(ast.walk(ast.parse(source)))
    for_types = {
        id(child)
        for node in nodes
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for child in ast.walk(node)
    }
    found: list[tuple[str, ast.stmt]] = []
    for node in nodes:
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            found += [(alias.name, node) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source_name = ".".join([*above, *([node.module] if node.module else [])])
            found += [(f"{source_name}.{alias.name}", node) for alias in node.names]
    return found


def module_among(name: str, modules: set[str]) -> str | None:
    """The module that an imported name is, or is taken from."""
    while name:
        if name in modules:
            return name
        name = name.rpartition(".")[0]
    return None


def room_of(module: str) -> str:
    """faceid_core.media.images -> media; a module of another top-level folder -> that folder."""
    top, *parts = module.split(".")
    if top != "faceid_core":
        return top
    if parts[:2] == STORE.split("/"):
        return STORE
    return parts[0] if parts and (CORE / parts[0]).is_dir() else TOP


def rooms() -> set[str]:
    """Every folder of faceid_core that holds code."""
    return {room_of(module_of(file)) for file in files("faceid_core")}


def room_edges(*folders: str) -> dict[str, set[str]]:
    """Room -> the other rooms that it imports."""
    modules = {module_of(file) for file in files("faceid_core", "webapp", "migrations")}
    edges: dict[str, set[str]] = {}
    for file in files(*folders):
        mine = room_of(module_of(file))
        theirs = (module_among(name, modules) for name, _ in imports_of(file))
        edges.setdefault(mine, set()).update(room_of(module) for module in theirs if module)
    return {room: others - {room} for room, others in edges.items()}


def module_graph() -> dict[str, set[str]]:
    """Module -> the modules that it imports, in faceid_core and webapp."""
    modules = {module_of(file) for file in files("faceid_core", "webapp")}
    graph: dict[str, set[str]] = {}
    for file in files("faceid_core", "webapp"):
        mine = module_of(file)
        found = {module_among(name, modules) for name, _ in imports_of(file)}
        graph[mine] = {module for module in found if module and module != mine}
    return graph
