"""What people answer when they are asked about their library; each answer is one event.

drawn: the faces in question as they were asked about; raises OutOfDate when they are not so any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from faceid_core.library import Changed, DrawnFaces, Library, Naming
from faceid_core.review.label_errors import Doubt
from faceid_core.review.merge_candidates import Pair
from faceid_core.review.near_duplicates import Duplicates
from faceid_core.steps.ask import Twice
from faceid_core.values import Flag, LabelSource
from faceid_core.wording import count


def accept(library: Library, faces: Sequence[int], person: int) -> Naming:
    """Suggested faces are this person; they must still be nobody's. Raises NotFound, TwiceOnPhoto, OutOfDate."""
    drawn = DrawnFaces.alike(faces)
    return library.people.give_faces(faces, person, source=LabelSource.ACCEPTED, once=True, drawn=drawn)


def refuse(library: Library, faces: Sequence[int], person: int) -> Changed:
    """Remember that suggested faces are not this person. Raises NotFound, OutOfDate if they are somebody's now."""
    return library.people.reject(faces, person, drawn=DrawnFaces.alike(faces))


def set_aside(library: Library, moment: Duplicates, *, drawn: DrawnFaces | None = None) -> Changed:
    """Hide the unnamed faces of all photos of a moment but the best."""
    return library.faces.flag(moment.unnamed, Flag.HIDDEN, drawn=drawn)


def keep_all(library: Library, moment: Duplicates) -> Changed:
    """Remember that photos of one moment all keep their faces: those are the same people."""
    summary = f"Kept all {count(len(moment.others) + 1, 'photo')} of one moment"
    return library.pair_constraints.say(moment.pairs, same=True, summary=summary)


def not_one_person(library: Library, pair: Pair, whom: str) -> Changed:
    """Remember that two groups, or two people, are not one; whom: such as "groups 3 and 8" or "“Ada” and “Bo”"."""
    summary = f"Marked {whom} as different people"
    return library.pair_constraints.say([pair.typical], same=False, summary=summary)


def name_is_right(
    library: Library, doubted: Sequence[Doubt], name: str, *, drawn: DrawnFaces | None = None
) -> Changed:
    """Remember that faces with a doubtful name bear the right one."""
    pairs = [(doubt.face, doubt.because[0]) for doubt in doubted]
    summary = f"Confirmed {count(len(pairs), 'face')} as “{name}”"
    return library.pair_constraints.say(pairs, same=True, summary=summary, drawn=drawn)


def both_are_right(library: Library, twice: Twice, name: str, *, drawn: DrawnFaces | None = None) -> Changed:
    """Remember that a person is on a photo more than once: in a mirror, in a collage."""
    summary = f"Confirmed that “{name}” is in one photo {twice.times}"
    return library.pair_constraints.say(list(combinations(twice.faces, 2)), same=True, summary=summary, drawn=drawn)
