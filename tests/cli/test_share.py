"""`faceid share`: a link is printed once, listed without its secret, and ended by its number."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceid_core.errors import NotFound
from faceid_core.library import Library
from faceid_core.settings import Settings
from tests.cli.conftest import name_two
from tests.cli.running import faceid


def test_a_link_is_made_listed_and_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name_two(folder)
    monkeypatch.setenv("FACEID_PUBLIC_URL", "https://photos.example/faces/")
    made = faceid("--library", folder, "share", "add", "--with", "Anna", "--days", 3, "--downloads")
    assert made.code == 0 and "valid until" in made.err
    link = made.out.strip()
    assert link.startswith("https://photos.example/faces/share/")
    secret = link.rpartition("/")[2]
    listed = faceid("--library", folder, "share", "list", "--json")
    [row] = listed.json
    assert row["person"] == "Anna" and row["downloads"] and not row["password"] and secret not in listed.out
    assert "Anna" in faceid("--library", folder, "share", "list").out
    with Library.open(Settings(library=folder)) as library:
        assert library.shares.open(secret).id == row["id"]
    assert faceid("--library", folder, "share", "remove", row["id"]).code == 0
    with Library.open(Settings(library=folder)) as library, pytest.raises(NotFound):
        library.shares.open(secret)
    again = faceid("--library", folder, "share", "remove", row["id"])
    assert again.code == 2 and "There is no link" in again.err
    assert "Nothing is shared" in faceid("--library", folder, "share", "list").err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "Choose a person or a search"),
        (["--with", "Nobody"], "There is no person called Nobody"),
        (["--text", "a", "--days", "0"], "1 to 365 days"),
    ],
)
def test_mistakes_are_one_sentence(folder: Path, options: list[str], sentence: str) -> None:
    ran = faceid("--library", folder, "share", "add", *options)
    assert ran.code == 2 and sentence in ran.err
