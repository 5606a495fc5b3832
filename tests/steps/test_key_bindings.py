"""Everybody's own keys for the page Name faces."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceid_core.errors import BadInput
from faceid_core.settings import Settings
from faceid_core.steps.key_bindings import USUAL, change_key, keys_of


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(library=tmp_path)


def test_a_key_is_of_one_user_and_stays(settings: Settings) -> None:
    change_key(settings, "Ada", "yes", "j")
    assert keys_of(settings, "Ada") == {**USUAL, "yes": "J"}
    assert keys_of(settings, "Bo") == dict(USUAL)


def test_a_taken_key_changes_places(settings: Settings) -> None:
    change_key(settings, "Ada", "yes", "N")
    assert keys_of(settings, "Ada") == {**USUAL, "yes": "N", "no": "Y"}
    change_key(settings, "Ada", "yes", "N")
    assert keys_of(settings, "Ada") == {**USUAL, "yes": "N", "no": "Y"}


@pytest.mark.parametrize(
    ("action", "key"), [("yes", "1"), ("yes", "?"), ("yes", "Enter"), ("yes", " "), ("go", "G")]
)
def test_what_has_a_meaning_keeps_it(settings: Settings, action: str, key: str) -> None:
    with pytest.raises(BadInput):
        change_key(settings, "Ada", action, key)
    assert keys_of(settings, "Ada") == dict(USUAL)


def test_a_damaged_file_counts_as_none(settings: Settings) -> None:
    (settings.library / "keys.json").write_text("[1")
    assert keys_of(settings, "Ada") == dict(USUAL)
    change_key(settings, "Ada", "undo", "B")
    assert keys_of(settings, "Ada")["undo"] == "B"
