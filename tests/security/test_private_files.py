"""Library, database, recognisers and backups are their owner's alone, also those that were there before."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from faceid_core.atomic import make_private
from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.steps.back_up import back_up

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def generous_umask() -> object:
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_new_library_is_private(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path / "library")
    with Library.open(settings) as library:
        library.counts()
    with Library.open(settings) as library:  # the database is there from the second time on
        library.counts()
    assert mode(settings.library) == 0o700
    assert mode(settings.library / "faceid.db") == 0o600


def test_a_library_that_is_there_already_becomes_private(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path / "library")
    with Library.open(settings):
        pass
    settings.library.chmod(0o755)
    (settings.library / "faceid.db").chmod(0o644)
    with Library.open(settings):
        pass
    assert (mode(settings.library), mode(settings.library / "faceid.db")) == (0o700, 0o600)


def test_a_backup_is_private_from_its_first_byte(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path / "library")
    with Library.open(settings):
        pass
    back_up(settings, tmp_path / "backup.zip")
    assert mode(tmp_path / "backup.zip") == 0o600


def test_what_can_not_be_made_private_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch(0o644)

    def refuse(self: Path, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)
    assert not make_private(tmp_path / "file")
