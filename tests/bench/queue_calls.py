"""What the queue of questions takes in library calls, without a browser: seconds, processor seconds, and memory.

    PYTHONPATH=. python -m tests.bench.queue_calls FOLDER [--faces 100000] [--people 2000] [--answers 100]

FOLDER gets a drawn library (see drawn_library.py), unless it has one. A page's share is `next question` (what is
known, checked against the library) and `act` (the answer, as one event); the worker's is `scored anew` (all faces
that wait, after one answer) and `first comparison` (once after a start).
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from faceid_core.library import Library
from faceid_core.review.place import Place
from faceid_core.review.queue import NAMING
from faceid_core.settings import Settings
from faceid_core.steps import open_questions
from faceid_core.steps.keep_questions import Keeper
from faceid_core.steps.next_question import AskedNow, next_question
from faceid_core.steps.reply import Given, Reply, give
from tests.bench.drawn_library import make

T = TypeVar("T")
ANSWERED_BETWEEN = 5
"""Answers that are given before the worker is waited for: it looks while people answer."""


class Clock:
    """Wall and processor seconds by what was done."""

    def __init__(self) -> None:
        self.times: dict[str, list[tuple[float, float]]] = {}

    def __call__(self, what: str, work: Callable[[], T]) -> T:
        wall, processor = time.perf_counter(), time.process_time()
        result = work()
        spent = time.perf_counter() - wall, time.process_time() - processor
        self.times.setdefault(what, []).append(spent)
        return result

    def report(self) -> None:
        print(f"{'milliseconds':24}{'median':>8}{'p95':>8}{'p95 processor':>16}{'of':>6}")
        for what, times in self.times.items():
            wall, processor = ([1000 * one[place] for one in times] for place in (0, 1))
            print(
                f"{what:24}{statistics.median(wall):8.0f}{worst(wall):8.0f}{worst(processor):16.0f}{len(times):6}",
                flush=True,
            )


def worst(times: list[float]) -> float:
    """Of 20 times the last but one."""
    return sorted(times)[int(0.95 * (len(times) - 1))]


def ask(library: Library, place: Place) -> AskedNow:
    """The next question that names faces, as the page asks for it."""
    asked = next_question(library, place, library.people.all()).asked
    assert asked is not None
    return asked


def answer(library: Library, place: Place, asked: AskedNow, reply: Reply) -> None:
    act = give(library, asked, Given(reply, twice=True))
    if act.event is not None:
        place.answered(act.event.id, asked.question)
    else:
        place.skip(asked.question)


def replies(asked: AskedNow, number: int) -> Reply:
    """In turn yes, no and unknown, as far as the question takes them."""
    wanted = (Reply.YES, Reply.NO, Reply.STRANGER)[number % 3]
    return wanted if asked.question.kind in NAMING and asked.person is not None else Reply.STRANGER


def measure(folder: Path, answers: int) -> None:
    clock, place = Clock(), Place()
    with Library.open(Settings(library=folder, database_url=None)) as library:
        keeper = Keeper(library)
        clock("first comparison", keeper.catch_up)
        clock("… and the neighbours", lambda: keeper.catch_up(wait=True))
        found = open_questions.read(library)
        assert found is not None
        print(f"{found.faces} faces wait, {found.total} questions: {found.answers}", flush=True)
        for number in range(answers):
            asked = clock("next question", partial(ask, library, place))
            clock("act", partial(answer, library, place, asked, replies(asked, number)))
            if number % ANSWERED_BETWEEN == ANSWERED_BETWEEN - 1:
                clock("scored anew", keeper.catch_up)
        for event, _ in reversed(place.done):
            clock("undo", partial(library.journal.undo, event))
        clock("scored anew, all undone", keeper.catch_up)
    clock.report()
    print(f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB of memory")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--faces", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--answers", type=int, default=100)
    options = parser.parse_args()
    make(options.folder, options.faces, options.people)
    measure(options.folder, options.answers)


if __name__ == "__main__":
    main()
