"""The glossary is short, and pages use none of the words that it replaces."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import rooms
from tests.house.rooms import ROOT

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
MOST_TERMS = 20
KEYWORDS_OF_CODE = {"key", "icon", "css", "style", "layout", "logger"}
"""Arguments that nobody reads."""

_ROW = re.compile(r"^\| (?!-)(.+?) \| (.+?) \|$", re.MULTILINE)


def terms() -> dict[str, str]:
    return {name.strip("*"): meaning for name, meaning in _ROW.findall(GLOSSARY) if name.startswith("**")}


def avoided() -> list[str]:
    """The words of the second table, without its header."""
    rows = _ROW.findall(GLOSSARY.partition("## Words that pages avoid")[2])
    return [word for word, _ in rows if word != "avoid"]


def forbidden() -> re.Pattern[str]:
    """Each word and its plural, in whatever case."""
    return re.compile(rf"\b({'|'.join(map(re.escape, avoided()))})(e?s)?\b", re.IGNORECASE)


def visible(source: str) -> Iterator[tuple[int, str]]:
    """The line and text of every string that may be shown: more than one word, or one that begins with a capital.

    Left out are docstrings, what is logged, addresses, HTML and CSS, and the arguments that nobody reads.
    """
    tree = ast.parse(source)
    skipped = {id(child) for node in _not_shown(tree) for child in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values if isinstance(part, ast.Constant)}
            text = " ".join(
                part.value for part in node.values if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if not re.match(r"\s*[</]", text) and (" " in text.strip() or text.strip()[:1].isupper()):
            yield node.lineno, text


def _not_shown(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        logged = isinstance(node, ast.Call) and ast.unparse(node.func).startswith("log.")
        unread = isinstance(node, ast.keyword) and node.arg in KEYWORDS_OF_CODE
        if docstring or logged or unread:
            yield node


def test_the_glossary_is_short() -> None:
    assert 10 <= len(terms()) <= MOST_TERMS
    assert all(meaning.endswith(".") for meaning in terms().values())


def test_the_manual_leads_to_the_glossary() -> None:
    for page in ("README.md", "docs/command-line.md"):
        assert "glossary.md" in (ROOT / page).read_text(encoding="utf-8"), page


def test_no_term_is_a_word_to_avoid() -> None:
    assert len(avoided()) > 5
    assert set(avoided()).isdisjoint(terms())


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('st.title("Look at the clusters")', True),
        ('st.caption(f"{n} Clusters")', True),
        ('st.button("Group faces", key="group clusters")', False),
        ('"""A cluster is a group."""', False),
        ('log.warning("the clusters are gone")', False),
        ('library().jobs.submit("cluster")', False),
    ],
)
def test_what_counts_as_visible(line: str, found: bool) -> None:
    assert any(forbidden().search(text) for _, text in visible(line)) == found


@pytest.mark.parametrize("file", rooms.files("webapp"), ids=lambda file: str(file.relative_to(ROOT)))
def test_pages_use_the_words_of_the_glossary(file: Path) -> None:
    wrong = [
        f"{file.name}:{line}: {text!r}"
        for line, text in visible(file.read_text(encoding="utf-8"))
        if forbidden().search(text)
    ]
    assert wrong == [], "docs/glossary.md says what to write instead"
