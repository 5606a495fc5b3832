"""Questions about names that are given, and about groups and photos that belong together: kept up to date."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from faceid_core.clustering import clusterers
from faceid_core.library import FaceVectors, Library, Standing
from faceid_core.review import near_duplicates
from faceid_core.review.label_errors import Doubt
from faceid_core.review.merge_candidates import Pair
from faceid_core.review.near_duplicates import Duplicates
from faceid_core.review.pair_index import DoubtIndex, PairIndex
from faceid_core.review.people_nearby import Bools
from faceid_core.review.queue import Kind, Question
from faceid_core.steps.ask import TWICE, pictures
from faceid_core.values import Ints
from faceid_core.vectors.neighbours import NeighbourGraph

PEOPLE_FROM = 1 << 40
"""People are compared beside groups, whose numbers stay below."""


class NameQuestions:
    """Of N faces and their neighbours. Faces that get a flag later keep their place among the neighbours."""

    def __init__(
        self, library: Library, faces: FaceVectors, graph: NeighbourGraph, *, threshold: float, unit: float = 1.0
    ) -> None:
        self._library, self._faces, self._threshold = library, faces, threshold
        self._pairs = PairIndex(faces.vectors, faces.photos, graph, threshold=threshold)
        self._doubts = DoubtIndex(faces.vectors, graph, threshold=threshold)
        self._moments = Moments(library, faces, graph.scaled(1 / unit))

    def update(self, standing: Standing, people: Ints, numbers: Ints, active: Bools) -> list[Question]:
        """What is to be asked now. people, numbers, active: (N,) of each face: its person (-1 for nobody, and for
        one with a flag), its group (0 for none), and whether it has no flag."""
        self._pairs.update(_compared(standing, people, numbers, active))
        self._doubts.update(people)
        pairs = self._pairs.pairs(self._faces.pairs(standing.cannot_link))
        must_link = set(map(tuple, standing.must_link.tolist()))
        return [
            *(self._doubt(doubt) for doubt in self._doubted(standing, people)),
            *(
                self._twice(*found)
                for found in self._library.gallery.twice(TWICE)
                if self._odd(found[2], must_link)
            ),
            *(self._people(pair) for pair in pairs if min(pair.one, pair.other) >= PEOPLE_FROM),
            *(self._groups(pair) for pair in pairs if max(pair.one, pair.other) < PEOPLE_FROM),
            *(self._moment(found) for found in self._moments.found(people, active, must_link)),
        ]

    def _doubted(self, standing: Standing, people: Ints) -> list[Doubt]:
        """Without the faces of which a human said that they are the same person as another one of that name."""
        must_link = self._faces.pairs(standing.must_link)
        agreed = set(must_link[people[must_link[:, 0]] == people[must_link[:, 1]]].ravel().tolist())
        return [doubt for doubt in self._doubts.doubts() if doubt.face not in agreed]

    def _odd(self, faces: tuple[int, ...], must_link: set[tuple[int, ...]]) -> bool:
        """Whether two faces are neither all but equal (a mirror, a collage) nor found right by a human."""
        return any(pair not in must_link and not self._equal(pair) for pair in combinations(sorted(faces), 2))

    def _equal(self, pair: tuple[int, int]) -> bool:
        rows = self._faces.rows(np.array(pair))
        if (rows < 0).any():
            return False
        one, other = self._faces.vectors[rows]
        return bool(np.linalg.norm(one - other) <= clusterers.SURELY_SAME * self._threshold)

    def _ids(self, rows: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(self._faces.ids[list(rows)].tolist())

    def _doubt(self, doubt: Doubt) -> Question:
        face = self._ids((doubt.face,))
        likelier = (doubt.likelier,) if doubt.likelier is not None else ()
        return Question(
            Kind.WRONG, f"wrong-{face[0]}", face, person=doubt.person, because=self._ids(doubt.because),
            runners_up=likelier, distance=doubt.distance,
        )  # fmt: skip

    def _twice(self, photo: int, person: int, faces: tuple[int, ...]) -> Question:
        return Question(Kind.TWICE, f"twice-{photo}-{person}", faces, len(faces), person=person, number=photo)

    def _people(self, pair: Pair) -> Question:
        one, other = pair.one - PEOPLE_FROM, pair.other - PEOPLE_FROM
        return Question(
            Kind.PEOPLE, f"people-{one}-{other}", self._ids(pair.typical), 2, person=one,
            because=self._ids(pair.because), number=one, others=(other,), distance=pair.distance,
        )  # fmt: skip

    def _groups(self, pair: Pair) -> Question:
        return Question(
            Kind.GROUPS, f"groups-{pair.one}-{pair.other}", self._ids(pair.typical), 2,
            because=self._ids(pair.because), number=pair.one, others=(pair.other,), distance=pair.distance,
        )  # fmt: skip

    def _moment(self, found: Duplicates) -> Question:
        pairs = tuple((int(self._faces.ids[one]), int(self._faces.ids[other])) for one, other in found.pairs)
        return Question(
            Kind.MOMENT, f"moment-{found.best}", self._ids(found.unnamed), len(found.unnamed), number=found.best,
            others=found.others, pairs=pairs,
        )  # fmt: skip


class Moments:
    """Photos of one moment among those that look alike and share a face."""

    def __init__(self, library: Library, faces: FaceVectors, graph: NeighbourGraph) -> None:
        self._library, self._faces, self._graph = library, faces, graph
        sharing = near_duplicates.sharing_a_face(graph, faces.photos)
        known = library.photos.phashes(np.unique(sharing).tolist())
        self._alike = near_duplicates.looking_alike(sharing, {photo: phash for photo, (phash, _) in known.items()})
        photos = np.unique(self._alike)
        self._sizes = {photo: known[photo][1] for photo in photos.tolist()}
        self._rows = np.flatnonzero(np.isin(faces.photos, photos))
        self._seen: tuple[bytes, bytes] | None = None
        self._found: list[Duplicates] = []

    def found(self, people: Ints, active: Bools, must_link: set[tuple[int, ...]]) -> list[Duplicates]:
        """In rows. Without the photos of which a human said that all are to be kept."""
        seen = (people[self._rows] >= 0).tobytes(), active[self._rows].tobytes()
        if seen != self._seen:
            self._seen = seen
            pairs = self._alike[np.isin(self._alike, self._shown(active)).all(axis=1)]
            drawn = pictures(self._library, self._faces, self._sizes, self._rows[active[self._rows]])
            pairs = pairs[[one in drawn and other in drawn for one, other in pairs.tolist()]]
            self._found = near_duplicates.near_duplicates(self._graph, pairs, drawn)
        return [found for found in self._found if not self._kept(found, must_link)]

    def _shown(self, active: Bools) -> Ints:
        return np.unique(self._faces.photos[self._rows[active[self._rows]]])

    def _kept(self, found: Duplicates, must_link: set[tuple[int, ...]]) -> bool:
        ids = self._faces.ids
        return all(tuple(sorted((int(ids[one]), int(ids[other])))) in must_link for one, other in found.pairs)


def _compared(standing: Standing, people: Ints, numbers: Ints, active: Bools) -> Ints:
    """(N,) people, numbered from PEOPLE_FROM, and groups in which nobody has a name; -1 for all others."""
    groups = np.where(active & (numbers > 0) & ~np.isin(numbers, numbers[people >= 0]), numbers, -1)
    groups[people >= 0] = PEOPLE_FROM + people[people >= 0]
    groups[np.isin(people, sorted(standing.hidden))] = -1
    return groups
