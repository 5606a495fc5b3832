"""The grouping step: put faces into groups, let new ones join, and measure groups by the names that people gave."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from faceid_core.clustering import continuity
from faceid_core.errors import NotEnoughLabels
from faceid_core.library import FaceVectors, Library
from faceid_core.steps.load_vectors import load_embedder, load_graph, load_vectors, normalised
from faceid_core.values import Ints, LabelSource, Progress, no_progress
from faceid_core.vision.embedder import Embedder

if TYPE_CHECKING:
    from faceid_core.clustering.metrics import Scores


LAST_FACE = "last_face"
"""The parameter of a grouping that tells the newest face it saw."""


MEASURED_FROM = 20
"""Named faces, of at least two people, that a grouping is compared with: fewer tell nothing."""


@dataclass(frozen=True, slots=True)
class Measured:
    """How groups made without the names that people gave agree with these. mixed: share of a face's group that is
    somebody else; scattered: share of a face's person that is elsewhere; both 0 to 1, the mean over the named faces
    (1 - BCubed precision and recall)."""

    faces: int
    mixed: float
    scattered: float

    def in_words(self) -> str:
        """
        >>> Measured(512, 0.004, 0.031).in_words()
        'Beside 512 names given, 0.4 % of a group are other people and 3.1 % of a person are outside their group'
        """
        return (
            f"Beside {self.faces:,} names given, {100 * self.mixed:.1f} % of a group are other people and "
            f"{100 * self.scattered:.1f} % of a person are outside their group"
        )


@dataclass(frozen=True, slots=True)
class ClusterReport:
    """What a grouping did. grouped: faces in a group; single: faces in none; moved, merged, split: what became of
    the groups from before, as in continuity.Changes; measured: of a preview, unless too few faces have a name."""

    algorithm: str
    threshold: float
    faces: int
    clusters: int
    grouped: int
    single: int
    moved: int
    merged: int
    split: int
    seconds: float
    measured: Measured | None = None

    def changes(self) -> str:
        """What became of the groups from before, in words; "" for nothing."""
        return continuity.Changes(self.moved, self.merged, self.split).in_words()

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        return asdict(self)


def cluster_faces(
    library: Library,
    *,
    algorithm: str | None = None,
    threshold: float | None = None,
    strictness: float = 0,
    preview: bool = False,
    new_only: bool = False,
    progress: Progress = no_progress,
) -> ClusterReport:
    """Group all faces anew. People, labels and flags stay as they are. The faces of a named person are one group,
    unless a human told two of them apart, and no group holds two named people.

    threshold: a Euclidean distance; without one, strictness moves the default, see there. preview: only tell what
    would change, and measure it. new_only: faces that came after the latest grouping join its groups or make new
    ones, and nobody else moves; without such a grouping, or when most faces are new, all are grouped.
    Raises NoPhotos, NoFaces, UnknownChoice.
    """
    started = time.monotonic()
    embedder = load_embedder(library.settings)
    faces = normalised(load_vectors(library, embedder), embedder)
    progress(0, 2, "Comparing faces")
    before = library.clusters.numbers(faces.ids)
    joined, measured = _joined(library, faces, before, embedder) if new_only else None, None
    if joined is None:
        people, ruled_out = _said(library, faces)
        chosen = _chosen(library, algorithm, threshold, strictness)
        labels = _grouped(library, faces, chosen, people)
        algorithm, threshold = chosen
        measured = _measured(library, faces, chosen) if preview else None
        numbers = continuity.numbered(before, _as_people_say(library, faces, labels, people, ruled_out))
    else:
        algorithm, threshold, numbers = joined
    progress(1, 2, "Storing the groups")
    changed, grouped = continuity.changes(before, numbers), int((numbers > 0).sum())
    if not preview:
        parameters = {"threshold": threshold, LAST_FACE: int(faces.ids[-1])}
        library.clusters.save_run(
            algorithm, parameters, embedder.name, faces.ids, numbers, changes=changed.in_words()
        )
    progress(2, 2, "Faces are grouped")
    return ClusterReport(
        algorithm=algorithm,
        threshold=threshold,
        faces=len(numbers),
        clusters=len(np.unique(numbers[numbers > 0])),
        grouped=grouped,
        single=len(numbers) - grouped,
        moved=changed.moved,
        merged=changed.merged,
        split=changed.split,
        seconds=time.monotonic() - started,
        measured=measured,
    )


def _measured(library: Library, faces: FaceVectors, chosen: tuple[str, float]) -> Measured | None:
    from faceid_core.clustering import metrics

    truth = _given_names(faces)
    named = np.flatnonzero(truth != "")
    if len(named) < MEASURED_FROM or len(np.unique(truth[named])) < 2:
        return None
    labels = _grouped(library, faces, chosen)
    cubed = metrics.bcubed(labels[named], truth[named])
    return Measured(len(named), 1 - cubed.precision, 1 - cubed.recall)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How a grouping that knows no names agrees with those that people gave.

    acts: names to give until all these faces are named, see evaluation.naming_acts.
    """

    algorithm: str
    threshold: float
    faces: int
    people: int
    pairwise: Scores
    bcubed: Scores
    purity: float
    acts: int

    def as_dict(self) -> dict[str, Any]:
        """The evaluation as plain values for JSON."""
        return asdict(self)


def evaluate_clusters(
    library: Library, *, algorithm: str | None = None, threshold: float | None = None
) -> Evaluation:
    """Group all faces as if nobody had a name, and compare the groups with the names that people gave.

    Names that the recogniser gave don't count. Nothing is stored. Raises NoPhotos, NoFaces, UnknownChoice,
    NotEnoughLabels.
    """
    from faceid_core.clustering import metrics

    embedder = load_embedder(library.settings)
    faces = normalised(load_vectors(library, embedder), embedder)
    truth = _given_names(faces)
    named = np.flatnonzero(truth != "")
    people = len(np.unique(truth[named]))
    if people < 2:
        raise NotEnoughLabels(
            "Name the faces of at least two people first; then the groups can be compared with them."
        )
    chosen = algorithm, threshold = _chosen(library, algorithm, threshold)
    labels = _grouped(library, faces, chosen)
    of_named, names = labels[named], truth[named]
    return Evaluation(
        algorithm=algorithm,
        threshold=threshold,
        faces=len(named),
        people=people,
        pairwise=metrics.pairwise(of_named, names),
        bcubed=metrics.bcubed(of_named, names),
        purity=metrics.purity(of_named, names),
        acts=metrics.naming_acts(of_named, names),
    )


def _given_names(faces: FaceVectors) -> npt.NDArray[np.str_]:
    """The name (N,) that a person gave to each face, "" for none."""
    pairs = zip(faces.people, faces.sources, strict=True)
    return np.array([name if name and source != LabelSource.MODEL.value else "" for name, source in pairs], np.str_)


def _chosen(
    library: Library, algorithm: str | None, threshold: float | None, strictness: float = 0
) -> tuple[str, float]:
    """The clusterer and the threshold that count. Raises UnknownChoice."""
    from faceid_core.clustering import clusterers
    from faceid_core.clustering.strictness import stricter

    algorithm, embedder = algorithm or library.settings.clusterer, load_embedder(library.settings)
    if threshold is None:
        usual = clusterers.default_threshold(algorithm, embedder.name, embedder.default_threshold)
        threshold = stricter(usual, strictness)
    return algorithm, threshold


def _grouped(library: Library, faces: FaceVectors, chosen: tuple[str, float], people: Ints | None = None) -> Ints:
    """Labels (N,), -1 for none. people: (N,) whom a human named, -1 for nobody; without, as if nobody had a name.
    Raises UnknownChoice."""
    from faceid_core.clustering import clusterers

    algorithm, threshold = chosen
    return clusterers.cluster(
        algorithm,
        faces.vectors,
        load_graph(library, faces, load_embedder(library.settings)),
        threshold=threshold,
        photos=faces.photos,
        quality=faces.quality,
        people=people,
    )


def _joined(
    library: Library, faces: FaceVectors, before: Ints, embedder: Embedder
) -> tuple[str, float, Ints] | None:
    """The latest grouping's clusterer, its threshold and the numbers (N,) once new faces have joined; None where
    all faces must be grouped."""
    from faceid_core.clustering import incremental

    run = library.clusters.current()
    if run is None or run.embedder != embedder.name or LAST_FACE not in run.parameters:
        return None
    new = np.flatnonzero((faces.ids > run.parameters[LAST_FACE]) & (before == 0))
    if 2 * len(new) > len(faces.ids):
        return None
    people, ruled_out = _said(library, faces)
    everybody = incremental.ClusteredFaces(faces.vectors, faces.photos, faces.quality, before, people, ruled_out)
    threshold, near = float(run.parameters["threshold"]), load_graph(library, faces, embedder)
    return (
        run.algorithm,
        threshold,
        incremental.join(everybody, new, near, algorithm=run.algorithm, limit=threshold),
    )


def _said(library: Library, faces: FaceVectors) -> tuple[Ints, set[tuple[int, int]]]:
    """What people said: who each face is (N,), -1 for nobody, and (row, person) that is not so."""
    by_name = {person.name: person.id for person in library.people.all()}
    named = [by_name.get(name, -1) for name in _given_names(faces)]
    row = {int(face): number for number, face in enumerate(faces.ids)}
    ruled_out = {(row[face], person) for face, person in library.gallery.ruled_out(faces.ids)}
    return np.array(named, np.int64), ruled_out


def _as_people_say(
    library: Library, faces: FaceVectors, labels: Ints, people: Ints, ruled_out: set[tuple[int, int]]
) -> Ints:
    """The groups with named people, and faces that were told apart, kept apart, as `_said` has them. What a model
    guessed keeps nobody apart."""
    people = continuity.told_apart(labels, people, faces.pairs(library.pair_constraints.all(same=False)))
    return continuity.apart(faces.vectors, labels, people, ruled_out)
