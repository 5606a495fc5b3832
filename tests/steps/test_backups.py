"""Which backups hold what was erased: found by looking into each, or by their date."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from faceid_core.errors import BackupUnusable
from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.steps import back_up, backups
from faceid_core.values import utc_now
from tests.library.conftest import new_photo


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(Settings(library=tmp_path / "library", database_url=None)) as opened:
        opened.photos.add_many([new_photo(f"/photos/{n}.jpg", faces=2) for n in range(3)])
        yield opened


def saved(library: Library, file: Path) -> Path:
    back_up.back_up(library.settings, file)
    return file


def names(found: list[backups.Backup]) -> set[str]:
    return {backup.path.name for backup in found}


def test_every_backup_is_known_until_it_is_gone(library: Library, tmp_path: Path) -> None:
    assert backups.all_backups(library.settings) == []
    one, two = saved(library, tmp_path / "one.zip"), saved(library, tmp_path / "two.zip")
    os.utime(one, (1e9, 1e9))
    assert [backup.path for backup in backups.all_backups(library.settings)] == [two, one]
    two.unlink()
    assert names(backups.all_backups(library.settings)) == {"one.zip"}
    (library.settings.backups_folder / "before-0009-x.db").write_bytes(b"not a database")
    (library.settings.replaced_folder / "2026-01-01").mkdir(parents=True)
    assert names(backups.all_backups(library.settings)) == {"one.zip", "before-0009-x.db", "2026-01-01"}
    assert (library.settings.backups_folder / backups.KNOWN).stat().st_mode & 0o077 == 0
    for damaged in ("[", "{}", "[1]"):
        (library.settings.backups_folder / backups.KNOWN).write_text(damaged)
        assert "one.zip" not in names(backups.all_backups(library.settings))


def test_a_backup_holds_a_person_by_name_by_face_and_in_its_history(library: Library, tmp_path: Path) -> None:
    saved(library, tmp_path / "unnamed.zip")
    bo = library.people.name_faces([3], "Bo").person_id
    ada = library.people.name_faces([1], "Zoë “Z”").person_id
    library.people.rename(ada, "Zoë")
    saved(library, tmp_path / "named.zip")
    library.people.delete(ada)
    library.erasing.faces([1, 2])
    saved(library, tmp_path / "without.zip")
    library.journal.undo()
    library.journal.undo()
    ada = library.people.name_faces([4], "Zoë").person_id
    trace = library.erasing.trace(person=ada)
    assert trace.names == {"Zoë"} and trace.faces == {(4, "/photos/1.jpg")}
    assert "named.zip" in names(backups.holding(library.settings, trace))
    assert names(backups.holding(library.settings, library.erasing.trace(faces=[1]))) == set()  # gone already
    assert names(backups.holding(library.settings, library.erasing.trace(person=bo))) == {
        "unnamed.zip", "named.zip", "without.zip",
    }  # fmt: skip


def test_a_backup_from_before_the_photo_holds_nothing(library: Library, tmp_path: Path) -> None:
    saved(library, tmp_path / "early.zip")
    library.photos.add_many([new_photo("/photos/new.jpg")])
    new = library.people.name_faces([7], "Cy").person_id
    saved(library, tmp_path / "late.zip")
    assert names(backups.holding(library.settings, library.erasing.trace(person=new))) == {"late.zip"}
    photo = library.photos.at(["/photos/new.jpg"]).values()
    assert names(backups.holding(library.settings, library.erasing.trace(photos=photo))) == {"late.zip"}
    (tmp_path / "early.zip").write_bytes(b"damaged")
    assert names(backups.holding(library.settings, library.erasing.trace(person=new))) == {"late.zip", "early.zip"}
    assert list(library.settings.library.glob(".faceid-*")) == []  # nothing unpacked stays


def test_a_replaced_library_is_looked_into(library: Library, tmp_path: Path) -> None:
    ada = library.people.name_faces([1], "Ada").person_id
    trace = library.erasing.trace(person=ada)
    file = saved(library, tmp_path / "all.zip")
    library.close()
    _, replaced = back_up.restore(library.settings, file)
    assert replaced is not None
    assert names(backups.holding(library.settings, trace)) == {"all.zip", replaced.name}
    assert backups.delete(library.settings, backups.all_backups(library.settings)) == 2
    assert backups.all_backups(library.settings) == [] and not replaced.exists()
    with pytest.raises(BackupUnusable):
        back_up.restore(library.settings, file)


def test_by_date(library: Library, tmp_path: Path) -> None:
    file = saved(library, tmp_path / "old.zip")
    assert names(backups.made_before(library.settings, utc_now() + timedelta(seconds=5))) == {"old.zip"}
    assert backups.made_before(library.settings, utc_now() - timedelta(hours=1)) == [] and file.exists()
