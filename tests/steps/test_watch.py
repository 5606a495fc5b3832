"""A watched folder: files that come, move or are named in an ignore file are taken care of without a word."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from faceid_core.errors import PathNotFound
from faceid_core.library import Library
from faceid_core.sample import Album
from faceid_core.steps.jobs import run_pending
from faceid_core.steps.watch import Watcher, watch_folders


@pytest.fixture
def watched(empty: Library, tmp_path: Path) -> Iterator[Path]:
    """A folder that a thread watches for the library."""
    folder, stop = tmp_path / "watched", threading.Event()
    folder.mkdir()

    def serve() -> None:
        for _ in watch_folders(empty, [folder], exclude=["*_draft.jpg"], stop=stop):
            run_pending(empty)

    thread = threading.Thread(target=serve)
    thread.start()
    yield folder
    stop.set()
    thread.join(20)
    assert not thread.is_alive()


def wait_for(what: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "nothing came of it"
        time.sleep(0.1)


@pytest.mark.slow
def test_what_comes_into_the_folder_comes_into_the_library(empty: Library, watched: Path, album: Album) -> None:
    first, second = list(album.photos)[:2]
    wait_for(lambda: bool(empty.jobs.recent(1)))  # the first look, at an empty folder
    shutil.copy(album.folder / first, watched / first)
    shutil.copy(album.folder / second, watched / "a_draft.jpg")
    wait_for(lambda: empty.counts().photos == 1)
    (watched / first).rename(watched / "renamed.jpg")
    wait_for(lambda: empty.photos.page()[0].path == str(watched / "renamed.jpg"))
    (watched / "2024").mkdir()
    shutil.copy(album.folder / second, watched / "2024" / second)
    wait_for(lambda: empty.counts().photos == 2)


def test_a_wrong_path_is_refused_before_anything_is_queued(empty: Library, tmp_path: Path) -> None:
    with pytest.raises(PathNotFound, match="check the path"):
        next(watch_folders(empty, [tmp_path / "nowhere"]))
    (tmp_path / "a.jpg").touch()
    with pytest.raises(PathNotFound, match="is a file; name the folder that holds it"):
        next(watch_folders(empty, [tmp_path / "a.jpg"]))
    assert empty.jobs.recent(5) == []


def test_what_comes_while_the_first_import_runs_is_not_missed(empty: Library, tmp_path: Path) -> None:
    stop = threading.Event()
    signals = watch_folders(empty, [tmp_path], stop=stop)
    next(signals)
    (tmp_path / "late.jpg").write_bytes(b"copied after the first look at the folder")
    limit = threading.Timer(30, stop.set)
    limit.start()
    assert next(signals, None) == empty.jobs.recent(1)[0].id
    limit.cancel()
    stop.set()
    assert next(signals, None) is None


@pytest.fixture
def watcher(empty: Library) -> Iterator[Watcher]:
    """The worker's, which looks when a test says so."""
    stop, watcher = threading.Event(), Watcher(empty)
    yield watcher
    stop.set()
    watcher.run(stop)


def test_chosen_folders_are_watched_until_they_are_not(empty: Library, watcher: Watcher, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    watcher.look()
    empty.watched.add(str(folder), video_seconds=2.0)
    watcher.look()
    wait_for(lambda: bool(empty.jobs.active()))
    (job,) = empty.jobs.active()
    assert job.params["paths"] == [str(folder)] and job.params["video_seconds"] == 2.0
    (folder / "new.jpg").write_bytes(b"no picture")
    empty.watched.remove(str(folder))
    watcher.look()
    assert not watcher._watching and [each.id for each in empty.jobs.active()] == [job.id]


def test_an_import_that_waits_is_not_queued_twice(empty: Library, tmp_path: Path) -> None:
    job = empty.jobs.submit("import", {"paths": [str(tmp_path)]})
    (found,) = list(islice(watch_folders(empty, [tmp_path]), 1))
    assert found == job.id and [each.id for each in empty.jobs.active()] == [job.id]


def test_a_folder_that_comes_back_is_watched_again(empty: Library, watcher: Watcher, tmp_path: Path) -> None:
    empty.watched.add(str(tmp_path / "drive"))
    watcher.look()
    wait_for(lambda: bool(watcher._troubled))
    watcher.look()
    watcher.look()
    assert not watcher._watching and not empty.jobs.active(), "it is left alone for a while"
    (tmp_path / "drive").mkdir()
    watcher._troubled = dict.fromkeys(watcher._troubled, 0.0)
    watcher.look()
    wait_for(lambda: bool(empty.jobs.active()))
