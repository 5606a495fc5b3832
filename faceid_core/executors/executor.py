"""The executor protocol, and the placeholders for results that never arrived."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """In place of a result: the item killed its worker process twice (out of memory, a crash in native code)."""


@dataclass(frozen=True, slots=True)
class WorkerLate:
    """In place of a result: the item took longer than the limit, and its worker was stopped."""


class Executor(Protocol):
    """Runs one function over many items, here or in other processes."""

    def run(
        self, work: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result | WorkerLost | WorkerLate]]:
        """Yield each item with its result as soon as it is available, in any order. Items are consumed lazily."""
