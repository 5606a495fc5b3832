"""Who can't be on a photo of a day."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from faceid_core.lifetimes import NO_DAY, NOBODYS, Lifetimes


def test_it_is_what_one_comparison_at_a_time_finds() -> None:
    rng = np.random.default_rng(3)
    begin = date(1900, 1, 1)

    def day() -> date | None:
        return begin + timedelta(days=int(rng.integers(0, 40_000))) if rng.random() < 0.7 else None

    known = [(int(person), day(), day()) for person in rng.permutation(60)[:40]]
    days = [day() for _ in range(50)]
    numbers = np.array([one.toordinal() if one else NO_DAY for one in days])
    found = Lifetimes.of(known).exclude(numbers[:, None], np.arange(60)[None, :])
    dates = {person: (born, died) for person, born, died in known}
    for row, taken in enumerate(days):
        for person in range(60):
            born, died = dates.get(person, (None, None))
            out = taken is not None and bool((born and taken < born) or (died and taken > died))
            assert found[row, person] == out, (taken, born, died)
    assert found.any() and not NOBODYS.exclude(numbers, np.ones(1, np.int64)).any()
