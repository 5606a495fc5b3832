"""A library that can only be read says so at the start, and can be read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faceid_core.errors import ReadOnlyLibrary
from faceid_core.library import Library
from faceid_core.library.store.read_only import READ_ONLY
from faceid_core.settings import Settings
from tests import postgres, sharing
from tests.cli.running import in_the_environment
from tests.webapp.conftest import new_photo

TRY = """
import json, sys
from pathlib import Path
from streamlit.testing.v1 import AppTest
from faceid_core.errors import ReadOnlyLibrary
from faceid_core.library import Library
from faceid_core.settings import Settings
from webapp import context, gradio_apps

settings = Settings(library=Path(sys.argv[1]))
found = {}
with Library.open(settings) as library:
    found["sentence"], found["people"] = library.read_only, [person.name for person in library.people.all()]
    found["photos"] = library.counts().photos
    try:
        library.people.rename(1, "Bo")
    except ReadOnlyLibrary as error:
        found["refused"] = str(error)
    library.jobs.active()
context.configure(settings)
page = AppTest.from_file("webapp/app.py", default_timeout=60).run()
found["warnings"] = [each.value for each in page.warning]
found["errors"] = [each.value for each in page.error] + [each.value for each in page.exception]
found["recognisers"] = bool(gradio_apps.build(settings)) if "gradio" in sys.argv else None
print(json.dumps(found))
"""


def restricted(*command: str) -> list[str]:
    """The command with the rights of its user; root would else write wherever it likes."""
    if os.getuid() != 0:
        return list(command)
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv (util-linux) is missing, and root may write everywhere")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = restricted(sys.executable, *arguments)
    return subprocess.run(command, env=in_the_environment(), capture_output=True, text=True, check=False)


def tried(folder: Path, *parts: str) -> dict[str, Any]:
    done = run("-c", TRY, str(folder), *parts)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A library with a photo and a person."""
    if os.name != "posix":
        pytest.skip("Windows has no such modes")
    settings, photos = sharing.new_library(tmp_path / "library"), tmp_path / "photos"
    photos.mkdir()
    with Library.open(settings) as library:
        library.photos.add_many([new_photo(photos, 0)])
        library.people.name_faces([1], "Ada")
    yield settings.library
    settings.library.chmod(0o700)


def seal(folder: Path, *, file: int, of_folder: int) -> None:
    (folder / "faceid.db").chmod(file)
    folder.chmod(of_folder)


@pytest.mark.parametrize(
    ("file", "of_folder", "parts"),
    [(0o400, 0o500, ()), (0o400, 0o700, ()), (0o600, 0o500, ()), pytest.param(0o444, 0o555, ("gradio",))],
    ids=["both", "file", "folder", "open to all"],
)
@pytest.mark.slow
def test_it_says_so_and_is_shown(folder: Path, file: int, of_folder: int, parts: tuple[str, ...]) -> None:
    seal(folder, file=file, of_folder=of_folder)
    found = tried(folder, *parts)
    assert (found["sentence"], found["refused"]) == (READ_ONLY, READ_ONLY)
    assert (found["people"], found["photos"]) == (["Ada"], 1)
    assert (found["warnings"], found["errors"]) == ([READ_ONLY], [])
    assert found["recognisers"] is (True if parts else None)
    assert not [path for path in (folder, folder / "faceid.db") if path.stat().st_mode & 0o077]


@pytest.mark.slow
def test_the_command_line_says_so_once_and_refuses_to_write(folder: Path) -> None:
    seal(folder, file=0o400, of_folder=0o500)
    faceid = ("-m", "faceid_core.cli", "--library", str(folder))
    listed = run(*faceid, "people")
    assert (listed.returncode, "Ada" in listed.stdout) == (0, True), listed.stderr
    assert listed.stderr.splitlines() == [READ_ONLY]
    undone = run(*faceid, "undo")
    assert undone.returncode == 2
    assert undone.stderr.splitlines() == [READ_ONLY, f"faceid: {READ_ONLY}"]


@pytest.mark.slow
def test_what_another_program_writes_meanwhile_is_read(folder: Path) -> None:
    """The owner has it open; the file is theirs, and here it can be read only."""
    with Library.open(Settings(library=folder)) as owners:
        owners.people.rename(1, "Bo")
        seal(folder, file=0o400, of_folder=0o500)
        listed = run("-m", "faceid_core.cli", "--library", str(folder), "people")
        folder.chmod(0o700)
    assert (listed.returncode, "Bo" in listed.stdout) == (0, True), listed.stderr


def test_a_library_that_can_be_written_says_nothing(tmp_path: Path) -> None:
    with Library.open(sharing.new_library(tmp_path / "library")) as library:
        assert library.read_only is None


@pytest.mark.slow
def test_a_postgresql_server_that_takes_no_writes(tmp_path: Path, postgres_server: postgres.Server) -> None:
    import psycopg

    with postgres_server.fresh() as url:
        settings = Settings(library=tmp_path / "library", database_url=url)
        with psycopg.connect(url, autocommit=True) as connection:
            name = url.rpartition("/")[2].partition("?")[0]
            connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        with Library.open(settings) as library:
            assert library.read_only == READ_ONLY
            assert library.counts().photos == 0
            with pytest.raises(ReadOnlyLibrary):
                library.jobs.submit("map", {})
