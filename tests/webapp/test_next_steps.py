from __future__ import annotations

import pytest

from faceid_core.library import Counts
from webapp.parts.next_steps import steps

WAY = [
    ({}, "Import photos"),
    ({"photos": 3}, "Import photos"),
    ({"photos": 3, "faces": 9}, "Group faces"),
    ({"photos": 3, "faces": 9, "clusters": 2}, "Name people"),
    ({"photos": 3, "faces": 9, "clusters": 2, "people": 1}, "Name people"),
    ({"photos": 3, "faces": 9, "clusters": 2, "people": 2}, "Train a recogniser"),
    ({"photos": 3, "faces": 9, "clusters": 2, "people": 2, "models": 1}, "Recognise people"),
]


def counts(**some: int) -> Counts:
    return Counts(**{name: some.get(name, 0) for name in Counts.__dataclass_fields__})


@pytest.mark.parametrize(("some", "title"), WAY)
def test_the_first_step_that_is_not_done_comes_next(some: dict[str, int], title: str) -> None:
    way = steps(counts(**some), trained="today")
    assert next(step.title for step in way if not step.done) == title


def test_the_sentences_tell_what_is_there() -> None:
    way = steps(
        counts(photos=4, failed=1, faces=9, clusters=2, people=2, unnamed=5, models=1), trained="2 days ago"
    )
    said = " ".join(step.sentence for step in way)
    assert way[-1].sentence == "Find out who is in a new photo."
    assert steps(counts(people=2))[-1].sentence == "Find out who is in a new photo, once a recogniser is trained."
    for part in ("3 photos with 9 faces", "2 groups", "2 people named, 5 faces left", "Trained 2 days ago"):
        assert part in said
