"""The cache of converted networks."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceid_core.engine import sessions
from faceid_core.errors import EngineError
from faceid_core.settings import Settings


@pytest.fixture(autouse=True)
def fresh_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_sessions", {})


def test_a_graph_is_written_once_and_loaded_once(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path)
    first = sessions.session("mmod", settings)
    files = list(settings.engine_folder.iterdir())
    assert [file.suffix for file in files] == [".onnx"]
    assert sessions.session("mmod", settings) is first


def test_a_damaged_cache_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(library=tmp_path)
    sessions.session("mmod", settings)
    (file,) = settings.engine_folder.iterdir()
    good = file.read_bytes()
    file.write_bytes(good[: len(good) // 2])
    monkeypatch.setattr(sessions, "_sessions", {})
    sessions.session("mmod", settings)
    assert file.read_bytes() == good


def test_an_unknown_provider_is_refused_with_the_choices(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path, providers=["QuantumExecutionProvider"])
    with pytest.raises(EngineError, match="CPUExecutionProvider"):
        sessions.session("mmod", settings)


def test_a_cache_that_can_not_be_written_is_done_without(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path / "library")
    settings.library.touch()  # a file where the folder should be: as useless as a full disk
    assert sessions.session("mmod", settings).get_inputs()[0].name == "images"


def test_the_active_providers_are_told(tmp_path: Path) -> None:
    assert sessions.active(Settings(library=tmp_path)) == ["CPUExecutionProvider"]
