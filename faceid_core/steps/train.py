"""The training step: from the names given so far to a stored recogniser."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from faceid_core.errors import FaceIdError, NotEnoughLabels
from faceid_core.library import Library, ModelView, NamedFaces
from faceid_core.steps.load_vectors import decoded
from faceid_core.steps.snapshot import LibrarySnapshot
from faceid_core.values import Flag, Progress, Role, no_progress
from faceid_core.vision.embedding import require_trainable

if TYPE_CHECKING:
    from faceid_core.recognition.training import Readiness, TrainOptions


def readiness(library: Library, options: TrainOptions | None = None) -> Readiness:
    """Whether `train_recogniser` can train now, and who would be in it. Loads no network."""
    return _checked(library, library.people.training_faces(), options)


def _checked(library: Library, named: NamedFaces, options: TrainOptions | None) -> Readiness:
    from faceid_core.recognition import training

    ready = training.readiness(named.names, named.photos, options)
    try:
        require_trainable(library.settings)
    except FaceIdError as error:
        return replace(ready, refusal=str(error))
    return ready


def train_recogniser(
    library: Library,
    *,
    options: TrainOptions | None = None,
    progress: Progress = no_progress,
    on_epoch: Callable[[dict[str, float]], None] = lambda row: None,
) -> ModelView:
    """Train a recogniser from the names given so far and store it as the newest model.

    Raises NotAllowed for all but owners, NotEnoughLabels, UnknownChoice; ErasedMeanwhile where somebody was erased
    while it ran; JobCancelled from `progress`. Then it leaves nothing behind.
    """
    from faceid_core.engine.dlib_format import resnet_weights
    from faceid_core.engine.weights import weights_path
    from faceid_core.recognition import training

    library.actor.require(Role.OWNER)  # now, not after minutes of work
    require_trainable(library.settings)
    snapshot = LibrarySnapshot.of(library)
    named = snapshot.training_faces
    if (refusal := _checked(library, named, options).refusal) is not None:
        raise NotEnoughLabels(refusal)  # before any crop is decoded
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
    try:
        model = library.models.add(
            embedder=snapshot.embedder.name,
            classes=list(report.classes),
            metrics=report.as_dict(),
            threshold=report.threshold,
            labels={name: named.names.count(name) for name in report.classes},
            artifact=folder.name,
            learned=named,
        )
    except FaceIdError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return library.models.get(model)
