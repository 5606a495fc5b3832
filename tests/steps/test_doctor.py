"""The examination: true findings, advice for each failure, and nothing changed by looking."""

from __future__ import annotations

import shutil
from importlib import metadata
from pathlib import Path

import pytest

from faceid_core.engine import face_recognition_process
from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.steps import doctor
from faceid_core.steps.doctor import Check, examine


@pytest.fixture
def settings(engine_settings: Settings, tmp_path: Path) -> Settings:
    """Of a place where no library is, with the converted networks at hand if they are there."""
    return engine_settings.model_copy(update={"library": tmp_path / "library"})


def found(settings: Settings) -> dict[str, Check]:
    return {check.name: check for check in examine(settings)}


def test_a_good_installation_is_all_right_and_nothing_is_made(settings: Settings) -> None:
    checks = found(settings)
    assert [check for check in checks.values() if not check.ok] == []
    assert checks["onnxruntime"].found == metadata.version("onnxruntime")
    numbers = {"in bfloat16 by OpenVINO", "in float32 by ONNX Runtime"}
    told, _, computes = checks["Engine"].found.partition(", vectors ")
    assert (told, computes in numbers) == ("centerface and dlib-resnet+mirror on CPUExecutionProvider", True)
    assert checks["Library"].advice == "The first import creates it."
    assert checks["Free disk"].found.endswith(" GB")
    assert not settings.library.exists()


def test_the_library_is_counted(filled: Library) -> None:
    counts = filled.counts()
    check = doctor._library(filled.settings)
    assert f"{counts.photos} photos, {counts.faces} faces, 0 people" in check.found
    assert str(filled.settings.library) in check.found


def test_an_installation_without_pytorch_is_all_right(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name in doctor.ONLY_TO_TRAIN:
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    checks = {check.name: check for check in doctor._packages()}
    assert all(checks[name].ok and "./run install train" in checks[name].advice for name in doctor.ONLY_TO_TRAIN)


def test_a_missing_and_an_old_package_are_named_with_what_to_install(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name == "rich":
            raise metadata.PackageNotFoundError(name)
        return "0.0.1" if name == "gradio" else real(name)

    monkeypatch.setattr(metadata, "requires", lambda name: ["rich>=13.9", "gradio>=6.0", 'x>=1; extra == "dev"'])
    monkeypatch.setattr(metadata, "version", version)
    wrong = {check.name: check for check in doctor._packages() if not check.ok}
    assert {name: check.found for name, check in wrong.items()} == {"rich": "missing", "gradio": "0.0.1"}
    assert wrong["gradio"].advice == "Install it: uv pip install 'gradio>=6.0'"


def test_the_engine_tells_what_computes_the_vectors(settings: Settings) -> None:
    check = doctor.check_engine(settings.model_copy(update={"precision": "exact"}))
    assert check.found.endswith(", vectors in float32 by ONNX Runtime")


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({"detector": "eyes"}, "choose one of"),
        ({"embedder": "guess"}, "choose one of"),
        ({"providers": ["QuantumExecutionProvider"]}, "FACEID_PROVIDERS"),
    ],
)
def test_an_engine_that_does_not_run_says_why(change: dict[str, object], advice: str, settings: Settings) -> None:
    check = doctor.check_engine(settings.model_copy(update=change))
    assert not check.ok
    assert advice in check.advice


def test_damaged_weights_are_a_finding(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "weights.dat"
    damaged.write_bytes(b"not a network")
    monkeypatch.setattr("faceid_core.vision.mmod.weights_path", lambda name: damaged)
    check = doctor.check_engine(settings.model_copy(update={"detector": "mmod"}))
    assert (check.ok, check.found) == (False, "does not run")
    assert check.advice


def test_a_damaged_database_and_a_file_for_a_library_are_findings(filled: Library, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "faceid.db").write_bytes(b"no database at all" * 100)
    check = doctor._library(Settings(library=broken))
    assert not check.ok
    assert "backup" in check.advice
    file = tmp_path / "file"
    file.touch()
    check = doctor._library(Settings(library=file))
    assert not check.ok
    assert "is a file" in check.advice


def test_little_free_disk_is_a_finding(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**12, 10**12, 10**9))
    check = doctor._disk(settings)
    assert (check.ok, check.found) == (False, "0.9 GB")
    assert "Free some space" in check.advice


def test_an_unknown_setting_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEID_WORKER", "4")
    monkeypatch.setenv("FACEID_WORKERS", "4")
    monkeypatch.setenv("FACEID_COLOUR", "red")
    assert list(doctor._unknown_settings()) == [
        Check("FACEID_COLOUR", "is not a setting", ok=False, advice="Correct or unset it."),
        Check("FACEID_WORKER", "is not a setting", ok=False, advice="Rename it: did you mean FACEID_WORKERS?"),
    ]


def test_the_reference_engine_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_recognition_process, "NEEDED", ("face_recognition_of_nobody",))
    check = doctor._reference()
    assert (check.ok, check.found) == (True, "not installed")
    assert "./run install reference" in check.advice


def test_a_provider_that_did_not_start_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with CUDA installed but no graphics card: ONNX Runtime says nothing and takes the CPU."""
    import onnxruntime

    wanted = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    real = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: wanted)
    monkeypatch.setattr(
        onnxruntime, "InferenceSession", lambda model, options, providers: real(model, options, providers[1:])
    )
    check = doctor.check_engine(settings.model_copy(update={"providers": wanted, "precision": "exact"}))
    assert not check.ok
    assert (
        check.found
        == "centerface and dlib-resnet+mirror on CPUExecutionProvider, vectors in float32 by ONNX Runtime"
    )
    assert check.advice.startswith("CUDAExecutionProvider did not start; install its drivers")
