"""Everything public in faceid_core says what it does."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import rooms
from tests.house.rooms import CORE

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def public(body: list[ast.stmt], inside: str = "") -> Iterator[tuple[str, Definition]]:
    """Functions, classes and methods whose names, and those of the classes around them, have no leading underscore.

    What stands inside a function is private; so are dunder methods, whose meaning Python gives. Of a property the
    getter counts, of an overloaded function the implementation.
    """
    for node in body:
        if isinstance(node, ast.If | ast.Try):
            yield from public(node.body, inside)
        if not isinstance(node, Definition) or node.name.startswith("_"):
            continue
        decorators = {ast.unparse(each).rpartition(".")[2] for each in node.decorator_list}
        if not decorators & {"setter", "deleter", "overload"}:
            yield inside + node.name, node
        if isinstance(node, ast.ClassDef):
            yield from public(node.body, f"{inside}{node.name}.")


def silent(source: str) -> list[str]:
    return [name for name, node in public(ast.parse(source).body) if not (ast.get_docstring(node) or "").strip()]


@pytest.mark.parametrize("file", rooms.files("faceid_core"), ids=lambda file: str(file.relative_to(CORE)))
def test_what_is_public_has_a_docstring(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    assert silent(source) == []
    assert ast.get_docstring(ast.parse(source)) or not source.strip(), "say what the module is for"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def f(): pass", ["f"]),
        ("async def f(): pass", ["f"]),
        ('def f(): ""', ["f"]),
        ("class A: x: int", ["A"]),
        ("class A:\n def f(self): ...", ["A", "A.f"]),
        ('class A(Protocol):\n "a"\n @property\n def p(self): ...', ["A.p"]),
        ('class A:\n "a"\n class B: pass', ["A.B"]),
        ("if True:\n def f(): pass", ["f"]),
        ("def _f(): pass\nclass _A:\n def f(self): ...", []),
        ('class A:\n "a"\n def __len__(self): ...\n def _f(self): ...', []),
        ('def f():\n "f"\n def g(): ...', []),
        ('class A:\n "a"\n @property\n def p(self):\n  "p"\n @p.setter\n def p(self, value): ...', []),
        ('@overload\ndef f(): ...\ndef f(x=0):\n "f"', []),
    ],
)
def test_the_walk_finds_what_is_public(source: str, names: list[str]) -> None:
    assert silent(source) == names
