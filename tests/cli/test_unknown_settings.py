"""Fault 19: a variable that is not a setting is reported once, on standard error, with the nearest name."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from faceid_core import unknown_settings as unknown_settings_module
from faceid_core.settings import Settings
from faceid_core.unknown_settings import UnknownSetting, unknown_settings
from tests.cli.running import faceid, in_the_environment
from webapp import server

SENTENCE = "FACEID_WORKER is not a setting; did you mean FACEID_WORKERS?"


@pytest.fixture(autouse=True)
def misspelt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt setting in a process that has reported nothing yet."""
    monkeypatch.setattr(unknown_settings_module, "_reported", set())
    monkeypatch.setenv("FACEID_WORKER", "1")


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [
        ("FACEID_WORKER", "FACEID_WORKERS"),
        ("FACEID_DB_URL", "FACEID_DATABASE_URL"),
        ("FACEID_MAX_PHOTO_SECS", "FACEID_MAX_PHOTO_SECONDS"),
        ("faceid_provider", "FACEID_PROVIDERS"),
        ("FACEID_COLOUR", None),
        ("FACEID_", None),
    ],
)
def test_the_nearest_setting_is_named(variable: str, nearest: str | None) -> None:
    assert unknown_settings({variable: "1"}) == [UnknownSetting(variable, nearest)]


def test_settings_and_variables_of_others_are_known() -> None:
    known = {f"FACEID_{name.upper()}": "1" for name in Settings.model_fields}
    others = {
        "FACEID_TEST_POSTGRES": "1",
        "faceid_workers": "1",
        "FACEIDS": "1",
        "MY_FACEID_WORKER": "1",
        "PATH": "",
    }
    assert unknown_settings({**known, **others}) == []


def test_a_variable_that_resembles_nothing_is_reported_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACEID_WORKER")
    monkeypatch.setenv("FACEID_COLOUR", "red")
    ran = faceid("--library", folder, "people")
    assert ran.err.splitlines()[0] == "FACEID_COLOUR is not a setting; correct or unset it."


def test_a_command_reports_it_once_and_keeps_standard_output_clean(folder: Path) -> None:
    ran = faceid("--library", folder, "people", "--json")
    assert (ran.code, ran.err.count("is not a setting"), ran.err.splitlines()[0]) == (0, 1, SENTENCE)
    assert isinstance(ran.json, list)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["import", "--help"], ["decisions", "export", "-h"], ["--version"]]
)
def test_help_does_not_report_it(arguments: list[str]) -> None:
    ran = faceid(*arguments)
    assert (ran.code, ran.err) == (0, "")


def test_the_doctor_lists_it_and_does_not_repeat_it(tmp_path: Path) -> None:
    ran = faceid("--library", tmp_path / "new", "doctor", "--json")
    assert ran.code == 2
    checks = {check["name"]: check for check in ran.json}
    assert checks["FACEID_WORKER"]["advice"] == "Rename it: did you mean FACEID_WORKERS?"
    assert "is not a setting" not in ran.err


@pytest.mark.slow
def test_worker_processes_do_not_repeat_it(tmp_path: Path) -> None:
    """An import in two processes, and the worker of the web app, which its parent started."""
    from PIL import Image

    for number in range(9):
        Image.new("RGB", (64, 64), (number, 0, 0)).save(tmp_path / f"{number}.png")
    environment = in_the_environment(FACEID_WORKERS=2, FACEID_DETECTOR="hog", FACEID_WORKER=2)
    library, photos = str(tmp_path / "new"), str(tmp_path)
    command = [sys.executable, "-m", "faceid_core.cli", "--library", library, "import", photos, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr.count("is not a setting") == 1
    assert json.loads(done.stdout)["photos"] == 9


def test_the_server_logs_it_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "webapp.server"):
        for _ in range(2):
            server.build_app(Settings(library=tmp_path), worker=False)
    assert [record.getMessage() for record in caplog.records if record.name == "webapp.server"] == [SENTENCE]


def test_the_worker_of_the_server_does_not_report_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceid_core.steps.work.Worker.run", lambda self: None)
    ran = faceid("--library", tmp_path / "new", "work", "--with-parent")
    assert (ran.code, ran.err) == (0, "")
