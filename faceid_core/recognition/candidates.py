"""The classifiers that a training chooses from, all made without the held-out faces."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceid_core.recognition import classic, classifier, holdout, openset
from faceid_core.recognition.classifier import Examples
from faceid_core.recognition.openset import Scored
from faceid_core.recognition.options import TrainOptions
from faceid_core.recognition.scoring import FaceSet, Scorer
from faceid_core.recognition.training_data import Labelled, Rejected, Space
from faceid_core.values import Image, Ints, Progress, Vectors

if TYPE_CHECKING:
    from faceid_core.engine.torch_net import FaceNet
    from faceid_core.recognition import fastai_fit

log = logging.getLogger(__name__)

FEATURE_BATCH = 32

AUGMENTED_CROPS = 3000
"""Augmented crops at most, over all views: about 40 s on two cores."""


@dataclass
class Candidate:
    """A classifier to choose from, with examples by the vectors of its own body."""

    kind: str
    rows: Vectors
    examples: Examples
    net: FaceNet | None = None

    def scorer(self, held: np.ndarray) -> Scorer:
        """Without the held-out faces, (N,) bool, in the cohort."""
        known, whole = ~held, self.examples
        part = replace(
            whole, vectors=whole.vectors[known], classes=whole.classes[known], groups=whole.groups[known]
        )
        return classifier.scorer_for(self.rows, part)

    def scored(self, held: np.ndarray) -> Scored:
        """What it does on held-out faces and strangers; held-out faces are impostors to everybody else, too."""
        scorer, classes = self.scorer(held), self.examples.classes[held]
        scores = scorer(self.examples.vectors[held], scorer.own_position(classes))
        return openset.against(scores, classes, np.arange(int(held.sum())), classifier.stranger_scores(scorer))


@dataclass
class Work:
    """Counts steps towards a total that is known at the start."""

    total: int
    progress: Progress
    done: int = field(default=0)

    def tick(self, message: str) -> None:
        """One step more."""
        self.done = min(self.done + 1, self.total)
        self.progress(self.done, self.total, message)


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """groups: (N,) photos that may not be torn apart; held: (N,) bool, faces to validate with."""

    groups: Ints
    held: np.ndarray


def _split(labelled: Labelled, options: TrainOptions) -> Split:
    """By photo and near-duplicate; by photo alone where all that a person has are copies of one picture."""
    groups = holdout.photo_groups(labelled.crops, labelled.classes, labelled.photos)
    held = holdout.hold_out(labelled.classes, groups, options.valid_share, options.seed)
    if not held.any():
        groups = np.unique(labelled.photos, return_inverse=True)[1].astype(np.int64)
        held = holdout.hold_out(labelled.classes, groups, options.valid_share, options.seed)
    return Split(groups, held)


def _views(faces: int, options: TrainOptions, space: Space) -> int:
    """Augmented views that the time allows; none is needed where nothing is trained."""
    if space.network is None or not options.epochs + options.upper_epochs:
        return 0
    return min(options.views, AUGMENTED_CROPS // max(faces, 1))


def work_for(faces: int, strangers: int, options: TrainOptions, space: Space, progress: Progress) -> Work:
    """The steps of a training, known at its start."""

    def batches(count: int, size: int) -> int:
        return -(-count // size)

    if options.recipe == classic.NAME:
        return Work(classic.steps(faces, faces, strangers, options.epochs), progress)
    passes = (1 + _views(faces, options, space)) * batches(faces, FEATURE_BATCH) + batches(strangers, FEATURE_BATCH)
    epochs = options.epochs + options.upper_epochs
    return Work(passes + epochs * batches(faces, options.batch_size), progress)


@dataclass
class Laboratory:
    """What candidates are made from. strangers, stranger_crops (M, …), stranger_ids (M,), rejected: as in
    TrainingData. on_cuda: whether networks are to run on an NVIDIA card, where PyTorch finds one."""

    labelled: Labelled
    strangers: FaceSet | None
    stranger_crops: Image
    stranger_ids: Ints
    rejected: Rejected | None
    options: TrainOptions
    space: Space
    work: Work
    on_cuda: bool = False

    @cached_property
    def device(self) -> str:
        """Where networks run, in PyTorch's words."""
        import torch

        if self.on_cuda and not torch.cuda.is_available():
            log.warning("PyTorch finds no NVIDIA card that it can use here, so the training runs on the CPU.")
        return "cuda" if self.on_cuda and torch.cuda.is_available() else "cpu"

    @cached_property
    def net(self) -> FaceNet:
        """The published network in PyTorch, which takes seconds to load: the imprinted classifier needs none."""
        from faceid_core.engine.torch_net import FaceNet

        if self.space.network is None:
            raise ValueError(f"no network of {self.space.name} can be trained")
        net = FaceNet(self.space.network())
        net.eval()
        net.to(self.device)
        return net

    @cached_property
    def extract(self) -> fastai_fit.FeatureExtractor:
        """Crops to features of the published network."""
        from faceid_core.recognition import fastai_fit

        tuning = self.options.upper_epochs > 0
        return fastai_fit.FeatureExtractor(self.net, self.space.is_mirrored, tuning, self.work.tick)

    @cached_property
    def plain(self) -> fastai_fit.Features:
        """Of the crops as they are."""
        import torch

        from faceid_core.recognition import fastai_fit

        vectors = self.labelled.vectors
        if vectors is None or self.options.upper_epochs:
            return self.extract(self.labelled.crops)
        return fastai_fit.Features(torch.from_numpy(vectors.copy()), None)

    @cached_property
    def strange(self) -> fastai_fit.Features:
        """Of strangers' crops."""
        return self.extract(self.stranger_crops)

    def examples(self, groups: Ints) -> Examples:
        """By vectors of the published network."""
        vectors, strangers = self.labelled.vectors, self.strangers
        if vectors is None:
            vectors = self.plain.vectors.numpy()
        if strangers is None:
            seen = self.strange.vectors.numpy() if len(self.stranger_crops) else vectors[:0]
            strangers = FaceSet.strangers(seen)
        classes, people = self.labelled.classes, len(self.labelled.names)
        return Examples(vectors, classes, groups, people, strangers, self._negatives(), self.space.scale)

    def _negatives(self) -> FaceSet:
        if self.rejected is None:
            return FaceSet.none()
        number = {name: index for index, name in enumerate(self.labelled.names)}
        at = np.array([row for row, name in enumerate(self.rejected.names) if name in number], np.int64)
        faces = self.rejected.faces[at]
        return replace(faces, classes=np.array([number[self.rejected.names[row]] for row in at], np.int64))


def compared_classic(lab: Laboratory, split: Split) -> list[classic.Classic]:
    """What the recipe classic makes of the same faces, where it is asked for. Raises TrainerMissing."""
    options = lab.options
    if options.recipe != classic.NAME or not split.held.any() or len(lab.labelled.names) < 2:
        return []
    pictures = classic.Pictures(lab.labelled.crops, lab.labelled.classes, split.held, lab.stranger_crops)
    weights = classic.weights_file(Path(options.weights) if options.weights else None)
    return [classic.fit(pictures, weights, epochs=options.epochs, seed=options.seed, tick=lab.work.tick)]


def candidates_of(
    lab: Laboratory, on_epoch: Callable[[dict[str, float]], None]
) -> tuple[list[Candidate], Split, list[dict[str, float]]]:
    """The imprinted classifier, then what training makes of it, all without the held-out faces."""
    labelled, options = lab.labelled, lab.options
    split = _split(labelled, options)
    examples, known = lab.examples(split.groups), ~split.held
    rows = openset.imprint(examples.vectors[known], labelled.classes[known], len(labelled.names))
    imprinted = Candidate("imprinted", rows, examples)
    history: list[dict[str, float]] = []
    if options.recipe in ("imprint", classic.NAME) or not split.held.any() or len(labelled.names) < 2:
        return [imprinted], split, history

    def record(row: dict[str, float]) -> None:
        history.append(row)
        on_epoch(row)

    return [imprinted, *_fitted(lab, imprinted, split.held, record)], split, history


def _fitted(
    lab: Laboratory, imprinted: Candidate, held: np.ndarray, record: Callable[[dict[str, float]], None]
) -> list[Candidate]:
    """The classifiers with a trained head and, if the recipe asks for it, a trained network."""
    from faceid_core.recognition import fastai_fit

    labelled, options = lab.labelled, lab.options
    lesson = fastai_fit.Lesson(
        labelled.classes, held, options.batch_size, options.learning_rate, options.seed, lab.work.tick, record,
        lab.device,
    )  # fmt: skip
    head = fastai_fit.CosineHead(imprinted.rows)
    record(fastai_fit.starting_point(head, lab.plain.vectors, lesson))
    views, more = [lab.plain], _views(len(labelled.crops), options, lab.space)
    if more:  # else the network need not be loaded
        views += lab.extract.views(labelled.crops, more, options.seed)
    found: list[Candidate] = []
    if options.epochs:
        fastai_fit.fit_head(head, [view.vectors for view in views], lesson, options.epochs)
        found.append(Candidate("head", fastai_fit.rows_of(head), imprinted.examples))
    if options.upper_epochs:
        found += _tuned(lab, head, views, lesson, found[-1] if found else imprinted, held)
    return found


def _tuned(
    lab: Laboratory,
    head: fastai_fit.CosineHead,
    views: list[fastai_fit.Features],
    lesson: fastai_fit.Lesson,
    before: Candidate,
    held: np.ndarray,
) -> list[Candidate]:
    """The classifier whose network's last level was trained, too, as it was after its best epoch."""
    from faceid_core.recognition import fastai_fit

    maps = [view.maps for view in views if view.maps is not None]
    best: list[Candidate] = []
    bar = open_set(before, held)

    def judge(net: FaceNet, trained: fastai_fit.CosineHead) -> bool:
        """Whether these are the best weights so far."""
        faces, others = (fastai_fit.upper_vectors(net, part) for part in (maps[0], lab.strange.maps))
        # Vectors of the published network say nothing in the space of this one.
        strangers = FaceSet.strangers(others, lab.stranger_ids)
        own = replace(before.examples, vectors=faces, strangers=strangers, negatives=FaceSet.none())
        found = Candidate("network", fastai_fit.rows_of(trained), own, copy.deepcopy(net))
        reached = open_set(found, held)
        gains = reached > bar and (not best or reached > open_set(best[0], held))
        if gains or not best:
            best[:] = [found]  # the first one at least: so that it can be compared
        return gains

    epochs, first = lab.options.upper_epochs, lab.options.epochs + 1
    fastai_fit.fit_upper(lab.net, head, maps, lesson, epochs, first, judge)
    return best


def open_set(candidate: Candidate, held: np.ndarray) -> tuple[float, float]:
    """How good it is: TPIR where 1 in 100 strangers gets a name, then the share of right names. held: (N,) bool."""
    scored = candidate.scored(held)
    right = scored.genuine.argmax(axis=1) == scored.classes
    return openset.tpir_at(scored), float(right.mean())
