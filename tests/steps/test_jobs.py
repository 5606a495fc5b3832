"""The worker's patience with a library that can't be used for a while."""

from __future__ import annotations

import logging
import threading

import pytest

from faceid_core.errors import LibraryBusy
from faceid_core.library import Library
from faceid_core.steps import work


class Waits(threading.Event):
    """Notes how long the worker would wait, instead of waiting."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._most = most

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout or 0.0)
        if len(self.seconds) == self._most:
            self.set()
        return self.is_set()


def test_it_asks_less_and_less_often_and_says_each_reason_once(
    empty: Library, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object, **__: object) -> None:
        raise LibraryBusy("The database is away.")

    monkeypatch.setattr(empty.jobs, "claim", away)
    stop = Waits(9)
    with caplog.at_level(logging.WARNING):
        work.Worker(empty, stop=stop).run()
    assert stop.seconds == [0.6, 1.2, 2.4, 4.8, 9.6, 19.2, 30.0, 30.0, 30.0]
    assert caplog.messages == ["The database is away."]


def test_it_is_quick_again_once_the_library_is_back(empty: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([True, True, False])

    def away_at_first(*_: object, **__: object) -> None:
        if next(answers):
            raise LibraryBusy("The database is away.")

    monkeypatch.setattr(empty.jobs, "claim", away_at_first)
    stop = Waits(3)
    work.Worker(empty, stop=stop).run()
    assert stop.seconds == [0.6, 1.2, 0.3]
