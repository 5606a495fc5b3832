"""Library, database, recognisers and backups are their owner's alone, also those that were there before."""

from __future__ import annotations

import os
import platform
import stat
from pathlib import Path

import pytest

from faceid_core.atomic import make_private
from faceid_core.library import Library
from faceid_core.library.store.database import make_folder
from faceid_core.settings import Settings
from faceid_core.steps import doctor, file_rights
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


def test_a_new_library_is_private_at_once_and_says_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(library=tmp_path / "library")
    with Library.open(settings):
        assert [path.name for path in settings.library.iterdir() if mode(path) & 0o077] == []
    with Library.open(settings):
        pass
    assert caplog.messages == []


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


@pytest.fixture
def old_library(tmp_path: Path) -> Settings:
    """Made by a version that left everything open."""
    settings = Settings(library=tmp_path / "library")
    with Library.open(settings):
        pass
    for name in ("models/1/weights.safetensors", "backups/before.db", "temporary/x/photo.jpg", "session-secret"):
        path = settings.library / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    (settings.library / "models" / "link").symlink_to("/etc/passwd")
    settings.library.chmod(0o755)
    (settings.library / "faceid.db").chmod(0o644)
    return settings


def test_doctor_says_what_was_open_and_closes_it(old_library: Settings) -> None:
    (check,) = doctor._rights(old_library)
    assert check.ok and "Closed now" in check.advice
    assert check.found.startswith(
        "others on this machine had rights to the folder itself, faceid.db, session-secret"
    )
    assert check.found.endswith("and 8 more")
    modes = {path: mode(path) for path in old_library.library.rglob("*") if not path.is_symlink()}
    assert [path for path, bits in modes.items() if bits & 0o077] == []
    (check,) = doctor._rights(old_library)
    assert (check.found, check.advice) == ("only the user who runs faceid has any", "")


def test_doctor_says_what_it_can_not_close(old_library: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)
    (check,) = doctor._rights(old_library)
    assert not check.ok and "have rights to the folder itself" in check.found and "chmod" in check.advice


def test_opening_says_what_was_open(old_library: Settings, caplog: pytest.LogCaptureFixture) -> None:
    for ending in ("-wal", "-shm"):
        (old_library.library / f"faceid.db{ending}").touch(0o644)
    with Library.open(old_library):
        pass
    assert [message for message in caplog.messages if "was accessible to" in message and "faceid.db" in message]
    assert not [path for path in old_library.library.glob("faceid.db*") if mode(path) & 0o077]


def test_rights_of_the_owner_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(0o444)
    assert make_private(path)
    assert mode(path) == 0o400


def test_on_windows_doctor_gives_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    (check,) = doctor._rights(Settings(library=tmp_path))
    assert check.ok and "your own user folder" in check.advice


class _WithNewFolder(Settings):
    @property
    def portraits_folder(self) -> Path:
        return self.library / "portraits"


@pytest.mark.parametrize(
    "folder", ["models", "originals", "graphs", "uploads", "backups", "replaced", "temporary", "portraits"]
)
def test_every_folder_is_closed_also_one_that_comes_to_the_settings(tmp_path: Path, folder: str) -> None:
    settings = _WithNewFolder(library=tmp_path / "library")
    file = settings.library / folder / "2026" / "photo.jpg"
    file.parent.mkdir(parents=True, mode=0o755)
    file.touch(0o644)
    assert file_rights.close(found := file_rights.open_files(settings)) == []
    assert {file, file.parent, file.parent.parent} <= set(found)
    assert mode(file) == 0o600 and mode(file.parent) == mode(file.parent.parent) == 0o700


@pytest.mark.parametrize("folder", ["engine", "sample-album", "My photos"])
def test_what_is_nobody_s_or_somebody_s_own_stays_as_it_is(tmp_path: Path, folder: str) -> None:
    settings = Settings(library=tmp_path / "library")
    (settings.library / folder).mkdir(parents=True, mode=0o755)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(0o755)
    (settings.library / "uploads").symlink_to(elsewhere)
    assert not {settings.library / folder, elsewhere} & set(file_rights.open_files(settings))


def test_a_folder_outside_of_the_library_is_named_in_full(tmp_path: Path) -> None:
    inside, outside = tmp_path / "library" / "models", tmp_path / "temporary"
    assert file_rights.in_words([inside, outside], tmp_path / "library") == f"models, {outside}"


def test_an_empty_folder_that_was_open_is_no_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Such as the folder data of a fresh checkout."""
    settings = Settings(library=tmp_path)
    tmp_path.chmod(0o755)
    make_folder(settings)
    assert mode(tmp_path) == 0o700 and not caplog.records
    (tmp_path / "faceid.db").touch()
    tmp_path.chmod(0o755)
    make_folder(settings)
    assert mode(tmp_path) == 0o700 and "accessible to other users" in caplog.text
