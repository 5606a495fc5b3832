"""faceid doctor --cluster: what every worker reaches, from where it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from faceid_core.library import Library
from faceid_core.library import workers as library_workers
from faceid_core.settings import Settings
from faceid_core.steps.check_cluster import examine_cluster, findings
from faceid_core.steps.work import Worker
from tests import postgres, sharing
from tests.cli.running import faceid, refused
from tests.library.conftest import new_photo
from tests.s3 import Bucket


@pytest.fixture
def settings(postgres_server: postgres.Server, tmp_path: Path) -> Iterator[Settings]:
    with postgres_server.fresh() as url:
        yield Settings(library=tmp_path / "library", database_url=url)


@pytest.fixture
def working(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    """A worker in this process that reports often."""
    monkeypatch.setattr(library_workers, "REPORT_SECONDS", 0.2)
    with Library.open(settings) as library:
        worker = Worker(library, parent=None, is_only_helping=True)
        running = threading.Thread(target=worker.run)
        running.start()
        try:
            while not library.workers.all():
                time.sleep(0.05)
            yield library
        finally:
            worker.stop.set()
            running.join()


@pytest.mark.slow
def test_each_worker_tells_what_it_reaches(settings: Settings, working: Library, tmp_path: Path) -> None:
    there, gone = tmp_path / "there.jpg", tmp_path / "gone.jpg"
    there.write_bytes(b"\xff\xd8\xff")
    working.photos.add_many([new_photo(str(there), "1" * 64), new_photo(str(gone), "2" * 64)])
    found = {check.name.split(": ")[-1]: check for check in examine_cluster(settings)}
    assert {name: check.ok for name, check in found.items()} == {
        "Database": True, "faceid": True, "Photos": False, "Engine": True, "Clock": True,
    }  # fmt: skip
    assert found["Photos"].found == "1 of the 2 newest can be read" and "same paths" in found["Photos"].advice


@pytest.mark.slow
def test_photos_in_a_bucket_can_be_read_and_a_missing_one_is_told(
    s3: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with Bucket.on(s3, monkeypatch) as bucket, Library.open(sharing.new_library(tmp_path / "library")) as library:
        bucket.put("a.jpg", b"\xff\xd8\xff")
        library.photos.add_many([new_photo(f"{bucket.url}/a.jpg", "1" * 64)])
        assert _photos(library) == ("1 of the 1 newest can be read", True, "")
        library.photos.add_many([new_photo(f"{bucket.url}/b.jpg", "2" * 64)])
        assert _photos(library)[:2] == ("1 of the 2 newest can be read", False)


def _photos(library: Library) -> tuple[str, bool, str]:
    check = next(each for each in findings(library) if each["name"] == "Photos")
    return check["found"], check["ok"], check["advice"]


@pytest.mark.slow
def test_a_lost_worker_one_of_another_version_and_none_at_all_are_told(settings: Settings) -> None:
    assert [(check.found, check.ok) for check in examine_cluster(settings)][1:] == [("there is none", False)]
    with Library.open(settings) as library:
        number, name = library.workers.register("far", 1, "0.0.0")
        library.workers.ask()
        library.workers.answer(number, [])
        assert library.workers.all()[0].findings == []
    silent = examine_cluster(settings, patience_s=0)[1:]
    assert [(check.name, check.ok) for check in silent] == [(f"Worker {name}", False)]
    assert "far" in silent[0].advice


def test_a_server_that_is_not_there_is_one_sentence_with_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEID_DATABASE_URL", f"postgresql://postgres@/faceid?host={tmp_path}")
    done = faceid("--library", tmp_path / "library", "doctor", "--cluster")
    refused(done, "needs attention")
    assert "can't be used" in done.out


def test_a_library_in_a_file_is_examined_by_doctor_itself(tmp_path: Path) -> None:
    assert [check.ok for check in examine_cluster(Settings(library=tmp_path, database_url=None))] == [True]
