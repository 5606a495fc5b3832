"""The backup of every day: made by the worker, read back, kept in number, and returned to."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from faceid_core.errors import BackupUnusable, BadInput, NotAllowed
from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.steps import back_up, backups, daily_backup
from faceid_core.steps.jobs import run_pending
from faceid_core.steps.work import Worker
from faceid_core.values import Actor, Role, utc_now
from tests.library.conftest import new_photo

OTTO = Actor("Otto", Role.OWNER)
DAY = datetime(2030, 1, 1, 3)


def opened(tmp_path: Path, **settings: object) -> Library:
    return Library.open(Settings(library=tmp_path / "library", database_url=None, **settings))  # type: ignore[arg-type]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with opened(tmp_path) as library:
        library.photos.add_many([new_photo(f"/photos/{n}.jpg", faces=2) for n in range(3)])
        yield library


def test_it_is_due_once_a_day_where_there_are_photos(library: Library, tmp_path: Path) -> None:
    now = utc_now()
    assert daily_backup.is_due(library, now)
    Worker(library)._queue_daily()
    (job,) = run_pending(library)
    assert (job.kind, job.actor, job.state, job.result) == (
        "backup", "program", "done", {"photos": 3, "faces": 6, "people": 0},
    )  # fmt: skip
    assert not daily_backup.is_due(library, now) and daily_backup.is_due(
        library, now + timedelta(days=1, seconds=9)
    )
    with opened(tmp_path, backups_kept=0) as off:
        assert not daily_backup.is_due(off, now + timedelta(days=9))
    with Library.open(Settings(library=tmp_path / "new", database_url=None)) as empty:
        assert not daily_backup.is_due(empty, now)


def test_the_latest_are_kept_and_others_are_left_alone(library: Library, tmp_path: Path) -> None:
    mine = tmp_path / "mine.zip"
    back_up.back_up(library.settings, mine)
    with opened(tmp_path, backups_kept=2) as strict:
        for day in range(4):
            daily_backup.make(strict, now=DAY + timedelta(days=day))
        kept = {backup.path.name for backup in daily_backup.daily(strict.settings)}
    assert len(kept) == 2 and mine.exists()
    assert {backup.path.name for backup in backups.all_backups(library.settings)} == {*kept, "mine.zip"}
    noted = (library.settings.backups_folder / backups.KNOWN).read_text()
    assert "2030-01-01" not in noted and "mine.zip" in noted


def test_one_that_can_not_be_read_back_is_none(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    daily_backup.make(library, now=DAY)
    pack = back_up._pack

    def damaged(archive: Path, *rest: object) -> None:
        pack(archive, *rest)  # type: ignore[arg-type]
        data = bytearray(archive.read_bytes())
        data[len(data) // 2] ^= 255
        archive.write_bytes(data)

    monkeypatch.setattr(back_up, "_pack", damaged)
    with pytest.raises(BackupUnusable):
        daily_backup.make(library, now=DAY + timedelta(days=1))
    assert [backup.path.name for backup in daily_backup.daily(library.settings)] == ["daily-2030-01-01-030000.zip"]


def test_it_is_for_owners(library: Library) -> None:
    with pytest.raises(NotAllowed):
        daily_backup.make(library.acting_as(Actor("Edi", Role.EDITOR)))
    with pytest.raises(NotAllowed):
        daily_backup.check_restorable(library.acting_as(Actor("Edi", Role.EDITOR)), Path("any"))


def test_a_library_returns_to_it_and_the_history_says_so(library: Library, tmp_path: Path) -> None:
    library.people.name_faces([1], "Ada")
    job = library.jobs.submit(daily_backup.KIND, {})
    library.jobs.claim()
    daily_backup.make(library, now=DAY)
    library.jobs.finish(job.id, {})
    (backup,) = daily_backup.daily(library.settings)
    library.people.name_faces([2], "Bo")
    daily_backup.check_restorable(library, backup.path)
    library.close()
    daily_backup.return_to(library.settings, backup.path, OTTO)
    with opened(tmp_path) as restored:
        assert {person.name for person in restored.people.all()} == {"Ada"}
        event = restored.journal.recent(1)[0]
        assert event.actor == "Otto" and event.summary.startswith("Restored the backup of ")
        assert restored.jobs.active() == [], "the backup itself was at work when it was made"
    assert any(each.path.is_dir() for each in backups.all_backups(library.settings)), "the present one is kept"


def test_a_return_that_fails_leaves_the_library_and_is_noted(library: Library, tmp_path: Path) -> None:
    library.people.name_faces([1], "Ada")
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w") as packed:
        packed.writestr("x", "y")
    with pytest.raises(BackupUnusable):
        daily_backup.check_restorable(library, bad)
    library.close()
    daily_backup.return_to(library.settings, bad, OTTO)
    with opened(tmp_path) as same:
        assert {person.name for person in same.people.all()} == {"Ada"}
        assert same.journal.recent(1)[0].summary == "A backup could not be restored; the log has the reason"


def test_nothing_is_restored_under_running_work(library: Library) -> None:
    daily_backup.make(library, now=DAY)
    (backup,) = daily_backup.daily(library.settings)
    library.jobs.submit("cluster", {})
    library.jobs.claim()
    with pytest.raises(BadInput, match="wait until it ends"):
        daily_backup.check_restorable(library, backup.path)
