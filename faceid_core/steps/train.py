"""The training step: from the names given so far to a stored recogniser."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceid_core.errors import FaceIdError, NotEnoughLabels, TrainerMissing, UnknownChoice
from faceid_core.library import Library, ModelView, NamedFaces
from faceid_core.steps.load_vectors import decoded
from faceid_core.steps.snapshot import LibrarySnapshot, measured_same_person
from faceid_core.values import Ints, Progress, Role, no_progress
from faceid_core.vision.embedding import EMBEDDERS, name_of

if TYPE_CHECKING:
    from faceid_core.recognition.scoring import FaceSet
    from faceid_core.recognition.training import Readiness, Rejected, Space, Trained, TrainingData, TrainOptions
    from faceid_core.settings import Settings

MANY_CHANGED, SHARE_CHANGED = 5, 0.05
"""Changed faces, and their share of those learned from, that make another training worthwhile."""

CANDIDATES = 2
"""Faces read per place in the cohort, as some are too near to others or to somebody known."""


def readiness(library: Library, options: TrainOptions | None = None) -> Readiness:
    """Whether `train_recogniser` can train now, and who would be in it. Loads no network."""
    own = None if _is_ours(library.settings) else name_of(library.settings)  # ours can embed any stored crop
    return _checked(library, library.people.training_faces(own), options)


@dataclass(frozen=True, slots=True)
class Since:
    """What changed in the names since a recogniser was trained.

    new_people: who now has a face and is not in it; faces: the least number of faces with a new name, or no name
    any more; learned: how many it learned from.
    """

    new_people: tuple[str, ...]
    faces: int
    learned: int

    @property
    def is_nothing(self) -> bool:
        """Whether another training would learn the same."""
        return not self.new_people and not self.faces

    @property
    def is_much(self) -> bool:
        """Whether it is worth training again."""
        return bool(self.new_people) or self.faces >= max(MANY_CHANGED, SHARE_CHANGED * self.learned)


def changed_since(library: Library, model: ModelView) -> Since:
    """What changed since this recogniser was trained, by each person's number of faces then and now."""
    then, now = Counter(model.labels), Counter(library.people.training_faces().names)
    more, fewer = (now - then).total(), (then - now).total()
    return Since(tuple(sorted(now.keys() - set(model.classes))), max(more, fewer), then.total())


def require_trainer(settings: Settings, options: TrainOptions) -> None:
    """Raises TrainerMissing; UnknownChoice if a custom model would have to be trained further."""
    from faceid_core.recognition import classic
    from faceid_core.recognition.training import NO_TRAINER

    if options.upper_epochs and not _is_ours(settings):
        raise UnknownChoice(
            f"Only dlib's network can be trained further, not {settings.embedder}; choose the recipe best, imprint "
            "or head."
        )
    if not options.is_possible:
        raise TrainerMissing(NO_TRAINER)
    if options.recipe == classic.NAME:
        classic.weights_file(Path(options.weights) if options.weights else None)


def _is_ours(settings: Settings) -> bool:
    """Whether the embedder comes with faceid, so that it can embed crops and be trained further."""
    return settings.embedder in EMBEDDERS


def _checked(library: Library, named: NamedFaces, options: TrainOptions | None) -> Readiness:
    from faceid_core.recognition import training

    ready = training.readiness(named.names, named.photos, options)
    try:
        require_trainer(library.settings, options or training.TrainOptions())
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

    Raises NotAllowed for all but owners, NotEnoughLabels, UnknownChoice, TrainerMissing; ErasedMeanwhile if
    somebody was erased while it ran; JobCancelled from `progress`. In all these cases it leaves nothing behind.
    """
    from faceid_core.recognition import training

    library.actor.require(Role.OWNER)  # now, not after minutes of work
    options = options or training.TrainOptions()
    require_trainer(library.settings, options)
    snapshot = LibrarySnapshot.of(library)
    if (refusal := _checked(library, snapshot.training_faces, options).refusal) is not None:
        raise NotEnoughLabels(refusal)  # before any crop is decoded
    return _stored(snapshot, _trained(snapshot, options, progress, on_epoch))


def _trained(
    snapshot: LibrarySnapshot,
    options: TrainOptions,
    progress: Progress,
    on_epoch: Callable[[dict[str, float]], None],
) -> Trained:
    from faceid_core.recognition import training

    return training.train(
        _data(snapshot, options),
        options=options,
        space=_space(snapshot),
        on_cuda="CUDAExecutionProvider" in snapshot.library.settings.providers,
        progress=progress,
        on_epoch=on_epoch,
    )


def _data(snapshot: LibrarySnapshot, options: TrainOptions) -> TrainingData:
    from faceid_core.recognition.training import TrainingData

    library, named, embedder = snapshot.library, snapshot.training_faces, snapshot.embedder.name
    unknown = _unknown(library, embedder, options)
    return TrainingData(
        decoded(library, named.ids),
        named.names,
        named.photos,
        faces=named.ids,
        vectors=library.gallery.vectors_of(named.ids, embedder),
        strangers=_strangers(library, embedder),
        stranger_crops=decoded(library, unknown),
        stranger_ids=unknown,
        rejected=_rejected(library, named, embedder),
    )


def _stored(snapshot: LibrarySnapshot, trained: Trained) -> ModelView:
    """Its files and its row, or neither."""
    from faceid_core.recognition import model_files

    library, named, report = snapshot.library, snapshot.training_faces, trained.report
    folder = model_files.write(trained.model, library.settings.models_folder)
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


def _space(snapshot: LibrarySnapshot) -> Space:
    from faceid_core.cosine_scale import CosineScale
    from faceid_core.recognition.training import Space

    if _is_ours(snapshot.library.settings):
        return Space(snapshot.embedder.name)
    return Space(snapshot.embedder.name, CosineScale.of(measured_same_person(snapshot)), network=None)


def _strangers(library: Library, embedder: str) -> FaceSet:
    from faceid_core.recognition.scoring import COHORT_LIMIT, FaceSet

    found = library.gallery.strangers(embedder, CANDIDATES * COHORT_LIMIT)
    return FaceSet.strangers(found.vectors, found.ids) if len(found.ids) else FaceSet.none()


def _rejected(library: Library, named: NamedFaces, embedder: str) -> Rejected:
    """Faces rejected as “not Ada”, if Ada has faces."""
    from faceid_core.recognition.scoring import FaceSet
    from faceid_core.recognition.training import Rejected

    names = dict(zip(named.people.tolist(), named.names, strict=True))
    found = library.gallery.negatives(embedder)
    kept = np.array([person in names for person in found.people.tolist()], bool)
    faces = FaceSet.strangers(found.vectors[kept], found.ids[kept]) if kept.any() else FaceSet.none()
    return Rejected(faces, [names[person] for person in found.people[kept].tolist()])


def _unknown(library: Library, embedder: str, options: TrainOptions) -> Ints:
    """Unnamed faces whose pictures a network sees that is trained further; other training needs their vectors
    only."""
    from faceid_core.recognition.classic import NAME
    from faceid_core.recognition.training_data import STRANGER_CROPS

    if not (options.upper_epochs or options.recipe == NAME):
        return np.empty(0, np.int64)
    return library.gallery.strangers(embedder, STRANGER_CROPS).ids
