"""A cache that makes concurrent first calls share one call: networks take a second and much memory to load.

>>> @single_flight(maxsize=2)
... def square(side: int) -> int:
...     return side * side
>>> square(3)
9
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

Params = ParamSpec("Params")
Result = TypeVar("Result")


def single_flight(maxsize: int) -> Callable[[Callable[Params, Result]], Callable[Params, Result]]:
    """Like functools.lru_cache, but hold a lock during the call: with lru_cache, four concurrent first calls would
    load four times.

    maxsize: number of most recently used results to keep. A call that raises is not cached, so the next one tries
    again. The arguments must be hashable.
    """

    def decorate(load: Callable[Params, Result]) -> Callable[Params, Result]:
        kept, lock = lru_cache(maxsize)(load), threading.Lock()

        @wraps(load)
        def one_at_a_time(*args: Params.args, **kwargs: Params.kwargs) -> Result:
            with lock:
                return kept(*args, **kwargs)  # type: ignore[arg-type]  # unhashable: a TypeError at once

        return one_at_a_time

    return decorate
