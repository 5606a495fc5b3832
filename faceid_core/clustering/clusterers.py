"""Group faces into people, as far as the vectors tell. Suggestions only: a person is what a human named.

Every clusterer is called as f(vectors, graph, *, threshold, photos=None, quality=None, people=None) -> (N,) labels:
0.. for the groups, 0 the largest; -1 for a face in no group.

vectors: (N, D) float32, of equal length (see neighbours.on_sphere).  graph: their NeighbourGraph.
threshold: a Euclidean distance; a larger one makes fewer, larger groups.
photos: (N,) the photo of each face; faces of one photo are different people, unless they are all but equal.
quality: (N,) 0 to 1; a face below FOUNDING_QUALITY joins a group that others founded, or stays alone; one below
LOW_QUALITY stays alone.
people: (N,) whom a human named, -1 for nobody; faces of one person are in one group, and of two in two.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Protocol

import numpy as np
import numpy.typing as npt

from faceid_core.clustering import absorption, density, linkage, score_normalisation
from faceid_core.clustering.constraints import Constraints
from faceid_core.errors import BadInput, UnknownChoice
from faceid_core.values import LOW_QUALITY, Ints, Vectors
from faceid_core.vectors import neighbours
from faceid_core.vectors.neighbours import Edges, NeighbourGraph

FOUNDING_QUALITY = 0.4

SURELY_SAME = 0.7
"""Within this share of the threshold two faces surely are one person, even in one photo (a mirror, a collage)."""

WIDEST, REACH = 1.15, 1.1
"""Shares of the threshold, see density_linkage. Chosen on LFW in halves by person; 1.12 to 1.2 differ little."""

EDGES = 1_000_000
"""Edges whose offsets are added at a time."""

PART_LIMIT = 12_000
HDBSCAN_LIMIT = 30_000


class Clusterer(Protocol):
    """See the module's text."""

    def __call__(
        self,
        vectors: Vectors,
        graph: NeighbourGraph,
        *,
        threshold: float,
        photos: npt.ArrayLike | None = None,
        quality: npt.ArrayLike | None = None,
        people: npt.ArrayLike | None = None,
    ) -> Ints: ...


Bools = npt.NDArray[np.bool_]
LabelFaces = Callable[[Vectors, NeighbourGraph, float, Constraints | None, Bools], Ints]
"""The part that differs: (N,) labels, from 0 of faces that may found groups (N,), -1 of the others."""
LabelFounders = Callable[[Vectors, NeighbourGraph, float, Constraints | None], Ints]
"""The same, where it gets only those that may."""


def _clusterer(label_faces: LabelFaces) -> Clusterer:
    """Add what all clusterers share: checks, low quality, what photos and names say, the numbering."""

    @wraps(label_faces)
    def clusterer(
        vectors: Vectors,
        graph: NeighbourGraph,
        *,
        threshold: float,
        photos: npt.ArrayLike | None = None,
        quality: npt.ArrayLike | None = None,
        people: npt.ArrayLike | None = None,
    ) -> Ints:
        count, per_face = len(vectors), (photos, quality, people)
        if len(graph) != count or any(given is not None and np.shape(given) != (count,) for given in per_face):
            raise ValueError(f"graph, photos, quality and people must be of the same {count} faces as the vectors")
        constraints = None
        if photos is not None or people is not None:
            constraints = Constraints.of(vectors, photos, people, SURELY_SAME * threshold)
        founds = _founds(count, quality, constraints)
        labels = _numbered(_founded(label_faces, vectors, graph, threshold, constraints, founds))
        joins = ~founds if quality is None else ~founds & (np.asarray(quality) >= LOW_QUALITY)
        return _numbered(_adopted(labels, graph, founds, joins, threshold, constraints))

    return clusterer


def _founds(count: int, quality: npt.ArrayLike | None, constraints: Constraints | None) -> npt.NDArray[np.bool_]:
    """(count,) whether each face may found a group: it is good enough, or a human knew it."""
    good = np.ones(count, bool) if quality is None else np.asarray(quality) >= FOUNDING_QUALITY
    return good if constraints is None else good | (constraints.person >= 0)


def _on_founders(label_founders: LabelFounders) -> LabelFaces:
    """With copies of what is known of those faces that may found groups."""

    @wraps(label_founders)
    def label_faces(
        vectors: Vectors, graph: NeighbourGraph, threshold: float, constraints: Constraints | None, founds: Bools
    ) -> Ints:
        rows, labels = np.flatnonzero(founds), np.full(len(vectors), -1, np.int64)
        part = constraints.subset(rows) if constraints else None
        labels[rows] = label_founders(vectors[rows], graph.subset(rows), threshold, part)
        return labels

    return label_faces


def _founded(
    label_faces: LabelFaces,
    vectors: Vectors,
    graph: NeighbourGraph,
    threshold: float,
    constraints: Constraints | None,
    founds: Bools,
) -> Ints:
    """Labels (N,) from 0 of those that may found groups, -1 of the others."""
    if np.count_nonzero(founds) < 2:
        return np.where(founds, 0, -1)
    labels = label_faces(vectors, graph, threshold, constraints, founds)
    if constraints is None:
        return labels
    return constraints.together(linkage.separate(vectors, labels, constraints, sure=SURELY_SAME * threshold))


def _numbered(labels: Ints) -> Ints:
    """Groups of two faces and more numbered from 0, the largest first and older faces first among equals."""
    result = np.full(len(labels), -1, np.int64)
    groups = sorted(linkage.members(labels), key=lambda faces: (-len(faces), int(faces[0])))
    for number, faces in enumerate(groups):
        result[faces] = number
    return result


def _adopted(
    labels: Ints,
    graph: NeighbourGraph,
    founds: npt.NDArray[np.bool_],
    joins: npt.NDArray[np.bool_],
    longest: float,
    constraints: Constraints | None,
) -> Ints:
    """Let each face that may only join do so with the group of its nearest founder, unless its photo is there
    already."""
    labels, waiting = labels.copy(), np.flatnonzero(joins)
    photo = np.arange(len(labels)) if constraints is None else constraints.photo
    there = np.isin(photo, photo[waiting])  # who else is on one of these photos
    taken = set(zip(labels[there].tolist(), photo[there].tolist(), strict=True))
    for face in waiting.tolist():
        near = graph.indices[face][graph.distances[face] <= longest]
        near = near[founds[near]]
        for group in labels[near[labels[near] >= 0]].tolist():
            if (group, int(photo[face])) not in taken:
                labels[face] = group
                taken.add((group, int(photo[face])))
                break
    return labels


@_clusterer
@_on_founders
def chinese_whispers(
    vectors: Vectors, graph: NeighbourGraph, threshold: float, constraints: Constraints | None
) -> Ints:
    """Each face takes over the label that most of its neighbours within the threshold have.

    Biemann, "Chinese whispers" (2006), as dlib runs it: edges of equal weight, the same labels on every run. Good
    at people with many photos; it does not see how wide a group grows.
    """
    import dlib

    low, high, _ = graph.edges(threshold)
    own = range(len(vectors))  # an edge to itself makes a face without neighbours a node
    edges = [*zip(low.tolist(), high.tolist(), strict=True), *zip(own, own, strict=True)]
    return np.asarray(dlib.chinese_whispers(edges), np.int64)


@_clusterer
def density_linkage(
    vectors: Vectors, graph: NeighbourGraph, threshold: float, constraints: Constraints | None, founds: Bools
) -> Ints:
    """The groups of the density hierarchy, checked and completed by average linkage.

    The hierarchy follows a person with many photos from face to near face, where average linkage would tear apart;
    but it may run on into a lookalike. So average linkage divides a group wider than WIDEST thresholds, and then
    joins groups and single faces that are on average (root mean square) within the threshold. All that happens
    twice: the first groups tell where people are crowded and distances mean less. Large and small groups come
    out right: on LFW, pairwise F and BCubed F are above the other clusterers' at their best thresholds. At last
    large groups absorb what is left of their person, see absorption.
    """
    graph = graph.among(founds)
    first = _dense_and_linked(vectors, graph, threshold, constraints, founds, np.zeros(len(vectors)))
    offsets = score_normalisation.offsets(vectors, graph, first)
    groups = _dense_and_linked(vectors, graph, threshold, constraints, founds, offsets)
    return absorption.absorb(vectors, graph, groups, constraints)


def _dense_and_linked(
    vectors: Vectors,
    graph: NeighbourGraph,
    threshold: float,
    constraints: Constraints | None,
    founds: Bools,
    offsets: score_normalisation.Floats,
) -> Ints:
    """One pass, with offsets (N,) added to the distances."""
    sure = SURELY_SAME * threshold
    # An average within the threshold has a few edges beyond it.
    low, high, apart = _reached(graph, REACH * threshold, offsets)
    groups = np.where(founds, density.groups(len(vectors), (low, high, apart), threshold, sure), -1)
    del apart
    groups = linkage.split_wide(vectors, groups, WIDEST * threshold, offsets=offsets)
    if constraints is not None:
        groups = constraints.together(linkage.separate(vectors, groups, constraints, sure=sure))
    pairs = linkage.one_for_each(groups, (low, high))
    del low, high
    return linkage.merge(vectors, groups, pairs, threshold, constraints, sure=sure, offsets=offsets)


def _reached(graph: NeighbourGraph, longest: float, offsets: score_normalisation.Floats) -> Edges:
    """The graph's edges at most `longest` after the offsets of both ends are added, with these distances."""
    low, high, apart = graph.edges(longest - 2 * float(offsets.min(initial=0)))
    kept = 0
    for at in range(0, len(low), EDGES):  # in place, as there may be hundreds of millions
        some = slice(at, at + EDGES)
        shifted = np.maximum(apart[some] + offsets[low[some]] + offsets[high[some]], 0).astype(np.float32)
        fine = np.flatnonzero(shifted <= longest)
        into = slice(kept, kept + len(fine))
        low[into], high[into], apart[into] = low[some][fine], high[some][fine], shifted[fine]
        kept += len(fine)
    return low[:kept], high[:kept], apart[:kept]


@_clusterer
@_on_founders
def agglomerative(
    vectors: Vectors, graph: NeighbourGraph, threshold: float, constraints: Constraints | None
) -> Ints:
    """Plain average linkage: joins until the mean distance between groups reaches the threshold.

    scikit-learn runs it on each connected part of the graph, which is exact but for the neighbours beyond the
    graph's k. Its memory is quadratic: parts of more than PART_LIMIT faces are joined on the graph's edges instead.
    """
    from sklearn.cluster import AgglomerativeClustering

    low, high, _ = graph.edges(threshold)
    parts = linkage.components(len(vectors), (low, high))
    labels, fresh = np.arange(len(vectors)), len(vectors)
    model = AgglomerativeClustering(n_clusters=None, linkage="average", distance_threshold=threshold)
    for faces in linkage.members(parts):
        if len(faces) <= PART_LIMIT:
            labels[faces] = fresh + model.fit_predict(vectors[faces])
        else:
            near = parts[low] == parts[faces[0]]
            labels[faces] = (
                fresh + linkage.merge(vectors, np.arange(len(vectors)), (low[near], high[near]), threshold)[faces]
            )
        fresh = int(labels.max()) + 1
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


@_clusterer
@_on_founders
def hdbscan(vectors: Vectors, graph: NeighbourGraph, threshold: float, constraints: Constraints | None) -> Ints:
    """Groups of different density (Campello, Moulavi and Sander 2013); one wider than the threshold is divided.

    Wider means that average linkage reaches the threshold. By itself HDBSCAN would never call all faces one person:
    where average linkage does, that stands. Raises BadInput for more than HDBSCAN_LIMIT faces.
    """
    from sklearn.cluster import HDBSCAN

    count = len(vectors)
    if count > HDBSCAN_LIMIT:
        raise BadInput(
            f"HDBSCAN groups at most {HDBSCAN_LIMIT:,} faces and there are {count:,}; choose density-linkage."
        )
    everyone = np.zeros(count, np.int64)
    if count <= linkage.SPLIT_LIMIT and linkage.split_wide(vectors, everyone, threshold).max() == 0:
        return everyone
    model = HDBSCAN(min_cluster_size=2, min_samples=1, copy=True)
    dense = np.asarray(model.fit_predict(vectors.astype(np.float64)), np.int64)
    dense[dense < 0] = count + np.flatnonzero(dense < 0)
    return linkage.split_wide(vectors, dense, threshold)


CLUSTERERS: dict[str, Clusterer] = {
    "density-linkage": density_linkage,
    "chinese-whispers": chinese_whispers,
    "agglomerative": agglomerative,
    "hdbscan": hdbscan,
}

_SHARE = {"density-linkage": 0.88, "chinese-whispers": 0.8, "agglomerative": 0.91, "hdbscan": 0.97}
"""Default threshold as a share of the distance below which two faces are usually of one person."""

_SAME_PERSON = {"dlib-resnet": 0.57, "dlib-resnet+mirror": 0.55}


def default_threshold(algorithm: str, embedder: str, same_person: float | None = None) -> float:
    """The distance to group by. same_person: the embedder's default_threshold, for an embedder not known here.

    Raises UnknownChoice.
    """
    _chosen(algorithm)
    distance = _SAME_PERSON.get(embedder, same_person)
    if distance is None:
        raise UnknownChoice(f"No distance is known for the embedder {embedder!r}; give the threshold yourself.")
    return round(_SHARE.get(algorithm, 0.91) * distance, 2)


def _chosen(name: str) -> Clusterer:
    clusterer = CLUSTERERS.get(name)
    if clusterer is None:
        raise UnknownChoice(f"There is no clusterer {name!r}; choose one of {', '.join(CLUSTERERS)}.")
    return clusterer


def cluster(
    name: str,
    vectors: Vectors,
    graph: NeighbourGraph | None = None,
    *,
    threshold: float,
    photos: npt.ArrayLike | None = None,
    quality: npt.ArrayLike | None = None,
    people: npt.ArrayLike | None = None,
    unit: float = 1.0,
) -> Ints:
    """Labels (N,) by the clusterer of that name; without a graph it is built. unit: how long a distance of 1 on
    dlib's space is here; clusterers hold constants of that space. Raises UnknownChoice."""
    clusterer = _chosen(name)
    graph = neighbours.build(vectors) if graph is None else graph
    if unit != 1:
        vectors, graph, threshold = vectors / np.float32(unit), graph.scaled(1 / unit), threshold / unit
    return clusterer(vectors, graph, threshold=threshold, photos=photos, quality=quality, people=people)
