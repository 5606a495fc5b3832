"""The steps after the import: group, map, train, recognise. Each reads from the library and writes to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from faceid_core import images, regrouping
from faceid_core.embedding import Embedder, make_embedder
from faceid_core.errors import NoFaces, NoPhotos
from faceid_core.library import FaceVectors, Library, MapPoints, ModelView, RunView
from faceid_core.settings import Settings
from faceid_core.tables import Flag, LabelSource
from faceid_core.values import Ints, Progress, Vectors, no_progress

if TYPE_CHECKING:
    from faceid_core.recognition import Recogniser
    from faceid_core.suggestions import Suggestion
    from faceid_core.training import TrainOptions


SUGGEST_FOR = 10_000
"""Unnamed faces that suggestions look at, the best ones first: about a second's work."""


@dataclass(frozen=True, slots=True)
class ClusterReport:
    """What a grouping did. grouped: faces in a group; single: faces in none; moved, merged, split: what became of
    the groups from before, as in regrouping.Changes."""

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

    def changes(self) -> str:
        """What became of the groups from before, in words; "" for nothing."""
        return regrouping.Changes(self.moved, self.merged, self.split).in_words()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class MapReport:
    """What a projection did."""

    projector: str
    faces: int
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def cluster(
    library: Library,
    *,
    algorithm: str | None = None,
    threshold: float | None = None,
    strictness: float | None = None,
    only_new: bool = False,
    preview: bool = False,
    progress: Progress = no_progress,
) -> ClusterReport:
    """Group all faces anew. People, labels and flags stay as they are, and no group holds two named people.

    threshold: a Euclidean distance; or strictness, see there. preview: only tell what would change.
    only_new: faces that came after the latest grouping join it, by its algorithm and threshold, and nobody moves.
    Raises NoPhotos, NoFaces, UnknownChoice.
    """
    from faceid_core import clustering, neighbours
    from faceid_core.strictness import threshold as of_strictness

    started = time.monotonic()
    embedder = _embedder(library.settings)
    faces = _vectors(library, embedder.name)
    vectors = neighbours.on_sphere(faces.vectors)
    run = library.clusters.current()
    if only_new and run is not None and (run.embedder, "newest" in run.parameters) == (embedder.name, True):
        return _join(library, faces, vectors, run, preview, started)
    algorithm = algorithm or library.settings.clusterer
    threshold = of_strictness(strictness or 0, algorithm, embedder.name) if threshold is None else threshold
    progress(0, 2, "Comparing faces")
    labels = clustering.cluster(algorithm, vectors, threshold=threshold, photos=faces.photos, quality=faces.quality)
    before = library.clusters.numbers(faces.ids)
    numbers = regrouping.numbered(before, _as_people_say(library, faces, labels))
    progress(1, 2, "Storing the groups")
    changed = regrouping.changes(before, numbers)
    if not preview:
        library.clusters.save_run(
            algorithm,
            {"threshold": threshold, "newest": int(faces.ids.max())},
            embedder.name,
            faces.ids,
            numbers,
            changes=changed.in_words(),
        )
    progress(2, 2, "Faces are grouped")
    return _report(algorithm, threshold, numbers, changed, started)


def _join(
    library: Library, faces: FaceVectors, vectors: Vectors, run: RunView, preview: bool, started: float
) -> ClusterReport:
    """Let the faces that came after the grouping join it."""
    from faceid_core import joining

    newest, threshold = int(run.parameters["newest"]), float(run.parameters["threshold"])
    numbers, new = library.clusters.numbers(faces.ids), faces.ids > newest
    numbers[new] = joining.join(
        vectors[~new],
        numbers[~new],
        faces.photos[~new],
        vectors[new],
        faces.photos[new],
        algorithm=run.algorithm,
        threshold=threshold,
        quality=faces.quality[new],
    )
    if not preview and new.any():
        library.clusters.join(faces.ids[new], numbers[new], int(faces.ids.max()))
    return _report(run.algorithm, threshold, numbers, regrouping.Changes(), started)


def _report(
    algorithm: str, threshold: float, numbers: Ints, changed: regrouping.Changes, started: float
) -> ClusterReport:
    grouped = int((numbers > 0).sum())
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
    )


def _as_people_say(library: Library, faces: FaceVectors, labels: Ints) -> Ints:
    """The groups with named people kept apart. What a model guessed keeps nobody apart."""
    by_name = {person.name: person.id for person in library.people.all()}
    named = [
        by_name.get(name, -1) if name is not None and source != LabelSource.MODEL.value else -1
        for name, source in zip(faces.people, faces.sources, strict=True)
    ]
    row = {int(face): number for number, face in enumerate(faces.ids)}
    ruled_out = {(row[face], person) for face, person in library.knowledge.ruled_out(faces.ids)}
    return regrouping.apart(faces.vectors, labels, np.array(named, np.int64), ruled_out)


def project(
    library: Library,
    *,
    projector: str | None = None,
    only_new: bool = False,
    progress: Progress = no_progress,
) -> MapReport:
    """Lay all faces out on a plane. Before the first map there is one by PCA at once, see Maps.

    only_new: faces that are not on the map yet are placed beside those like them; the others stay where they are.
    Raises NoPhotos, NoFaces, UnknownChoice.
    """
    from faceid_core import neighbours, projection

    started = time.monotonic()
    embedder = _embedder(library.settings)
    faces = _vectors(library, embedder.name)
    projector = projector or library.settings.projector
    progress(0, 2, "Comparing faces")
    vectors = neighbours.on_sphere(faces.vectors)
    drawn = library.maps.points(projector, embedder.name)
    there = np.isin(faces.ids, drawn.face_ids)
    if only_new and there.any():
        return _place(library, faces, vectors, drawn, there, (projector, embedder.name), started)
    if projector != "pca" and not there.any():
        library.maps.save("pca", embedder.name, faces.ids, projection.pca(vectors))
    graph = neighbours.build(vectors)
    progress(1, 2, "Drawing the map")
    points = projection.project(projector, vectors, graph)
    library.maps.save(projector, embedder.name, faces.ids, points)
    progress(2, 2, "The map is drawn")
    return MapReport(projector, len(points), time.monotonic() - started)


def _place(
    library: Library,
    faces: FaceVectors,
    vectors: Vectors,
    drawn: MapPoints,
    there: npt.NDArray[np.bool_],
    where: tuple[str, str],
    started: float,
) -> MapReport:
    """Put the faces that are not on the map onto it. where: projector and embedder of the map."""
    from faceid_core import neighbours, projection

    rows = np.searchsorted(drawn.face_ids, faces.ids[there])
    plane = np.stack([drawn.x[rows], drawn.y[rows]], axis=1)
    near = neighbours.nearest(vectors[there], vectors[~there], projection.UMAP_NEIGHBOURS)
    library.maps.add(*where, faces.ids[~there], projection.place(plane, near))
    return MapReport(where[0], len(faces.ids), time.monotonic() - started)


def train(
    library: Library,
    *,
    options: TrainOptions | None = None,
    progress: Progress = no_progress,
    on_epoch: Callable[[dict[str, float]], None] = lambda row: None,
) -> ModelView:
    """Train a recogniser from the names given so far and store it as the newest model.

    Raises NotEnoughLabels; JobCancelled from `progress`, leaving nothing behind.
    """
    from faceid_core import training
    from faceid_core.engine.dlib_format import resnet_weights
    from faceid_core.engine.weights import weights_path

    embedder = _embedder(library.settings)
    named = library.people.training_faces(embedder.name)
    trained = training.train(
        _decoded(library, named.ids),
        list(named.names),
        named.photos,
        weights=resnet_weights(weights_path("resnet")),
        strangers=_decoded(library, library.faces.with_flag(Flag.STRANGER)),
        options=options or training.TrainOptions(),
        progress=progress,
        on_epoch=on_epoch,
    )
    folder = training.save(trained, library.settings.models_folder)
    report = trained.report
    model = library.models.add(
        embedder=embedder.name,
        classes=list(report.classes),
        metrics=report.as_dict(),
        threshold=report.threshold,
        labels={name: named.names.count(name) for name in report.classes},
        artifact=folder.name,
    )
    return library.models.get(model)


def suggestions(library: Library) -> list[Suggestion]:
    """Which unnamed faces may be people that have a name, the surest first; kept until something changes."""
    return _suggestions(library, library.knowledge.stamp())


def likely_distance(library: Library) -> float:
    """The distance up to which a face is suggested as somebody."""
    from faceid_core.suggestions import LIMIT_SHARE

    return LIMIT_SHARE * _embedder(library.settings).default_threshold


@lru_cache(maxsize=4)
def _suggestions(library: Library, stamp: tuple[object, ...]) -> list[Suggestion]:
    from faceid_core import suggestions
    from faceid_core.neighbours import on_sphere

    embedder = _embedder(library.settings)
    known = library.knowledge.confirmed(embedder.name)
    if not len(known.ids):
        return []
    unnamed = library.knowledge.unnamed(embedder.name, SUGGEST_FOR)
    found = suggestions.suggest(
        unnamed.ids,
        on_sphere(unnamed.vectors),
        replace(known, vectors=on_sphere(known.vectors)),
        limit=likely_distance(library),
        groups=unnamed.groups,
        forbidden=library.knowledge.ruled_out(unnamed.ids),
    )
    return suggestions.once_a_photo(found, dict(zip(unnamed.ids.tolist(), unnamed.photos.tolist(), strict=True)))


def recogniser(library: Library) -> Recogniser:
    """The newest recogniser, loaded once per process. Raises NoModel, ModelUnusable."""
    model = library.models.latest()
    return _load_recogniser(library.settings.models_folder / model.artifact, library.settings.model_dump_json())


@lru_cache(maxsize=2)
def _load_recogniser(folder: Path, settings_json: str) -> Recogniser:
    from faceid_core.recognition import Recogniser

    return Recogniser.load(folder, settings=Settings.model_validate_json(settings_json))


@lru_cache(maxsize=2)
def _cached_embedder(settings_json: str) -> Embedder:
    return make_embedder(Settings.model_validate_json(settings_json))


def _embedder(settings: Settings) -> Embedder:
    return _cached_embedder(settings.model_dump_json())


def _vectors(library: Library, embedder: str) -> FaceVectors:
    faces = library.faces.vectors(embedder)
    if len(faces.ids):
        return faces
    counts = library.counts()
    if not counts.photos:
        raise NoPhotos("The library has no photo yet; import a folder of photos first.")
    raise NoFaces(
        f"No usable face was found in the {counts.photos} photos of the library; import photos that show people."
    )


def _decoded(library: Library, ids: Any) -> np.ndarray:
    """Aligned crops (N, 150, 150, 3) uint8 of the faces, in the order of ids."""
    crops = library.faces.crops(ids)
    if not crops:
        return np.empty((0, 150, 150, 3), np.uint8)
    return np.stack([images.decode_jpeg(crops[int(face)]) for face in ids])
