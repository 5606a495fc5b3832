"""The terminal edge: the bar where somebody watches, plain lines where nobody does."""

from __future__ import annotations

import io
import json
import sys
import time

import pytest

from faceid_core.cli.console import import_summary, print_json, print_table, progress_bar
from faceid_core.importing.report import ImportReport


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run_bar(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, unit: str = "photos") -> str:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "stderr", stream)
    with progress_bar(unit) as progress:
        for done in range(4):
            progress(done, 10, "[red]beach[/red].jpg")
            time.sleep(0.15)
    return stream.getvalue()


def test_a_terminal_gets_the_count_the_rate_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = run_bar(Terminal(), monkeypatch)
    assert "[red]beach[/red].jpg" in shown
    assert "3/10" in shown
    assert "photos/s" in shown
    assert "0:00:0" in shown


def test_a_few_unequal_steps_show_no_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = run_bar(Terminal(), monkeypatch, unit="")
    assert "3/10" in shown
    assert "/s" not in shown


@pytest.mark.parametrize("setting", ["FORCE_COLOR", "TTY_COMPATIBLE", "CLICOLOR_FORCE"])
def test_a_pipe_gets_nothing(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(setting, "1")
    assert run_bar(io.StringIO(), monkeypatch) == ""


def test_tables_keep_whole_lines_and_plain_text_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    long = "a name that is longer than eighty characters, which a table for a terminal would have wrapped or cut"
    print_table(("Name", "Faces"), [(long, 1), ("[b]Ben[/b]", None)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split("  ")[0] == long
    assert lines[3] == "[b]Ben[/b]"
    assert all(line == line.rstrip() for line in lines)


def test_the_summary_names_only_what_happened() -> None:
    one = ImportReport(photos=1, imported=1, faces=1, seconds=0.04)
    assert import_summary(one) == "1 photo imported with 1 face (0.0 s)."
    many = ImportReport(photos=9, imported=2, faces=1200, unchanged=3, duplicates=1, failed=3, seconds=2)
    assert import_summary(many) == (
        "2 photos imported with 1,200 faces, 3 photos already imported, 1 duplicate, 3 files skipped (2.0 s)."
    )


def test_half_a_character_is_an_escape_in_json(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    print_json({"path": "b\udcffd.jpg", "name": "Jürgen"})
    shown = capsysbinary.readouterr().out
    assert "Jürgen".encode() in shown and json.loads(shown)["path"] == "b\udcffd.jpg"
