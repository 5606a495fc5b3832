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

from faceid_core.embedding import require_trainable
from faceid_core.grouping import ClusterReport, Evaluation, cluster, evaluate
from faceid_core.library import FaceVectors, Library, ModelView
from faceid_core.settings import Settings
from faceid_core.stored import complete, decoded, directions, embedder_of, graph, length_of, vectors
from faceid_core.tables import Flag
from faceid_core.values import Progress, no_progress

if TYPE_CHECKING:
    from faceid_core.recognition import Recogniser
    from faceid_core.suggestions import Suggestion
    from faceid_core.training import TrainOptions


__all__ = [
    "ClusterReport",
    "Evaluation",
    "MapReport",
    "cluster",
    "evaluate",
    "likely_distance",
    "project",
    "recogniser",
    "suggestions",
    "train",
]

SUGGEST_FOR = 10_000
"""Unnamed faces that suggestions look at, the best ones first: about a second's work."""


SKETCH = "pca"
"""The projector whose map is there at once."""


@dataclass(frozen=True, slots=True)
class MapReport:
    """What a projection did."""

    projector: str
    faces: int
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def project(
    library: Library, *, projector: str | None = None, new_only: bool = False, progress: Progress = no_progress
) -> MapReport:
    """Lay all faces out on a plane. Raises NoPhotos, NoFaces, UnknownChoice.

    new_only: faces that are not on the map are placed among those that are, which stay; without a map, or when most
    faces are new, all are laid out. The first time a PCA map is stored at once, to look at until the other is done.
    """
    from faceid_core import projection

    started = time.monotonic()
    embedder = embedder_of(library.settings)
    faces = directions(vectors(library, embedder), embedder)
    projector = projector or library.settings.projector
    progress(0, 2, "Comparing faces")
    plane = _extended(library, faces, projector, embedder.name) if new_only else None
    if plane is None:
        if projector != SKETCH and not len(library.maps.points(projector).face_ids):
            library.maps.save(SKETCH, embedder.name, faces.ids, projection.pca(faces.vectors, None))
        near = graph(library, faces, embedder)
        progress(1, 2, "Drawing the map")
        plane = projection.project(projector, faces.vectors, near)
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

    Raises NotEnoughLabels, UnknownChoice; JobCancelled from `progress`, leaving nothing behind.
    """
    from faceid_core import training
    from faceid_core.engine.dlib_format import resnet_weights
    from faceid_core.engine.weights import weights_path

    embedder = embedder_of(library.settings)
    require_trainable(library.settings)
    complete(library, embedder)
    named = library.people.training_faces(embedder.name)
    trained = training.train(
        decoded(library, named.ids),
        list(named.names),
        named.photos,
        weights=resnet_weights(weights_path("resnet")),
        strangers=decoded(library, library.faces.with_flag(Flag.STRANGER)),
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
    """The distance up to which a face is surely suggested as somebody."""
    from faceid_core.suggestions import LIMIT_SHARE

    return LIMIT_SHARE * embedder_of(library.settings).default_threshold


@lru_cache(maxsize=4)
def _suggestions(library: Library, stamp: tuple[object, ...]) -> list[Suggestion]:
    from faceid_core import suggestions
    from faceid_core.neighbours import on_sphere

    embedder = embedder_of(library.settings)
    known = library.knowledge.confirmed(embedder.name)
    if not len(known.ids):
        return []
    unnamed, length = library.knowledge.unnamed(embedder.name, SUGGEST_FOR), length_of(embedder)
    refused = library.knowledge.refused(embedder.name)
    found = suggestions.suggest(
        unnamed.ids,
        on_sphere(unnamed.vectors, length),
        replace(known, vectors=on_sphere(known.vectors, length)),
        limit=likely_distance(library),
        groups=unnamed.groups,
        forbidden=library.knowledge.ruled_out(unnamed.ids),
        refused=replace(refused, vectors=on_sphere(refused.vectors, length)) if len(refused.ids) else None,
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
