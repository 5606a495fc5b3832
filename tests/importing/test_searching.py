"""Where photos are searched, before the library is open."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from faceid_core.executors.in_process import InProcess
from faceid_core.executors.process_pool import ProcessPool
from faceid_core.importing import searching
from faceid_core.settings import Settings, usable_cores

WATCHED = ("sqlalchemy", "sqlmodel", "alembic", "torch", "faceid_core.vision.centerface")


def loaded(_: int) -> set[str]:
    return set(WATCHED) & set(sys.modules)


@pytest.mark.slow
def test_a_worker_loads_the_networks_but_no_tables(engine_settings: Settings, tmp_path: Path) -> None:
    settings = engine_settings.model_copy(update={"library": tmp_path / "new"})
    with searching.begun(settings, searching.POOL_FROM) as executor:
        assert isinstance(executor, ProcessPool)
        assert dict(executor.run(loaded, [0])) == {0: {"faceid_core.vision.centerface"}}


@pytest.mark.parametrize(
    ("photos", "again", "exists", "expected"),
    [(9, False, False, True), (9, True, True, True), (9, False, True, False), (3, False, False, False)],
)
def test_processes_begin_early_only_where_all_photos_are_to_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photos: int, again: bool, exists: bool, expected: bool
) -> None:
    begun: list[object] = []
    monkeypatch.setattr(ProcessPool, "begin", lambda _, prepare: begun.append(prepare))
    if exists:
        (tmp_path / "faceid.db").touch()
    with searching.begun(Settings(library=tmp_path), photos, again) as executor:
        assert (executor is not None) == bool(begun) == expected


def pools(settings: Settings, photos: Iterable[int]) -> list[int]:
    return [getattr(searching.executor_for(settings, number), "workers", 0) for number in photos]


def test_few_photos_share_a_process(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path, workers=4)
    assert pools(settings, [7, 8, 10, 11, 31, 1000]) == [0, 1, 1, 2, 4, 4]
    assert pools(settings.model_copy(update={"video_seconds": 1.0}), [1, 3, 8]) == [1, 3, 4], "videos take long"


def test_threads_of_a_photo() -> None:
    cores = usable_cores()
    assert searching.threads_of(InProcess()) is None
    assert searching.threads_of(ProcessPool(1)) == cores
    assert searching.threads_of(ProcessPool(1, spare=1)) == max(cores - 1, 1)
    assert searching.threads_of(ProcessPool(10 * cores)) == 1
