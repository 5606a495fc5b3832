"""The cache of converted networks."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest

from faceid_core.engine import sessions
from faceid_core.settings import Settings


@pytest.fixture(autouse=True)
def fresh_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_sessions", {})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A new library, and a cache of its own."""
    return Settings(library=tmp_path / "library", engine_cache=tmp_path / "cache")


def kept(folder: Path) -> list[str]:
    return sorted(file.name.split("-")[0] + file.suffix for file in folder.glob("*"))


def test_a_graph_is_written_once_and_loaded_once(settings: Settings, tmp_path: Path) -> None:
    first = sessions.session("mmod", settings)
    assert kept(tmp_path / "cache") == ["mmod.onnx"]
    assert not settings.engine_folder.exists()
    assert sessions.session("mmod", settings) is first


def test_a_second_library_makes_no_graph(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions.session("mmod", settings)
    monkeypatch.setattr(sessions, "NETWORKS", {"mmod": ("mmod", None)})  # makes none
    other = settings.model_copy(update={"library": settings.library.parent / "other"})
    assert sessions.session("mmod", other).get_inputs()[0].name == "images"


def test_a_librarys_own_engine_folder_comes_first(settings: Settings, tmp_path: Path) -> None:
    settings.engine_folder.mkdir(parents=True)
    sessions.session("mmod", settings)
    assert kept(settings.engine_folder) == ["mmod.onnx"]
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_may_only_be_read_is_read(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written by somebody else; what is missing there goes to the library."""
    sessions.session("mmod", settings)
    writes = sessions._write_atomically

    def refused(path: Path, content: bytes) -> None:
        if "cache" in path.parts:
            raise PermissionError(13, "Permission denied")
        writes(path, content)

    monkeypatch.setattr(sessions, "_write_atomically", refused)
    monkeypatch.setattr(sessions, "_sessions", {})
    sessions.session("mmod", settings)
    assert not settings.engine_folder.exists()
    sessions.session("centerface", settings)
    assert kept(settings.engine_folder) == ["centerface.onnx"]


def test_the_cache_is_the_users_unless_it_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACEID_ENGINE_CACHE")
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / "caches" / name)
    assert sessions.cache_folders(Settings(library=tmp_path))[-1] == tmp_path / "caches" / "faceid" / "engine"
    monkeypatch.setenv("FACEID_ENGINE_CACHE", str(tmp_path / "set"))
    assert sessions.cache_folders(Settings(library=tmp_path))[-1] == tmp_path / "set"


def test_a_damaged_cache_is_made_again(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions.session("mmod", settings)
    (file,) = (tmp_path / "cache").iterdir()
    good = file.read_bytes()
    file.write_bytes(good[: len(good) // 2])
    monkeypatch.setattr(sessions, "_sessions", {})
    sessions.session("mmod", settings)
    assert file.read_bytes() == good


@pytest.fixture
def fresh_providers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sessions, "_reported", set())
    sessions._started.cache_clear()
    yield
    sessions._started.cache_clear()


@pytest.mark.parametrize("wanted", [["quantum"], ["quantum", "CPUExecutionProvider"]])
def test_a_provider_that_is_not_here_is_told_once_and_the_cpu_goes_on(
    wanted: list[str], tmp_path: Path, fresh_providers: None, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(library=tmp_path, providers=wanted)
    for name in ("mmod", "mmod-int8"):
        assert sessions.session(name, settings).get_providers() == [sessions.CPU]
    assert sessions.on_cpu(settings), "so the fast search and bfloat16 stay"
    (said,) = caplog.messages
    assert said.startswith("quantum of FACEID_PROVIDERS can't be used here, so faces are searched on the CPU;")


def test_a_provider_without_its_drivers_is_told_once(
    tmp_path: Path, fresh_providers: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """ONNX Runtime has it, and leaves it out of a session or fails, by provider."""
    import onnxruntime

    def fail(*_: object) -> None:
        raise RuntimeError("no CUDA-capable device is detected")

    wanted = ["CUDAExecutionProvider", sessions.CPU]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: wanted)
    monkeypatch.setattr(sessions, "_session", fail)
    settings = Settings(library=tmp_path, providers=wanted)
    assert sessions.providers(settings) == [sessions.CPU]
    sessions.report_idle(settings)
    sessions.report_idle(settings)
    assert len(caplog.messages) == 1


def test_the_processes_of_a_pool_leave_it_to_their_parent(
    tmp_path: Path, fresh_providers: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(multiprocessing, "parent_process", object)
    sessions.report_idle(Settings(library=tmp_path, providers=["quantum"]))
    assert not caplog.messages


def test_a_cache_that_can_not_be_written_is_done_without(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path / "library", engine_cache=tmp_path / "library")
    settings.library.touch()  # a file where the folder should be: as useless as a full disk
    assert sessions.session("mmod", settings).get_inputs()[0].name == "images"


def test_a_session_of_its_own_for_a_shape(settings: Settings) -> None:
    first, other = (sessions.session("mmod", settings, only=(1, side, side, 3)) for side in (64, 96))
    assert first is not other
    assert sessions.session("mmod", settings, only=(1, 64, 64, 3)) is first


def test_the_active_providers_are_told(tmp_path: Path) -> None:
    assert sessions.active(Settings(library=tmp_path)) == ["CPUExecutionProvider"]
