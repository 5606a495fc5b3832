"""What commands print can't control a terminal, whatever files and people are called."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from faceid_core.cli.console import PlainLines, Refused, print_json, print_table, put, put_lines, say
from tests.cli.running import ROOT, faceid, in_the_environment

ODD = "sea\x1b[2J\n\x9b\u202eside.jpg"
SHOWN = r"sea\x1b[2J\n\x9b\u202eside.jpg"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def screen(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    shown = Terminal()
    monkeypatch.setattr(sys, "stdout", shown)
    return shown


def test_a_terminal_gets_no_control_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = screen(monkeypatch)
    put(ODD)
    put_lines([f"{ODD}\r\n", "b\n"])
    assert shown.getvalue() == f"{SHOWN}\n{SHOWN}\nb\n"


def test_json_is_whole_and_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = screen(monkeypatch)
    print_json({"path": ODD})
    assert json.loads(shown.getvalue()) == {"path": ODD}
    assert not set(shown.getvalue()) & set("\x1b\x9b\u202e")


def test_a_cell_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("Name", "Faces"), [(ODD, 1)])
    assert capsys.readouterr().out.splitlines()[2].split() == [SHOWN, "1"]


def test_a_pipe_gets_names_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    put(ODD)
    assert capsys.readouterr().out == f"{ODD}\n"


def test_what_is_said_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    say(ODD)
    Refused(ODD).show()
    assert capsys.readouterr().err == f"{SHOWN}\nfaceid: {SHOWN}\n"


def test_logged_lines_are_plain() -> None:
    record = logging.LogRecord("faceid", logging.WARNING, "", 1, "%s", (ODD.replace("\n", ""),), None)
    assert PlainLines().format(record) == SHOWN.replace(r"\n", "")


def test_only_the_console_writes() -> None:
    """So that each command prints by the functions that are tested here."""
    others = [path for path in (ROOT / "faceid_core" / "cli").glob("*.py") if path.name != "console.py"]
    assert len(others) > 10
    for path in others:
        text = path.read_text(encoding="utf-8")
        assert not [
            each for each in ("click.echo", "sys.stdout", "print(") if each in text.replace("_print(", "")
        ], path


def test_a_mistyped_name_is_one_line(folder: Path) -> None:
    ran = faceid("--library", folder, "photos", "--with", "A\x1b[31m\nda")
    assert ran.code == 2
    assert ran.err == r"faceid: There is no person called A\x1b[31m\nda; `faceid people` lists all names." + "\n"


@pytest.mark.slow
@pytest.mark.parametrize("command", [["photos"], ["photos", "--json"], ["history"], ["audit"], ["--help"]])
def test_a_closed_pipe_ends_a_command_silently(command: list[str], folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    line = [sys.executable, "-m", "faceid_core.cli", "--library", str(folder), *command]
    done = subprocess.run(
        line, stdout=writing, stderr=subprocess.PIPE, text=True, env=in_the_environment(), check=False
    )
    os.close(writing)
    assert done.stderr == ""
