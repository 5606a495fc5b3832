"""Where batches run: the pool gives what the plain loop gives, and outlives its workers."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from faceid_core.executors import InProcess, ProcessPool, WorkerLost


def double(value: int) -> int:
    return 2 * value


def die_on_thirteen(value: int) -> int:
    if value == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    return value


def die_once(marker: Path) -> str:
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def fail(value: int) -> int:
    raise ValueError("a bug, not a dead worker")


def test_the_pool_gives_what_the_loop_gives() -> None:
    items = range(20)
    assert dict(ProcessPool(2).run(double, items)) == dict(InProcess().run(double, items))


def test_a_photo_that_kills_its_worker_twice_is_given_up_and_the_others_go_on() -> None:
    results = dict(ProcessPool(2).run(die_on_thirteen, range(20)))
    assert isinstance(results.pop(13), WorkerLost)
    assert results == {value: value for value in range(20) if value != 13}


def test_a_photo_that_kills_its_worker_once_is_tried_again(tmp_path: Path) -> None:
    assert dict(ProcessPool(2).run(die_once, [tmp_path / "marker"])) == {tmp_path / "marker": "done"}


def test_an_unexpected_error_comes_through() -> None:
    with pytest.raises(ValueError, match="a bug"):
        list(ProcessPool(1).run(fail, [1]))


def test_a_pool_needs_a_worker() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        ProcessPool(0)
