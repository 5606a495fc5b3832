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
from faceid_core.errors import NoFaces, NoPhotos, NotEnoughLabels
from faceid_core.library import FaceVectors, Library, ModelView
from faceid_core.settings import Settings
from faceid_core.tables import Flag, LabelSource
from faceid_core.values import Ints, Progress, no_progress

if TYPE_CHECKING:
    from faceid_core.evaluation import Scores
    from faceid_core.recognition import Recogniser
    from faceid_core.suggestions import Suggestion
    from faceid_core.training import TrainOptions


SUGGEST_FOR = 10_000
"""Unnamed faces that suggestions look at, the best ones first: about a second's work."""


LAST_FACE = "last_face"
"""The parameter of a grouping that tells the newest face it saw."""

SKETCH = "pca"
"""The projector whose map is there at once."""

EMBED_AT_ONCE = 512
"""Crops that are embedded and stored in one step when the embedder has changed."""


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
    strictness: float = 0.0,
    preview: bool = False,
    new_only: bool = False,
    progress: Progress = no_progress,
) -> ClusterReport:
    """Group all faces anew. People, labels and flags stay as they are, and no group holds two named people.

    threshold: a Euclidean distance, else by strictness. preview: only tell what would change. new_only: only faces
    that came after the latest grouping join it or make groups; without one, or when most are new, all are grouped.
    Raises NoPhotos, NoFaces, UnknownChoice.
    """
    started = time.monotonic()
    embedder = _embedder(library.settings)
    faces = _vectors(library, embedder)
    progress(0, 2, "Comparing faces")
    before = library.clusters.numbers(faces.ids)
    joined = _joined(library, faces, before, embedder.name) if new_only else None
    if joined is None:
        algorithm, threshold, labels = _grouped(library.settings, faces, algorithm, threshold, strictness)
        numbers = regrouping.numbered(before, _as_people_say(library, faces, labels))
    else:
        algorithm, threshold, numbers = joined
    progress(1, 2, "Storing the groups")
    changed, grouped = regrouping.changes(before, numbers), int((numbers > 0).sum())
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
    )


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
        return asdict(self)


def evaluate(library: Library, *, algorithm: str | None = None, threshold: float | None = None) -> Evaluation:
    """Group all faces as if nobody had a name, and compare the groups with the names that people gave.

    Names that the recogniser gave don't count. Nothing is stored. Raises NoPhotos, NoFaces, UnknownChoice,
    NotEnoughLabels.
    """
    from faceid_core import evaluation

    faces = _vectors(library, _embedder(library.settings))
    truth = _given_names(faces)
    named = np.flatnonzero(truth != "")
    people = len(np.unique(truth[named]))
    if people < 2:
        raise NotEnoughLabels(
            "Name the faces of at least two people first; then the groups can be compared with them."
        )
    algorithm, threshold, labels = _grouped(library.settings, faces, algorithm, threshold)
    of_named, names = labels[named], truth[named]
    return Evaluation(
        algorithm=algorithm,
        threshold=threshold,
        faces=len(named),
        people=people,
        pairwise=evaluation.pairwise(of_named, names),
        bcubed=evaluation.bcubed(of_named, names),
        purity=evaluation.purity(of_named, names),
        acts=evaluation.naming_acts(of_named, names),
    )


def _given_names(faces: FaceVectors) -> npt.NDArray[np.str_]:
    """The name (N,) that a person gave to each face, "" for none."""
    pairs = zip(faces.people, faces.sources, strict=True)
    return np.array([name if name and source != LabelSource.MODEL.value else "" for name, source in pairs], np.str_)


def _grouped(
    settings: Settings,
    faces: FaceVectors,
    algorithm: str | None,
    threshold: float | None,
    strictness: float = 0.0,
) -> tuple[str, float, Ints]:
    """The clusterer and threshold that count, and their labels (N,), -1 for none. Raises UnknownChoice."""
    from faceid_core import clustering
    from faceid_core import strictness as places

    algorithm = algorithm or settings.clusterer
    if threshold is None:
        threshold = places.threshold(strictness, algorithm, _embedder(settings).name)
    about = {"photos": faces.photos, "quality": faces.quality}
    labels = clustering.cluster(algorithm, faces.vectors, threshold=threshold, **about)
    return algorithm, threshold, labels


def _joined(library: Library, faces: FaceVectors, before: Ints, embedder: str) -> tuple[str, float, Ints] | None:
    """The latest grouping's clusterer, its threshold and the numbers (N,) once new faces have joined; None where
    all faces must be grouped."""
    from faceid_core import joining

    run = library.clusters.current()
    if run is None or run.embedder != embedder or LAST_FACE not in run.parameters:
        return None
    new = np.flatnonzero((faces.ids > run.parameters[LAST_FACE]) & (before == 0))
    if 2 * len(new) > len(faces.ids):
        return None
    people, ruled_out = _said(library, faces)
    everybody = joining.Faces(faces.vectors, faces.photos, faces.quality, before, people, ruled_out)
    threshold = float(run.parameters["threshold"])
    return run.algorithm, threshold, joining.join(everybody, new, algorithm=run.algorithm, limit=threshold)


def _said(library: Library, faces: FaceVectors) -> tuple[Ints, set[tuple[int, int]]]:
    """What people said: who each face is (N,), -1 for nobody, and (row, person) that is not so."""
    by_name = {person.name: person.id for person in library.people.all()}
    named = [by_name.get(name, -1) for name in _given_names(faces)]
    row = {int(face): number for number, face in enumerate(faces.ids)}
    ruled_out = {(row[face], person) for face, person in library.knowledge.ruled_out(faces.ids)}
    return np.array(named, np.int64), ruled_out


def _as_people_say(library: Library, faces: FaceVectors, labels: Ints) -> Ints:
    """The groups with named people kept apart. What a model guessed keeps nobody apart."""
    return regrouping.apart(faces.vectors, labels, *_said(library, faces))


def project(
    library: Library, *, projector: str | None = None, new_only: bool = False, progress: Progress = no_progress
) -> MapReport:
    """Lay all faces out on a plane. Raises NoPhotos, NoFaces, UnknownChoice.

    new_only: faces that are not on the map are placed among those that are, which stay; without a map, or when most
    faces are new, all are laid out. The first time a PCA map is stored at once, to look at until the other is done.
    """
    from faceid_core import neighbours, projection

    started = time.monotonic()
    embedder = _embedder(library.settings)
    faces = _vectors(library, embedder)
    projector = projector or library.settings.projector
    progress(0, 2, "Comparing faces")
    plane = _extended(library, faces, projector, embedder.name) if new_only else None
    if plane is None:
        if projector != SKETCH and not len(library.maps.points(projector).face_ids):
            library.maps.save(SKETCH, embedder.name, faces.ids, projection.pca(faces.vectors, None))
        graph = neighbours.build(faces.vectors)
        progress(1, 2, "Drawing the map")
        plane = projection.project(projector, faces.vectors, graph)
    library.maps.save(projector, embedder.name, faces.ids, plane)
    progress(2, 2, "The map is drawn")
    return MapReport(projector, len(plane), time.monotonic() - started)


def _extended(
    library: Library, faces: FaceVectors, projector: str, embedder: str
) -> npt.NDArray[np.float32] | None:
    """The stored map (N, 2) with the new faces on it; None where all faces must be laid out."""
    from faceid_core import projection

    points = library.maps.points(projector, embedder)
    on_map = np.isin(faces.ids, points.face_ids)
    if 2 * on_map.sum() <= len(faces.ids):
        return None
    known = np.isin(points.face_ids, faces.ids)
    return projection.place(faces.vectors, on_map, np.stack([points.x, points.y], axis=1)[known])


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
    _complete(library, embedder)
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


def _vectors(library: Library, embedder: Embedder) -> FaceVectors:
    """All faces, their vectors made equally long."""
    from faceid_core.neighbours import on_sphere

    _complete(library, embedder)
    faces = library.faces.vectors(embedder.name)
    if len(faces.ids):
        return replace(faces, vectors=on_sphere(faces.vectors))
    counts = library.counts()
    if not counts.photos:
        raise NoPhotos("The library has no photo yet; import a folder of photos first.")
    raise NoFaces(
        f"No usable face was found in the {counts.photos} photos of the library; import photos that show people."
    )


def _complete(library: Library, embedder: Embedder) -> None:
    """Embed the crops that another embedder was used for when they were imported."""
    missing = library.faces.missing_vectors(embedder.name)
    for start in range(0, len(missing), EMBED_AT_ONCE):
        ids = missing[start : start + EMBED_AT_ONCE]
        library.faces.add_vectors(embedder.name, ids, embedder.embed(_decoded(library, ids)))


def _decoded(library: Library, ids: Any) -> np.ndarray:
    """Aligned crops (N, 150, 150, 3) uint8 of the faces, in the order of ids."""
    crops = library.faces.crops(ids)
    if not crops:
        return np.empty((0, 150, 150, 3), np.uint8)
    return np.stack([images.decode_jpeg(crops[int(face)]) for face in ids])
