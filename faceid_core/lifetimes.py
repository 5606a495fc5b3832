"""Known birth and death dates: no photo taken before a person's birth or after their death can show them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from faceid_core.values import Ints

NO_DAY = np.iinfo(np.int64).min
"""The day of a photo without a date. It rules out nobody."""

_ALWAYS = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class Lifetimes:
    """people: (P,) ids of people with a known date, ascending. first, last: (P,) days of birth and death, as
    date.toordinal counts them."""

    people: Ints
    first: Ints
    last: Ints

    @classmethod
    def of(cls, known: Iterable[tuple[int, date | None, date | None]]) -> Lifetimes:
        """known: (person id, birth, death)."""
        rows = sorted((person, *_days(born, died)) for person, born, died in known if born or died)
        table = np.array(rows, np.int64).reshape(-1, 3)
        return cls(table[:, 0], table[:, 1], table[:, 2])

    def exclude(self, days: Ints, people: Ints) -> npt.NDArray[np.bool_]:
        """Return whether a photo taken on that day can't show the person. days: of photos, NO_DAY if unknown;
        people: ids. The two are broadcast against each other."""
        days, people = np.broadcast_arrays(days, people)
        if not len(self.people):
            return np.zeros(days.shape, bool)
        place = np.searchsorted(self.people, people).clip(max=len(self.people) - 1)
        known = (self.people[place] == people) & (days != NO_DAY)
        found: npt.NDArray[np.bool_] = known & ((days < self.first[place]) | (days > self.last[place]))
        return found


NOBODYS = Lifetimes.of([])
"""No dates are known."""


def _days(born: date | None, died: date | None) -> tuple[int, int]:
    return born.toordinal() if born else NO_DAY, died.toordinal() if died else _ALWAYS


def age_in_words(born: date, day: int) -> str:
    """Return a person's age on a day, as date.toordinal counts it; "" for NO_DAY or a day before the birth.

    >>> age_in_words(date(1990, 5, 2), date(2000, 5, 1).toordinal())
    '9 years'
    >>> age_in_words(date(1990, 5, 2), date(1991, 4, 1).toordinal())
    '10 months'
    """
    if day == NO_DAY or day < born.toordinal():
        return ""
    then = date.fromordinal(day)
    months = 12 * (then.year - born.year) + then.month - born.month - (then.day < born.day)
    if months < 24:
        return f"{months} month{'' if months == 1 else 's'}"
    return f"{months // 12} years"
