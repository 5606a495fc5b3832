"""Searching again what another detector searched."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from faceid_core.errors import JobCancelled
from faceid_core.importing.report import ImportReport
from faceid_core.importing.run import import_photos
from faceid_core.importing.search_again import waiting
from faceid_core.library import Library
from faceid_core.sample import Album
from faceid_core.steps import jobs
from faceid_core.values import Progress, no_progress


@pytest.fixture
def by_mmod(empty: Library, album: Album, tmp_path: Path) -> Library:
    """Three portraits that mmod searched; the default detector is set again. The first face is named."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in [name for name, faces in album.photos.items() if len(faces) == 1][:3]:
        shutil.copy(album.folder / name, folder)
    default = empty.settings.detector
    empty.settings.detector = "mmod"
    import_photos(empty, [folder])
    empty.people.name_faces([1], "Ada")
    empty.settings.detector = default
    return empty


def searched_by(library: Library) -> list[int]:
    return [photo for photo, _ in library.photos.searched_otherwise("centerface")]


def search_again(library: Library, progress: Progress = no_progress) -> ImportReport:
    return import_photos(library, waiting(library), again=True, progress=progress)


@pytest.mark.slow
def test_a_job_searches_them_and_names_stay(by_mmod: Library) -> None:
    assert searched_by(by_mmod) == [1, 2, 3]
    by_mmod.jobs.submit("import", {"paths": [], "searched_otherwise": True})
    job = jobs.run_next(by_mmod)
    assert job is not None and (job.state, job.result["renewed"]) == ("done", 3)
    assert searched_by(by_mmod) == []
    assert waiting(by_mmod).files == []
    assert by_mmod.faces.get(1).person == "Ada"
    assert by_mmod.problems() == []
    assert search_again(by_mmod).photos == 0


@pytest.mark.slow
def test_what_is_gone_is_left_out(by_mmod: Library) -> None:
    gone, *there = waiting(by_mmod).files
    gone.unlink()
    assert search_again(by_mmod).renewed == len(there) == 2
    assert searched_by(by_mmod) == [1]
    assert waiting(by_mmod).files == []


@pytest.mark.slow
def test_after_an_interruption_it_goes_on_with_the_rest(by_mmod: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceid_core.importing.storing.BATCH_PHOTOS", 1)

    def stopping(done: int, total: int, message: str = "") -> None:
        if done == 1:
            raise JobCancelled("stopped")

    with pytest.raises(JobCancelled):
        search_again(by_mmod, progress=stopping)
    left = len(waiting(by_mmod).files)
    assert 0 < left < 3
    assert search_again(by_mmod).renewed == left


def test_the_name_of_a_custom_model_goes_on_with_its_hash(by_mmod: Library) -> None:
    assert by_mmod.photos.searched_otherwise("mm") != []
    assert by_mmod.photos.number_searched_otherwise("mm") == len(by_mmod.photos.searched_otherwise("mm"))
    with by_mmod._database.write() as session:
        from faceid_core.library.store.tables import Photo

        session.get_one(Photo, 1).detector = "yunet-8f2383e4"
    assert [photo for photo, _ in by_mmod.photos.searched_otherwise("yunet")] == [2, 3]
