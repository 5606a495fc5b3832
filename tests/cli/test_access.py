"""faceid user and faceid token: passwords come from standard input, secrets are shown once."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from faceid_core.cli.main import main
from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.values import Role
from tests import sharing
from tests.cli.running import Ran, faceid, refused

GOOD = "difference engine"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return sharing.new_library(tmp_path / "library").library


def run(folder: Path, *arguments: object, stdin: str = f"{GOOD}\n") -> Ran:
    done = CliRunner().invoke(
        main, ["--library", str(folder), *map(str, arguments)], input=stdin, prog_name="faceid"
    )
    return Ran(done.exit_code, done.stdout, done.stderr)


@pytest.mark.slow
def test_users_come_and_go(folder: Path) -> None:
    assert "nobody has to sign in" in faceid("--library", folder, "user", "list").err
    refused(run(folder, "user", "add", "Ada", "--role", "editor"), "must be an owner")
    assert run(folder, "user", "add", "Ada").err.endswith("Added Ada, who is an owner.\n")
    assert run(folder, "user", "add", "Bo").err.endswith("Added Bo, who is a viewer.\n")
    assert run(folder, "user", "add", "Proxied", "--role", "editor", "--no-password", stdin="").code == 0
    refused(run(folder, "user", "add", "BO"), "already a user", "faceid user password")
    assert run(folder, "user", "role", "bo", "editor").err == "Bo is an editor now.\n"
    assert run(folder, "user", "password", "bo", stdin="analytical engine\n").code == 0
    with Library.open(Settings(library=folder)) as library:
        assert library.users.check("Bo", "analytical engine")
        assert library.users.check("Ada", GOOD)
        assert library.users.known("Bo").role is Role.EDITOR
    listed = run(folder, "user", "list", "--json").json
    assert [(user["name"], user["role"], user["has_password"]) for user in listed] == [
        ("Ada", "owner", True), ("Bo", "editor", True), ("Proxied", "editor", False),
    ]  # fmt: skip
    assert "stamp" not in listed[0] and "no password" in run(folder, "user", "list").out
    assert run(folder, "user", "remove", "Bo").code == 0
    refused(run(folder, "user", "remove", "Ada"), "only owner")
    refused(run(folder, "user", "remove", "Bo"), "no user Bo")


def test_a_password_is_never_an_argument_and_never_empty(folder: Path) -> None:
    refused(run(folder, "user", "add", "Ada", GOOD), "unexpected extra argument")
    refused(run(folder, "user", "add", "Ada", stdin=""), "standard input")
    refused(run(folder, "user", "add", "Ada", stdin="short\n"), "at least 8")


def test_a_token_is_printed_once(folder: Path) -> None:
    refused(run(folder, "token", "add", "frame", "--user", "Ada"), "no user Ada")
    run(folder, "user", "add", "Ada")
    made = run(folder, "token", "add", "frame", "--user", "Ada", "--days", 30)
    secret = made.out.strip()
    with Library.open(Settings(library=folder)) as library:
        assert library.tokens.find(secret)
    assert secret not in made.err
    for listed in (run(folder, "token", "list").out, run(folder, "token", "list", "--json").out):
        assert "frame" in listed and "Ada" in listed and secret not in listed
    assert run(folder, "token", "remove", "Frame").code == 0
    refused(run(folder, "token", "remove", "frame"), "no token frame")


@pytest.mark.parametrize("command", [("serve",), ("demo", "--people", "2", "--photos", "2")])
def test_an_open_door_is_refused_before_anything_is_done(folder: Path, command: tuple[str, ...]) -> None:
    refused(run(folder, *command, "--host", "0.0.0.0", "--port", 0), "0.0.0.0", "faceid user add", "--insecure")
    with Library.open(Settings(library=folder)) as library:
        assert library.counts().photos == 0
