"""The training step: from the names given so far to a stored recogniser."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from faceid_core.library import Library, ModelView
from faceid_core.steps.load_vectors import decoded
from faceid_core.steps.snapshot import LibrarySnapshot
from faceid_core.values import Flag, Progress, no_progress
from faceid_core.vision.embedding import require_trainable

if TYPE_CHECKING:
    from faceid_core.recognition.training import TrainOptions


def train_recogniser(
    library: Library,
    *,
    options: TrainOptions | None = None,
    progress: Progress = no_progress,
    on_epoch: Callable[[dict[str, float]], None] = lambda row: None,
) -> ModelView:
    """Train a recogniser from the names given so far and store it as the newest model.

    Raises NotEnoughLabels, UnknownChoice; JobCancelled from `progress`, leaving nothing behind.
    """
    from faceid_core.engine.dlib_format import resnet_weights
    from faceid_core.engine.weights import weights_path
    from faceid_core.recognition import training

    require_trainable(library.settings)
    snapshot = LibrarySnapshot.of(library)
    named = snapshot.training_faces
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
        embedder=snapshot.embedder.name,
        classes=list(report.classes),
        metrics=report.as_dict(),
        threshold=report.threshold,
        labels={name: named.names.count(name) for name in report.classes},
        artifact=folder.name,
    )
    return library.models.get(model)
