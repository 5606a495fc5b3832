"""What to ask people about their library: who an unnamed face may be, who may be one person, which names may be
wrong, who is on a photo twice, and which photos show one moment. What a human has answered is not asked again.
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
from faceid_core.review import identity, label_errors, merge_candidates, near_duplicates, seriation
from faceid_core.review.identity import Suggestion
from faceid_core.review.label_errors import Doubt
from faceid_core.review.merge_candidates import Pair
from faceid_core.review.near_duplicates import Duplicates, Picture
from faceid_core.steps.cluster_labels import usual_threshold
from faceid_core.steps.load_vectors import load_embedder, same_person
from faceid_core.steps.snapshot import LibrarySnapshot, recent_snapshot
from faceid_core.values import Ints

SUGGEST_FOR = 10_000
"""Unnamed faces that suggestions look at, the best ones first: three seconds' work for 500 people with 40 faces."""

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


def suggestions(library: Library) -> list[Suggestion]:
    """Which unnamed faces may be people that have a name, the surest first; kept until something changes."""
    return _suggestions(library, library.gallery.cache_version())


def likely_distance(library: Library) -> float:
    """The distance up to which a face is surely suggested as somebody."""
    return identity.LIMIT_SHARE * same_person(library, load_embedder(library.settings))


@lru_cache(maxsize=4)
def _suggestions(library: Library, cache_version: tuple[object, ...]) -> list[Suggestion]:
    snapshot = recent_snapshot(library)
    if not len(snapshot.gallery.ids):
        return []
    probes = snapshot.probes(SUGGEST_FOR)
    found = identity.suggest(
        probes.ids,
        probes.vectors,
        snapshot.gallery,
        limit=likely_distance(library),
        groups=probes.groups,
        forbidden=library.gallery.out_of_question(probes.ids),
        refused=snapshot.negatives,
    )
    return identity.once_a_photo(found, dict(zip(probes.ids.tolist(), probes.photos.tolist(), strict=True)))


def questions(library: Library) -> Questions:
    """Kept until something changes. Without faces or a clustering there are none."""
    if library.clusters.current() is None:
        return Questions()
    return _questions(library, (*library.gallery.cache_version(), *library.gallery.faces_cache_version()))


@lru_cache(maxsize=2)
def _questions(library: Library, cache_version: tuple[object, ...]) -> Questions:
    snapshot = recent_snapshot(library)
    limit = usual_threshold(library.settings, snapshot.compared.same_person)
    clusters, people = _one_person(snapshot, limit)
    return Questions(
        groups=clusters,
        people=people,
        doubts=_doubts(snapshot, limit),
        twice=_twice(snapshot, limit),
        duplicates=_duplicates(snapshot),
    )


def _one_person(snapshot: LibrarySnapshot, limit: float) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """Pairs of clusters in which nobody has a name, and pairs of people that lists show."""
    numbers, people, faces = snapshot.compared.numbers, snapshot.human_labels, snapshot.faces
    first = int(numbers.max(initial=0)) + 1  # people are numbered behind the clusters
    hidden = [person.id for person in snapshot.library.people.all() if person.hidden]
    partly = np.isin(numbers, numbers[people >= 0])
    groups = np.where((numbers > 0) & ~partly, numbers, -1)
    groups[people >= 0] = first + people[people >= 0]
    groups[np.isin(people, hidden)] = -1
    found = merge_candidates.likely_pairs(
        faces.vectors,
        groups,
        faces.photos,
        snapshot.graph,
        threshold=limit,
        cannot_link=faces.pairs(snapshot.cannot_link),
    )
    pairs = [replace(p, typical=_pair(snapshot, p.typical), because=_pair(snapshot, p.because)) for p in found]
    named = [replace(p, one=p.one - first, other=p.other - first) for p in pairs if min(p.one, p.other) >= first]
    return tuple(p for p in pairs if max(p.one, p.other) < first), tuple(named)


def _doubts(snapshot: LibrarySnapshot, limit: float) -> tuple[Doubt, ...]:
    """Without the faces of which a human said that they are the same person as another one of that name."""
    people = snapshot.human_labels
    must_link = snapshot.faces.pairs(snapshot.must_link)
    agreed = set(must_link[people[must_link[:, 0]] == people[must_link[:, 1]]].ravel().tolist())
    named = label_errors.Named(snapshot.faces.vectors, people)
    found = [
        doubt for doubt in label_errors.doubtful(named, snapshot.graph, threshold=limit) if doubt.face not in agreed
    ]
    return tuple(replace(d, face=_ids(snapshot, [d.face])[0], because=_ids(snapshot, d.because)) for d in found)


def _twice(snapshot: LibrarySnapshot, limit: float) -> tuple[Twice, ...]:
    """Without those that are all but equal (a mirror, a collage), and without those that a human found right."""
    must_link = set(map(tuple, snapshot.must_link.tolist()))
    return tuple(
        Twice(photo, person, faces)
        for photo, person, faces in snapshot.library.gallery.twice(TWICE)
        if not all(pair in must_link or _equal(snapshot, pair, limit) for pair in combinations(sorted(faces), 2))
    )


def _equal(snapshot: LibrarySnapshot, pair: tuple[int, ...], limit: float) -> bool:
    rows = snapshot.faces.rows(np.array(pair))
    if (rows < 0).any():
        return False
    one, other = snapshot.faces.vectors[rows]
    return bool(np.linalg.norm(one - other) <= clusterers.SURELY_SAME * limit)


def _duplicates(snapshot: LibrarySnapshot) -> tuple[Duplicates, ...]:
    """Without the photos of which a human said that all are to be kept."""
    graph = snapshot.graph.scaled(1 / snapshot.compared.unit)
    sharing = near_duplicates.sharing_a_face(graph, snapshot.faces.photos)
    known = snapshot.library.photos.phashes(np.unique(sharing).tolist())
    pairs = near_duplicates.looking_alike(sharing, {photo: phash for photo, (phash, _) in known.items()})
    sizes = {photo: known[photo][1] for photo in np.unique(pairs).tolist()}
    rows = np.flatnonzero(np.isin(snapshot.faces.photos, list(sizes)))
    drawn = pictures(snapshot.library, snapshot.faces, sizes, rows)
    must_link = set(map(tuple, snapshot.must_link.tolist()))
    found = near_duplicates.near_duplicates(graph, pairs, drawn)
    with_ids = [
        replace(d, unnamed=_ids(snapshot, d.unnamed), pairs=tuple(_pair(snapshot, pair) for pair in d.pairs))
        for d in found
    ]
    return tuple(d for d in with_ids if not all(tuple(sorted(pair)) in must_link for pair in d.pairs))


def pictures(
    library: Library, compared: FaceVectors, sizes: Mapping[int, tuple[int, int]], rows: Ints
) -> dict[int, Picture]:
    """The photos whose widths and heights these are, with their faces in these rows of all that are compared."""
    row_of = dict(zip(compared.ids[rows].tolist(), rows.tolist(), strict=True))
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


def _ids(snapshot: LibrarySnapshot, rows: Sequence[int]) -> tuple[int, ...]:
    return tuple(snapshot.faces.ids[list(rows)].tolist())


def _pair(snapshot: LibrarySnapshot, rows: tuple[int, int]) -> tuple[int, int]:
    one, other = snapshot.faces.ids[list(rows)].tolist()
    return one, other


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
    compared = recent_snapshot(library).compared
    alone = np.flatnonzero(compared.numbers == 0)
    alone = alone[np.argsort(-compared.faces.quality[alone], kind="stable")]
    placed = seriation.order(compared.graph, alone, compared.faces.photos)
    ids: list[int] = compared.faces.ids[placed].tolist()
    return ids
