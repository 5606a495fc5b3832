"""What groups must heed: two faces of one photo are two people, and names that a human gave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceid_core.values import Ints, Vectors

_PAIRS = 50_000
"""Pairs of faces whose differences are in memory at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Constraints:
    """What is known of N faces beside their vectors: who is on one photo, and who has a name.

    photo: (N,) photo of each face.
    head: (N,) equal for faces of one photo that are surely the same person: a mirror, a collage, or one face found
    twice. Faces of one photo with different heads are different people.
    person: (N,) whom a human named, -1 for nobody. Faces of two people are kept apart.
    """

    photo: Ints
    head: Ints
    person: Ints

    @classmethod
    def of(
        cls, vectors: Vectors, photos: npt.ArrayLike | None, people: npt.ArrayLike | None, sure: float
    ) -> Constraints:
        """From the photo and the person of each face (N,); without photos each face has its own. Faces of one photo
        that are at most `sure` apart, or have one name, count as the same person."""
        photo = np.arange(len(vectors)) if photos is None else np.unique(np.asarray(photos), return_inverse=True)[1]
        person = np.full(len(vectors), -1) if people is None else np.asarray(people, np.int64)
        head = _equal_on_one_photo(vectors, photo, sure)
        named = np.flatnonzero(person >= 0)
        places = np.stack([photo, person])[:, named]
        _, first, place = np.unique(places, axis=1, return_index=True, return_inverse=True)
        head[named] = head[named[first[place.ravel()]]]
        return cls(photo.astype(np.int64), head, person)

    def conflicting(self, labels: Ints) -> Ints:
        """The labels that two different people of one photo have, or faces with different names."""
        named = self.person >= 0
        places = np.unique(np.stack([labels, self.photo, self.head]), axis=1)
        names = np.unique(np.stack([labels, self.person])[:, named], axis=1)
        twice = (np.diff(places[:2]) == 0).all(axis=0)
        return np.union1d(places[0, 1:][twice], names[0, 1:][np.diff(names[0]) == 0])

    def together(self, labels: Ints) -> Ints:
        """(N,) labels from 0, -1 for none, in which all groups with faces of one person are one."""
        named = (self.person >= 0) & (labels >= 0)
        if not named.any():
            return labels
        person = np.unique(self.person[named], return_inverse=True)[1]
        group = np.full(person.max() + 1, labels.max() + 1)
        np.minimum.at(group, person, labels[named])
        into = np.arange(labels.max() + 2)
        into[-1] = -1
        into[labels[named]] = group[person]
        return renumbered(into[labels])

    def subset(self, faces: Ints) -> Constraints:
        """The constraints of the faces at these positions, (N,) int64, in this order."""
        return Constraints(self.photo[faces], self.head[faces], self.person[faces])


def renumbered(labels: Ints) -> Ints:
    """(N,) the labels without gaps, in their order; -1 stays."""
    if not (labels < 0).any():
        return np.unique(labels, return_inverse=True)[1].astype(np.int64)
    result = np.full(len(labels), -1, np.int64)
    result[labels >= 0] = np.unique(labels[labels >= 0], return_inverse=True)[1]
    return result


def _equal_on_one_photo(vectors: Vectors, photo: Ints, sure: float) -> Ints:
    """(N,) for each face the first one of its photo that is at most `sure` away: itself, if no other."""
    head = np.arange(len(photo))
    faces_on = np.bincount(photo)[photo]
    order = np.argsort(photo, kind="stable")
    for size in np.unique(faces_on[faces_on > 1]).tolist():
        together = order[faces_on[order] == size].reshape(-1, size)
        for faces in np.array_split(together, -(-together.size * size // _PAIRS)):
            apart = np.linalg.norm(vectors[faces][:, :, None] - vectors[faces][:, None], axis=3)
            head[faces] = np.take_along_axis(faces, (apart <= sure).argmax(axis=2), axis=1)
    return head


class Identities:
    """Who is on which photo and who has which name, group by group, while groups join. What is asked for is read
    then, as there may be a million groups."""

    def __init__(self, labels: Ints, constraints: Constraints | None) -> None:
        """labels: (N,) from 0; -1 for faces that are in no group."""
        self._constraints = constraints
        self._known: dict[int, dict[int, int]] = {}
        if constraints is not None:
            self._faces = np.argsort(labels, kind="stable").astype(np.int32)
            self._starts = np.searchsorted(labels[self._faces], np.arange(labels.max(initial=-1) + 2))

    def compatible(self, one: int, other: int) -> bool:
        """Whether the groups have no photo with two people and no two names."""
        if self._constraints is None:
            return True
        small, large = sorted((self._of(one), self._of(other)), key=len)
        return all(large.get(photo, head) == head for photo, head in small.items())

    def join(self, keep: int, gone: int) -> None:
        """They are one group now, the first one."""
        if self._constraints is not None:
            self._known[keep] = self._of(keep) | self._of(gone)
            self._known.pop(gone, None)

    def _of(self, group: int) -> dict[int, int]:
        """By photo the head, see Constraints; by -1 the person: having a name is like being on one more photo, on
        which each person is once."""
        found = self._known.get(group)
        if found is None:
            found = self._read(self._faces[self._starts[group] : self._starts[group + 1]])
            if len(found) > 1:
                self._known[group] = found
        return found

    def _read(self, faces: npt.NDArray[np.int32]) -> dict[int, int]:
        known = self._constraints
        if known is None:
            return {}
        heads = dict(zip(known.photo[faces].tolist(), known.head[faces].tolist(), strict=True))
        named = known.person[faces].max(initial=-1)
        return heads if named < 0 else {**heads, -1: int(named)}
