"""Group faces into people, as far as the vectors tell. Suggestions only: a person is what a human named.

Every clusterer is called as f(vectors, graph, *, threshold, photos=None, quality=None) -> (N,) int64 labels:
0.. for the groups, 0 the largest; -1 for a face in no group.

vectors: (N, D) float32.  graph: their NeighbourGraph.
threshold: a Euclidean distance; a larger one makes fewer, larger groups.
photos: (N,) the photo of each face; faces of one photo are different people, unless they are all but equal.
quality: (N,) 0 to 1; a face below FOUNDING_QUALITY joins a group that others founded, or stays alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Protocol

import numpy as np
import numpy.typing as npt

from faceid_core import linkage, neighbours
from faceid_core.errors import BadInput, UnknownChoice
from faceid_core.linkage import Shots
from faceid_core.neighbours import NeighbourGraph
from faceid_core.values import Ints, Vectors

FOUNDING_QUALITY = 0.15

SURELY_SAME = 0.7
"""Faces of one photo within this share of the threshold are one person: a mirror, a collage, a face found twice."""

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
    ) -> Ints: ...


Grouping = Callable[[Vectors, NeighbourGraph, float, Shots | None], Ints]
"""The part that differs: (N,) labels >= 0 of faces that may all found groups."""


def _clusterer(grouping: Grouping) -> Clusterer:
    """Add what all clusterers share: checks, low quality, the photos' constraint, the numbering."""

    @wraps(grouping)
    def clusterer(
        vectors: Vectors,
        graph: NeighbourGraph,
        *,
        threshold: float,
        photos: npt.ArrayLike | None = None,
        quality: npt.ArrayLike | None = None,
    ) -> Ints:
        count = len(vectors)
        if len(graph) != count or any(x is not None and np.shape(x) != (count,) for x in (photos, quality)):
            raise ValueError(f"graph, photos and quality must be of the same {count} faces as the vectors")
        shots = None if photos is None else Shots.of(vectors, photos, SURELY_SAME * threshold)
        founds = np.ones(count, bool) if quality is None else np.asarray(quality) >= FOUNDING_QUALITY
        founders = np.flatnonzero(founds)
        labels = np.full(count, -1, np.int64)
        if len(founders) > 1:
            part = shots.subset(founders) if shots else None
            groups = grouping(vectors[founders], graph.subset(founders), threshold, part)
            if part:
                groups = linkage.separate(vectors[founders], groups, part)
            labels[founders] = groups
        labels = _numbered(labels)
        return _numbered(_adopted(labels, graph, founds, threshold, shots))

    return clusterer


def _numbered(labels: Ints) -> Ints:
    """Groups of two faces and more numbered from 0, the largest first and older faces first among equals."""
    result = np.full(len(labels), -1, np.int64)
    groups = sorted(linkage.members(labels), key=lambda faces: (-len(faces), int(faces[0])))
    for number, faces in enumerate(groups):
        result[faces] = number
    return result


def _adopted(
    labels: Ints, graph: NeighbourGraph, founds: npt.NDArray[np.bool_], longest: float, shots: Shots | None
) -> Ints:
    """Let each face that may not found join the group of its nearest founder, unless its photo is there already."""
    labels = labels.copy()
    photo = np.arange(len(labels)) if shots is None else shots.photo
    taken = set(zip(labels.tolist(), photo.tolist(), strict=True))
    for face in np.flatnonzero(~founds).tolist():
        near = graph.indices[face][graph.distances[face] <= longest]
        near = near[founds[near]]
        for group in labels[near[labels[near] >= 0]].tolist():
            if (group, int(photo[face])) not in taken:
                labels[face] = group
                taken.add((group, int(photo[face])))
                break
    return labels


def _whispers(count: int, graph: NeighbourGraph, longest: float) -> Ints:
    """Chinese whispers on the edges up to `longest`, all of equal weight; the same labels on every run."""
    import dlib

    low, high, _ = graph.edges(longest)
    own = range(count)  # an edge to itself makes a face without neighbours a node
    edges = [*zip(low.tolist(), high.tolist(), strict=True), *zip(own, own, strict=True)]
    return np.asarray(dlib.chinese_whispers(edges), np.int64)


@_clusterer
def chinese_whispers(vectors: Vectors, graph: NeighbourGraph, threshold: float, shots: Shots | None) -> Ints:
    """Each face takes over the label that most of its neighbours within the threshold have.

    Biemann, "Chinese Whispers" (2006), as dlib runs it. Good at people with many photos, blind to distance below
    the threshold.
    """
    return _whispers(len(vectors), graph, threshold)


@_clusterer
def average_linkage(vectors: Vectors, graph: NeighbourGraph, threshold: float, shots: Shots | None) -> Ints:
    """Chinese whispers with short edges, checked and completed by average linkage.

    Whispers find the people with many photos, whose farthest faces only their other faces connect. Average linkage
    then divides what is wider than WIDEST thresholds, and joins groups and single faces whose (root mean square)
    distance is within the threshold. On LFW this gets both large and small groups right, which neither does alone.
    """
    groups = _whispers(len(vectors), graph, WHISPER * threshold)
    groups = linkage.cut(vectors, groups, WIDEST * threshold)
    if shots is not None:
        groups = linkage.separate(vectors, groups, shots)
    low, high, _ = graph.edges(REACH * threshold)
    return linkage.merge(vectors, groups, (low, high), threshold, shots)


WHISPER, WIDEST, REACH = 0.88, 1.12, 1.1


@_clusterer
def agglomerative(vectors: Vectors, graph: NeighbourGraph, threshold: float, shots: Shots | None) -> Ints:
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


PART_LIMIT = 12_000


@_clusterer
def hdbscan(vectors: Vectors, graph: NeighbourGraph, threshold: float, shots: Shots | None) -> Ints:
    """Groups of different density (Campello, Moulavi and Sander 2013); one wider than the threshold is divided.

    Wider means that average linkage reaches the threshold. By itself HDBSCAN would never call all faces one person:
    where average linkage does, that stands.
    """
    from sklearn.cluster import HDBSCAN

    count = len(vectors)
    if count > HDBSCAN_LIMIT:
        raise BadInput(
            f"HDBSCAN groups at most {HDBSCAN_LIMIT:,} faces and there are {count:,}; choose average-linkage."
        )
    everyone = np.zeros(count, np.int64)
    if count <= linkage.CUT_LIMIT and linkage.cut(vectors, everyone, threshold).max() == 0:
        return everyone
    model = HDBSCAN(min_cluster_size=2, min_samples=1, copy=True)
    dense = np.asarray(model.fit_predict(vectors.astype(np.float64)), np.int64)
    dense[dense < 0] = count + np.flatnonzero(dense < 0)
    return linkage.cut(vectors, dense, threshold)


CLUSTERERS: dict[str, Clusterer] = {
    "average-linkage": average_linkage,
    "chinese-whispers": chinese_whispers,
    "agglomerative": agglomerative,
    "hdbscan": hdbscan,
}

_SHARE = {"average-linkage": 0.9, "chinese-whispers": 0.78, "agglomerative": 0.9, "hdbscan": 0.85}
"""Default threshold as a share of the embedder's same-person distance."""

_SAME_PERSON = {"dlib-resnet": 0.6, "dlib-resnet+mirror": 0.55}


def default_threshold(algorithm: str, embedder: str, same_person: float | None = None) -> float:
    """The distance to group by. same_person: the embedder's default_threshold, needed for one we don't know.

    Raises UnknownChoice.
    """
    distance = _SAME_PERSON.get(embedder) if same_person is None else same_person
    if distance is None:
        raise UnknownChoice(f"No distance is known for the embedder {embedder!r}; give the threshold yourself.")
    _chosen(algorithm)
    return round(_SHARE.get(algorithm, 0.9) * distance, 3)


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
) -> Ints:
    """Labels (N,) by the clusterer of that name; without a graph it is built. Raises UnknownChoice."""
    clusterer = _chosen(name)
    graph = neighbours.build(vectors) if graph is None else graph
    return clusterer(vectors, graph, threshold=threshold, photos=photos, quality=quality)
