from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from webapp.long_lived import AGAIN_SECONDS, LongLived


class Clock:
    """Says what it is told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Ring:
    """Garbage that only a collection finds."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def unfrozen() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_survives_a_slow_collection_is_spared(unfrozen: None) -> None:
    steps = iter(range(1000))
    with LongLived(0.5, spent=lambda: float(next(steps))):
        gc.collect()
        assert gc.get_freeze_count() > 10_000
        ring = Ring()
        gone = weakref.ref(ring)
        del ring
        gc.collect()
        assert gone() is None  # it came afterwards
    assert gc.get_freeze_count() == 0
    assert not any(isinstance(getattr(one, "__self__", None), LongLived) for one in gc.callbacks)


def test_a_quick_collection_changes_nothing(unfrozen: None) -> None:
    with LongLived(0.5, spent=lambda: 0.0):
        gc.collect()
        assert gc.get_freeze_count() == 0


def test_what_was_spared_is_looked_at_again_in_time(unfrozen: None) -> None:
    clock, steps = Clock(), iter(range(1000))
    with LongLived(0.5, spent=lambda: float(next(steps)), clock=clock):
        ring = Ring()
        gone = weakref.ref(ring)
        gc.collect()
        del ring
        gc.collect()
        assert gone() is not None
        clock.now = AGAIN_SECONDS + 1
        gc.collect()
        assert gone() is None
