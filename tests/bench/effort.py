"""How many acts until people's faces bear the right name, on Labeled Faces in the Wild.

    PYTHONPATH=. python tests/bench/effort.py CACHE.npz [--least 2]

CACHE.npz is what tests/bench/grouping.py keeps. A simulated user, who knows everybody and never errs, always does
what names the most faces at once. One act names the faces of one person in a group, or in a list of suggestions;
a group that mixes three people takes three. A suggestion that is wrong takes an act of its own to refuse. At last
the single faces of people with several photos are named one by one. Counted until 90, 95 and 99 % of the faces of
people with two or more photos bear the right name. The least that any grouping could do is one act a person.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from faceid_core.clustering import CLUSTERERS, cluster, default_threshold
from faceid_core.neighbours import on_sphere
from faceid_core.suggestions import LIMIT_SHARE, suggest
from faceid_core.values import Ints, Known, Vectors

SHARES = (0.9, 0.95, 0.99)
SAME_PERSON = 0.55


class User:
    """Names faces (N,) of people (N,), and counts the acts."""

    def __init__(self, people: Ints, least: int) -> None:
        self.people = people
        self.name = np.full(len(people), -1)
        self.several = np.bincount(people)[people] >= least
        self.acts = 0
        self.done: list[float] = []

    def act(self, faces: Ints, person: int) -> None:
        self.name[faces] = person
        self.acts += 1
        self.done.append(float((self.name[self.several] == self.people[self.several]).mean()))

    def name_group(self, faces: Ints) -> None:
        """Everybody in it, those with most faces first."""
        for person, _ in Counter(self.people[faces].tolist()).most_common():
            self.act(faces[self.people[faces] == person], person)

    def until(self, share: float) -> int | None:
        return next((number + 1 for number, done in enumerate(self.done) if done >= share), None)


def by_groups(labels: Ints, user: User) -> None:
    """The groups, largest first; then single faces."""
    for group in sorted(_groups(labels), key=len, reverse=True):
        user.name_group(group)
    _singles(user)


def by_suggestions(labels: Ints, vectors: Vectors, user: User) -> None:
    """Groups and lists of suggestions, whatever names more; suggestions are asked for anew when somebody has faces
    more than before."""
    groups = sorted(_groups(labels), key=len)
    refused: set[tuple[int, int]] = set()
    asked = _asked(labels, vectors, user, refused)
    while groups or asked:
        best = max(asked.values(), key=len, default=np.empty(0, np.int64))
        groups = [group for group in groups if (user.name[group] < 0).any()]
        if groups and len(groups[-1]) >= len(best):
            group = groups.pop()
            user.name_group(group[user.name[group] < 0])
        elif len(best):
            _answer(user, best, next(person for person, faces in asked.items() if faces is best), refused)
        else:
            break
        asked = _asked(labels, vectors, user, refused)
    _singles(user)


def _answer(user: User, faces: Ints, person: int, refused: set[tuple[int, int]]) -> None:
    right = user.people[faces] == person
    if right.any():
        user.act(faces[right], person)
    user.acts += int((~right).sum())
    user.done += [user.done[-1]] * int((~right).sum())
    refused |= {(int(face), person) for face in faces[~right]}


def _asked(labels: Ints, vectors: Vectors, user: User, refused: set[tuple[int, int]]) -> dict[int, Ints]:
    """Person -> faces that are suggested."""
    named, unnamed = np.flatnonzero(user.name >= 0), np.flatnonzero(user.name < 0)
    known = Known(named, user.name[named], vectors[named])
    limit, forbidden = LIMIT_SHARE * SAME_PERSON, frozenset(refused)
    made = suggest(unnamed, vectors[unnamed], known, limit=limit, groups=labels[unnamed], forbidden=forbidden)
    found: dict[int, list[int]] = {}
    for one in made:
        found.setdefault(one.person, []).append(one.face)
    return {person: np.array(faces) for person, faces in found.items()}


def _groups(labels: Ints) -> list[Ints]:
    return [rows for label in np.unique(labels[labels >= 0]) if len(rows := np.flatnonzero(labels == label)) > 1]


def _singles(user: User) -> None:
    for face in np.flatnonzero((user.name < 0) & user.several):
        user.act(np.array([face]), int(user.people[face]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--least", type=int, default=2, help="photos from which a person counts")
    options = parser.parse_args()
    stored = np.load(options.cache)
    some = stored["middle"]
    vectors, photos, quality = (stored[what][some] for what in ("vectors", "photo", "quality"))
    vectors = on_sphere(vectors)
    people = np.unique(stored["name"][some], return_inverse=True)[1]
    several = np.bincount(people)[people] >= options.least
    print(f"{len(people)} faces; {several.sum()} of {len(np.unique(people[several]))} people with {options.least}")
    print(f"{'':34}" + "".join(f"{share:>8.0%}" for share in SHARES) + "   right")

    def tell(title: str, names: Callable[[User], None]) -> None:
        user = User(people, options.least)
        names(user)
        right = (user.name == people)[user.name >= 0].mean()
        print(f"{title:34}" + "".join(f"{user.until(share) or '-':>8}" for share in SHARES) + f"  {right:.2%}")

    tell("the least: one act a person", lambda user: by_groups(np.where(several, people, -1), user))
    for name in CLUSTERERS:
        threshold = default_threshold(name, str(stored["embedder"]))
        labels = cluster(name, vectors, threshold=threshold, photos=photos, quality=quality)
        tell(name, lambda user, labels=labels: by_groups(labels, user))
        if name == "density-linkage":
            tell("  with suggestions: ours", lambda user, labels=labels: by_suggestions(labels, vectors, user))
    from sklearn.cluster import DBSCAN

    tell(
        "scikit-learn DBSCAN 0.4", lambda user: by_groups(DBSCAN(eps=0.4, min_samples=2).fit_predict(vectors), user)
    )


if __name__ == "__main__":
    main()
