"""Every command, option and setting is documented."""

from __future__ import annotations

import re

import click

from faceid_core.cli.main import main
from faceid_core.settings import Settings
from tests.cli.running import ROOT, faceid


def test_help_lists_the_commands_by_task_as_the_manual_does() -> None:
    manual = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    commands = manual.partition("## Commands")[2].partition("\n## ")[0]
    documented = {
        heading: list(dict.fromkeys(re.findall(r"^\| `faceid (\w+)", rows, re.M)))
        for heading, rows in re.findall(r"^### (.*)\n((?:(?!###).*\n)*)", commands, re.M)
    }
    ran = faceid("--help")
    assert ran.code == 0
    listed: dict[str, list[str]] = {}
    for line in ran.out.partition("Photos:")[1:]:
        for each in line.splitlines():
            if each.endswith(":"):
                listed[each[:-1]] = []
            elif each.strip():
                list(listed.values())[-1].append(each.split()[0])
    assert listed == documented
    assert max(map(len, ran.out.splitlines())) <= 80
    assert sorted(main.commands) == sorted(name for names in listed.values() for name in names)


def test_every_command_and_option_is_documented() -> None:
    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    for name, command in main.commands.items():
        if command.hidden:
            continue
        assert f"faceid {name}" in text
        for option in (each for each in command.params if isinstance(each, click.Option) and not each.hidden):
            flag = (option.secondary_opts or option.opts)[0]  # of a pair, the one that changes something
            assert flag in text, f"{name} {flag}"
    assert "faceid db upgrade" in text


def test_every_setting_is_documented_with_its_default_and_its_description() -> None:
    """The meaning begins with the description; only links may differ, and more may follow."""
    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `FACEID_(\w+)` \| ([^|]*) \| ([^|]*) \|$", text, re.M)
    plain = [(name, default, re.sub(r"\[(.*?)\]\(.*?\)", r"\1", meaning)) for name, default, meaning in rows]
    documented = {name.lower(): (default.strip("`"), meaning.replace("`", "")) for name, default, meaning in plain}
    assert list(documented) == list(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        default, meaning = documented[name]
        if field.default is not None:  # other defaults depend on the library's folder, the machine or the network
            real = ",".join(field.default) if isinstance(field.default, list) else field.default
            assert default == (
                f"{real:g}"
                if isinstance(real, float)
                else str(real).lower()
                if isinstance(real, bool)
                else str(real)
            )
        assert meaning.startswith(field.description or "-"), name
