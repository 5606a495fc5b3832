"""The clustering step: put faces into clusters, anew or by letting new faces join."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from faceid_core.clustering import continuity
from faceid_core.library import Library
from faceid_core.steps.cluster_labels import Chosen, choose, cluster_labels
from faceid_core.steps.evaluate import Measured, measure
from faceid_core.steps.load_vectors import MEASURED, is_ours, unit_of
from faceid_core.steps.snapshot import LibrarySnapshot, measured_same_person
from faceid_core.values import Ints, Progress, Role, no_progress

LAST_FACE = "last_face"
"""The parameter of a clustering that tells the newest face it saw."""


@dataclass(frozen=True, slots=True)
class ClusterReport:
    """What a clustering did. grouped: faces in a cluster; single: faces in none; moved, merged, split: what became
    of the clusters from before, as in continuity.Changes; measured: of a preview, unless too few faces have a name.
    """

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
        """What became of the clusters from before, in words; "" for nothing."""
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
    """Cluster all faces anew. People, labels and flags stay as they are. The faces of a person are one cluster,
    unless a human said that two of them are two people, and no cluster holds two named people.

    threshold: a Euclidean distance; without one, strictness moves the default, see there. preview: only tell what
    would change, and measure it. new_only: faces that came after the latest clustering join its clusters or make
    new ones, and nobody else moves; without such a clustering, or when most faces are new, all are clustered.
    Raises NotAllowed for viewers, NoPhotos, NoFaces, UnknownChoice.
    """
    library.actor.require(Role.EDITOR)  # now, not after the work
    started = time.monotonic()
    snapshot = LibrarySnapshot.of(library)
    before = snapshot.compared.numbers
    progress(0, 2, "Comparing faces")
    joined, measured = _join(snapshot) if new_only else None, None
    if joined is None:
        same_person = measured_same_person(snapshot)
        chosen = choose(library.settings, same_person, algorithm, threshold, strictness)
        unit = unit_of(snapshot.embedder, same_person)
        numbers = _cluster_anew(snapshot, chosen, unit)
        measured = measure(snapshot, chosen, unit) if preview else None
    else:
        same_person = snapshot.compared.same_person
        chosen, numbers = joined
    progress(1, 2, "Saving the groups")
    changed = continuity.changes(before, numbers)
    if not preview:
        _save(snapshot, chosen, same_person, numbers, changed)
    progress(2, 2, "Faces grouped")
    return _report(chosen, numbers, changed, measured, time.monotonic() - started)


def newest_grouped(library: Library) -> int:
    """The newest face that the latest clustering saw, 0 for none."""
    run = library.clusters.current()
    return int(run.parameters.get(LAST_FACE, 0)) if run is not None else 0


def _cluster_anew(snapshot: LibrarySnapshot, chosen: Chosen, unit: float) -> Ints:
    """The numbers (N,) of all faces' clusters, 0 for none; clusters keep their numbers where most faces stay."""
    labels = cluster_labels(snapshot, chosen, snapshot.human_labels, unit=unit)
    return continuity.numbered(snapshot.compared.numbers, _keep_apart(snapshot, labels))


def _keep_apart(snapshot: LibrarySnapshot, labels: Ints) -> Ints:
    """The labels (N,) with named people, and faces that a human said are two people, in clusters of their own."""
    faces = snapshot.faces
    people = continuity.people_kept_apart(labels, snapshot.human_labels, faces.pairs(snapshot.cannot_link))
    return continuity.apart(faces.vectors, labels, people, snapshot.ruled_out)


def _join(snapshot: LibrarySnapshot) -> tuple[Chosen, Ints] | None:
    """The latest clustering's clusterer and threshold, and the numbers (N,) once new faces have joined; None where
    all faces must be clustered."""
    from faceid_core.clustering import incremental

    run, faces, before = snapshot.compared.run, snapshot.faces, snapshot.compared.numbers
    if run is None or run.embedder != snapshot.embedder.name or LAST_FACE not in run.parameters:
        return None
    new = np.flatnonzero((faces.ids > run.parameters[LAST_FACE]) & (before == 0))
    if 2 * len(new) > len(faces.ids):
        return None
    clustered = incremental.ClusteredFaces(
        faces.vectors, faces.photos, faces.quality, before, snapshot.human_labels, snapshot.ruled_out
    )
    chosen = algorithm, threshold = run.algorithm, float(run.parameters["threshold"])
    unit = snapshot.compared.unit
    joined = incremental.join(clustered, new, snapshot.graph, algorithm=algorithm, limit=threshold, unit=unit)
    return chosen, joined


def _save(
    snapshot: LibrarySnapshot, chosen: Chosen, same_person: float, numbers: Ints, changed: continuity.Changes
) -> None:
    algorithm, threshold = chosen
    ids = snapshot.faces.ids
    parameters: dict[str, Any] = {"threshold": threshold, LAST_FACE: int(ids[-1])}
    if not is_ours(snapshot.embedder):
        parameters[MEASURED] = same_person
    embedder = snapshot.embedder.name
    snapshot.library.clusters.save_run(algorithm, parameters, embedder, ids, numbers, changes=changed.in_words())


def _report(
    chosen: Chosen, numbers: Ints, changed: continuity.Changes, measured: Measured | None, seconds: float
) -> ClusterReport:
    clustered = int((numbers > 0).sum())
    return ClusterReport(
        algorithm=chosen[0],
        threshold=chosen[1],
        faces=len(numbers),
        clusters=len(np.unique(numbers[numbers > 0])),
        grouped=clustered,
        single=len(numbers) - clustered,
        moved=changed.moved,
        merged=changed.merged,
        split=changed.split,
        seconds=seconds,
        measured=measured,
    )
