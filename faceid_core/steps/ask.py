"""What to ask people about their library, beside who an unnamed face may be (see suggest): who may be
one person, which names may be wrong, and who is on a photo twice. What a human has answered is not asked again.
And in which order to show the faces in no group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations

import numpy as np

from faceid_core.clustering import clusterers
from faceid_core.geometry import carried
from faceid_core.library import FaceVectors, FaceView, Library
from faceid_core.review import label_errors, merge_candidates, near_duplicates, seriation
from faceid_core.review.label_errors import Doubt
from faceid_core.review.merge_candidates import Pair
from faceid_core.review.near_duplicates import Duplicates, Picture
from faceid_core.steps.load_vectors import load_embedder, load_graph, load_vectors, normalised
from faceid_core.values import Ints
from faceid_core.vectors.neighbours import NeighbourGraph

TWICE = 200
"""Photos that are looked at for people who are on them twice, the newest first."""


@dataclass(frozen=True, slots=True)
class Twice:
    """A person whose name several faces of one photo bear, from left to right."""

    photo: int
    person: int
    faces: tuple[int, ...]

    @property
    def times(self) -> str:
        """How often the person is on the photo, in words."""
        return "twice" if len(self.faces) == 2 else f"{len(self.faces)} times"


@dataclass(frozen=True, slots=True)
class Questions:
    """All that is to be asked, the surest first. Where the review room has rows, here are ids of faces; groups are
    pairs of group numbers, people pairs of person ids."""

    groups: tuple[Pair, ...] = ()
    people: tuple[Pair, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    twice: tuple[Twice, ...] = ()
    duplicates: tuple[Duplicates, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """All faces with their neighbours. groups: (N,), 0 for none."""

    faces: FaceVectors
    groups: Ints
    graph: NeighbourGraph

    def ids(self, rows: Sequence[int]) -> tuple[int, ...]:
        return tuple(self.faces.ids[list(rows)].tolist())

    def pair(self, rows: tuple[int, int]) -> tuple[int, int]:
        one, other = self.faces.ids[list(rows)].tolist()
        return one, other


def questions(library: Library) -> Questions:
    """Kept until something changes. Without faces or a grouping there are none."""
    if library.clusters.current() is None:
        return Questions()
    return _questions(library, (*library.gallery.cache_version(), *library.gallery.faces_cache_version()))


@lru_cache(maxsize=2)
def _questions(library: Library, cache_version: tuple[object, ...]) -> Questions:
    compared, limit = _compared(library, library.gallery.faces_cache_version()), _threshold(library)
    people, sure = _people(library, compared)
    groups, both = _alike(library, compared, people, sure, limit)
    return Questions(
        groups=groups,
        people=both,
        doubts=_doubts(library, compared, people, sure, limit),
        twice=_twice(library, compared, limit),
        duplicates=_duplicates(library, compared),
    )


@lru_cache(maxsize=1)
def _compared(library: Library, cache_version: tuple[object, ...]) -> _Compared:
    embedder = load_embedder(library.settings)
    faces = normalised(load_vectors(library, embedder), embedder)
    return _Compared(faces, library.clusters.numbers(faces.ids), load_graph(library, faces, embedder))


def _threshold(library: Library) -> float:
    """The distance up to which faces are grouped by default: the scale of the questions."""
    embedder = load_embedder(library.settings)
    return clusterers.default_threshold("density-linkage", embedder.name, embedder.default_threshold)


def _people(library: Library, compared: _Compared) -> tuple[Ints, np.ndarray]:
    """The person of each face, -1 for nobody, and whether a human said so."""
    names = library.gallery.names()
    people, sure = np.full(len(compared.faces.ids), -1, np.int64), np.zeros(len(compared.faces.ids), bool)
    rows = compared.faces.rows(names.ids)
    people[rows[rows >= 0]], sure[rows[rows >= 0]] = names.people[rows >= 0], names.sure[rows >= 0]
    return people, sure


def _alike(
    library: Library, compared: _Compared, people: Ints, sure: np.ndarray, limit: float
) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """Pairs of groups in which nobody has a name, and pairs of people that lists show."""
    first = int(compared.groups.max(initial=0)) + 1  # people are numbered behind the groups
    hidden = [person.id for person in library.people.all() if person.hidden]
    partly = np.isin(compared.groups, compared.groups[people >= 0])
    groups = np.where((compared.groups > 0) & ~partly, compared.groups, -1)
    groups[sure] = first + people[sure]
    groups[np.isin(people, hidden)] = -1
    faces = compared.faces
    told = faces.pairs(library.pair_constraints.all(same=False))
    found = merge_candidates.likely_pairs(
        faces.vectors, groups, faces.photos, compared.graph, threshold=limit, apart=told
    )
    pairs = [replace(p, typical=compared.pair(p.typical), because=compared.pair(p.because)) for p in found]
    named = [replace(p, one=p.one - first, other=p.other - first) for p in pairs if min(p.one, p.other) >= first]
    return tuple(p for p in pairs if max(p.one, p.other) < first), tuple(named)


def _doubts(
    library: Library, compared: _Compared, people: Ints, sure: np.ndarray, limit: float
) -> tuple[Doubt, ...]:
    """Without the faces of which a human said that they are the same person as another one of that name."""
    said = compared.faces.pairs(library.pair_constraints.all(same=True))
    agreed = set(said[people[said[:, 0]] == people[said[:, 1]]].ravel().tolist())
    named = label_errors.Named(compared.faces.vectors, people, sure)
    found = [
        doubt for doubt in label_errors.doubtful(named, compared.graph, threshold=limit) if doubt.face not in agreed
    ]
    return tuple(replace(d, face=compared.ids([d.face])[0], because=compared.ids(d.because)) for d in found)


def _twice(library: Library, compared: _Compared, limit: float) -> tuple[Twice, ...]:
    """Without those that are all but equal (a mirror, a collage), and without those that a human found right."""
    said = set(map(tuple, library.pair_constraints.all(same=True).tolist()))
    return tuple(
        Twice(photo, person, faces)
        for photo, person, faces in library.gallery.twice(TWICE)
        if not all(pair in said or _equal(compared, pair, limit) for pair in combinations(sorted(faces), 2))
    )


def _equal(compared: _Compared, pair: tuple[int, ...], limit: float) -> bool:
    rows = compared.faces.rows(np.array(pair))
    if (rows < 0).any():
        return False
    one, other = compared.faces.vectors[rows]
    return bool(np.linalg.norm(one - other) <= clusterers.SURELY_SAME * limit)


def _duplicates(library: Library, compared: _Compared) -> tuple[Duplicates, ...]:
    """Without the photos of which a human said that all are to be kept."""
    sharing = near_duplicates.sharing_a_face(compared.graph, compared.faces.photos)
    known = library.photos.phashes(np.unique(sharing).tolist())
    pairs = near_duplicates.looking_alike(sharing, {photo: phash for photo, (phash, _) in known.items()})
    sizes = {photo: known[photo][1] for photo in np.unique(pairs).tolist()}
    pictures = _pictures(library, compared, sizes)
    said = set(map(tuple, library.pair_constraints.all(same=True).tolist()))
    found = near_duplicates.near_duplicates(compared.graph, pairs, pictures)
    renamed = [
        replace(d, unnamed=compared.ids(d.unnamed), pairs=tuple(compared.pair(pair) for pair in d.pairs))
        for d in found
    ]
    return tuple(d for d in renamed if not all(tuple(sorted(pair)) in said for pair in d.pairs))


def _pictures(library: Library, compared: _Compared, sizes: Mapping[int, tuple[int, int]]) -> dict[int, Picture]:
    """The photos whose widths and heights these are, with their faces."""
    rows = np.flatnonzero(np.isin(compared.faces.photos, list(sizes)))
    row_of = dict(zip(compared.faces.ids[rows].tolist(), rows.tolist(), strict=True))
    faces: dict[int, list[FaceView]] = {}
    for face in library.faces.get_many(list(row_of)):
        faces.setdefault(face.photo_id, []).append(face)
    return {photo: _picture(found, row_of, sizes[photo]) for photo, found in faces.items()}


def _picture(faces: Sequence[FaceView], row_of: Mapping[int, int], size: tuple[int, int]) -> Picture:
    return Picture(
        rows=tuple(row_of[face.id] for face in faces),
        boxes=tuple(carried(face.box, size, (1, 1), 0) for face in faces),
        named=tuple(face.person is not None for face in faces),
        worth=sum(face.quality for face in faces) + size[0] * size[1] / 1e9,  # the larger of copies
    )


def singles(
    library: Library, after: int | None = None, limit: int = 60, *, least_quality: float = 0.0
) -> list[FaceView]:
    """Unnamed faces in no group, behind the face `after`. Those that look alike lie side by side, the most alike
    first; then come those like nobody, the best pictures first."""
    ids = _singles(library, library.gallery.faces_cache_version())
    start = ids.index(after) + 1 if after in ids else 0
    found: list[FaceView] = []
    while len(found) < limit and start < len(ids):
        some = library.faces.get_many(ids[start : start + 2 * limit])
        found += [face for face in some if face.person is None and face.quality >= least_quality]
        start += 2 * limit
    return found[:limit]


@lru_cache(maxsize=2)
def _singles(library: Library, cache_version: tuple[object, ...]) -> Sequence[int]:
    """All faces in no group, those with a name among them, so that their order stays while names are given."""
    compared = _compared(library, cache_version)
    alone = np.flatnonzero(compared.groups == 0)
    alone = alone[np.argsort(-compared.faces.quality[alone], kind="stable")]
    placed = seriation.order(compared.graph, alone, compared.faces.photos)
    ids: list[int] = compared.faces.ids[placed].tolist()
    return ids
