"""Retention: what is due by each rule, done only when asked for, and told without a name."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.steps import back_up, retention
from faceid_core.steps.jobs import run_pending
from faceid_core.steps.work import Worker
from faceid_core.values import ConsentState, Flag, utc_now
from tests.library.conftest import EMBEDDER, new_photo


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with opened(tmp_path) as found:
        found.photos.add_many([new_photo(f"/photos/{n}.jpg", faces=2) for n in range(4)])
        yield found


def opened(tmp_path: Path, **rules: object) -> Library:
    return Library.open(Settings(library=tmp_path / "library", database_url=None, **rules))  # type: ignore[arg-type]


def aged(library: Library, photo: int, days: int) -> None:
    with library._database.write() as session:
        at = utc_now() - timedelta(days=days)
        session.execute(text("UPDATE photo SET imported_at = :at WHERE id = :id"), {"at": str(at), "id": photo})


def faces(library: Library) -> list[int]:
    return [int(face) for face in library.faces.vectors(EMBEDDER).ids]


def test_without_a_rule_nothing_is_due(library: Library) -> None:
    aged(library, 1, 9999)
    assert retention.due(library) == [] == retention.apply(library)
    assert library.journal.recent() == []


def test_unnamed_and_ignored_faces_go_by_age(library: Library, tmp_path: Path) -> None:
    library.people.name_faces([1], "Ada")
    library.faces.flag([3], Flag.STRANGER)
    library.faces.flag([4], Flag.HIDDEN)
    for photo in (1, 2, 3):
        aged(library, photo, 91)
    with opened(tmp_path, retention_unnamed_days=90, retention_ignored_days=30) as strict:
        due = retention.due(strict)
        assert [each.in_words() for each in due] == [
            "3 faces: unnamed, imported more than 90 days ago",
            "1 face: ignored, imported more than 30 days ago",
        ]
        assert library.counts().faces == 8  # a dry run
        assert retention.apply(strict) == due
        assert [each.number for each in retention.due(strict)] == [0, 0]
    assert sorted([*faces(library), 4]) == [1, 4, 7, 8]
    told = library.journal.recent(2)
    assert [(event.summary, event.actor, event.final) for event in reversed(told)] == [
        (f"Retention: {each.in_words()}", "owner", True) for each in due
    ]
    assert library.problems() == []


@pytest.mark.parametrize("what", ["keep", "refuse", "erase"])
def test_consent_that_ended(library: Library, tmp_path: Path, what: str) -> None:
    for face, name, until in ((1, "Zebedee", date(2020, 1, 1)), (3, "Ada", None)):
        person = library.people.name_faces([face], name).person_id
        library.consents.set(person, ConsentState.GIVEN, until=until)
    with opened(tmp_path, retention_consent=what) as strict:
        assert [each.number for each in retention.due(strict)] == ([] if what == "keep" else [1])
        retention.apply(strict)
        assert sum(each.number for each in retention.due(strict)) == 0
    zebedee = library.people.find("Zebedee")
    if what == "keep":
        assert zebedee and 1 in faces(library)
        return
    assert 1 not in faces(library) and 3 in faces(library)
    assert (zebedee is not None and zebedee.withheld) if what == "refuse" else zebedee is None
    told = library.journal.recent(1)[0].summary
    assert told.startswith("Retention: 1 person: consent ended, ") and "Zebedee" not in told
    assert library.problems() == []


def test_temporary_pictures_go_by_age(library: Library, tmp_path: Path) -> None:
    folder = library.settings.temporary_folder / "a"
    folder.mkdir(parents=True)
    for name, days in (("old.jpg", 3), ("new.jpg", 0)):
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (utc_now().timestamp() - 86400 * days,) * 2)
    with opened(tmp_path, retention_temporary_days=2) as strict:
        assert [each.in_words() for each in retention.apply(strict)] == ["1 picture: temporary, older than 2 days"]
    assert [path.name for path in folder.iterdir()] == ["new.jpg"]
    assert library.journal.recent(1)[0].final


def test_backups_go_by_age_and_number(library: Library, tmp_path: Path) -> None:
    for days in (0, 5, 10, 40):
        file = tmp_path / f"{days}.zip"
        back_up.back_up(library.settings, file)
        os.utime(file, (file.stat().st_mtime - 86400 * days,) * 2)
    with opened(tmp_path, retention_backup_days=30) as strict:
        assert retention.due(strict)[0].in_words() == "1 backup: older than 30 days"
    with opened(tmp_path, retention_backup_days=30, retention_backups=2) as strict:
        [done] = retention.apply(strict)
        assert done.in_words() == "2 backups: older than 30 days or beyond the newest 2"
        assert [each.number for each in retention.apply(strict)] == [0]
    assert {path.name for path in tmp_path.glob("*.zip")} == {"0.zip", "5.zip"}
    assert [event.summary for event in library.journal.recent()] == [
        "Retention: 2 backups: older than 30 days or beyond the newest 2"
    ]


@pytest.mark.slow
def test_the_worker_does_it_once_a_day_where_that_is_set(library: Library, tmp_path: Path) -> None:
    aged(library, 1, 50)

    def one_round(strict: Library) -> None:
        worker = Worker(strict, poll_seconds=0.01)
        threading.Timer(0.4, worker.stop.set).start()
        worker.run()

    with opened(tmp_path, retention_unnamed_days=30, backups_kept=0) as strict:
        one_round(strict)
        assert library.jobs.recent() == []
    with opened(tmp_path, retention_unnamed_days=30, retention_daily=True, backups_kept=0) as strict:
        one_round(strict)
        [job] = library.jobs.recent()
        assert (job.kind, job.state) == ("retention", "done")
        assert job.result == {"done": {"unnamed, imported more than 30 days ago": 2}}
        assert not retention.is_due(strict, utc_now())
        assert retention.is_due(strict, utc_now() + timedelta(days=1))
        one_round(strict)
        assert run_pending(strict) == [] and len(library.jobs.recent()) == 1
    assert len(faces(library)) == 6
    assert library.journal.recent(1)[0].actor == "program"
