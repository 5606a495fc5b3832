"""What people answer when they are asked about their library; each answer is one event."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from faceid_core.library import Library
from faceid_core.review.label_errors import Doubt
from faceid_core.review.merge_candidates import Pair
from faceid_core.review.near_duplicates import Duplicates
from faceid_core.steps.ask import Twice
from faceid_core.values import Flag, LabelSource
from faceid_core.wording import count


def accept(library: Library, faces: Sequence[int], name: str, *, actor: str) -> None:
    """Suggested faces are the person of that name. Raises TwiceOnPhoto."""
    library.people.name_faces(faces, name, actor=actor, source=LabelSource.ACCEPTED, once=True)


def refuse(library: Library, faces: Sequence[int], person: int, *, actor: str) -> None:
    """Remember that suggested faces are not this person. Raises NotFound."""
    library.people.reject(faces, person, actor=actor)


def set_aside(library: Library, moment: Duplicates, *, actor: str) -> None:
    """Hide the unnamed faces of all photos of a moment but the best."""
    library.faces.flag(moment.unnamed, Flag.HIDDEN, actor=actor)


def keep_all(library: Library, moment: Duplicates, *, actor: str) -> None:
    """Remember that photos of one moment all keep their faces: those are the same people."""
    summary = f"Said that {count(len(moment.others) + 1, 'photo')} of one moment are all kept"
    library.pair_constraints.say(moment.pairs, same=True, summary=summary, actor=actor)


def not_one_person(library: Library, pair: Pair, whom: str, *, actor: str) -> None:
    """Remember that two groups, or two people, are not one; whom: such as "groups 3 and 8" or "Ada and Bo"."""
    library.pair_constraints.say(
        [pair.typical], same=False, summary=f"Said that {whom} are two people", actor=actor
    )


def name_is_right(library: Library, doubted: Sequence[Doubt], name: str, *, actor: str) -> None:
    """Remember that faces with a doubtful name bear the right one."""
    pairs = [(doubt.face, doubt.because[0]) for doubt in doubted]
    summary = f"Said that {count(len(pairs), 'face')} {'is' if len(pairs) == 1 else 'are'} {name} indeed"
    library.pair_constraints.say(pairs, same=True, summary=summary, actor=actor)


def both_are_right(library: Library, twice: Twice, name: str, *, actor: str) -> None:
    """Remember that a person is on a photo more than once: in a mirror, in a collage."""
    summary = f"Said that {name} is on one photo {twice.times}"
    library.pair_constraints.say(list(combinations(twice.faces, 2)), same=True, summary=summary, actor=actor)
