"""Train a recogniser from named faces: imprint a cosine classifier, train it further with fastai, keep the better.

The imprinted classifier (each person's row is the mean of the person's vectors) is hard to beat on dlib's space
(figures: tests/bench/bench_training.py). So a trained one is kept only where held-out photos clearly prefer it.
"""

from __future__ import annotations

import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceid_core.engine.graphs import CROP_PX
from faceid_core.errors import NotEnoughLabels
from faceid_core.recognition import holdout, model_files, openset
from faceid_core.recognition.openset import Calibration, Scored
from faceid_core.values import Image, Ints, Progress, TrainReport, Vectors, no_progress

if TYPE_CHECKING:
    import torch

    from faceid_core.engine.dlib_format import Array, ResNetWeights
    from faceid_core.engine.torch_net import FaceNet
    from faceid_core.recognition import fastai_fit

FEATURE_BATCH = 32

AUGMENTED_CROPS = 3000
"""Augmented crops at most, over all views: about 40 s on two cores."""

STRANGERS = 500
"""Strangers to calibrate with at most: one in a hundred of them is still five faces."""

FACES_TO_WIN = 2
"""A trained classifier must name so many more held-out faces rightly: luck with one face must decide nothing."""

STRANGERS_TO_JUDGE = 50
"""From so many strangers on TPIR at a fixed FPIR counts in the choice. Without them it would flatter the trained
classifier, which has learned to push the known people apart and has seen no stranger."""


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What to train and how long; the defaults are safe for a few faces and for thousands.

    epochs: rounds for the head. unfreeze_epochs: further ones for the network's last level as well, off by default
    because on LFW they let more strangers in. views: augmented versions of each face. valid_share: share of a
    person's photos that is held out. mirror: a vector is the mean of the face's and its mirror image's, as in
    Settings.mirror.
    """

    epochs: int = 6
    unfreeze_epochs: int = 0
    batch_size: int = 32
    learning_rate: float = 5e-4
    seed: int = 0
    min_faces_per_person: int = 2
    max_faces_per_person: int = 200
    valid_share: float = 0.25
    views: int = 3
    mirror: bool = True

    def __post_init__(self) -> None:
        counts = (self.batch_size, self.min_faces_per_person, self.max_faces_per_person)
        if min(counts) < 1 or min(self.epochs, self.unfreeze_epochs, self.views) < 0:
            raise ValueError("a training needs positive counts")
        if not (0 < self.valid_share < 1 and self.learning_rate > 0):
            raise ValueError("valid_share lies between 0 and 1, learning_rate above 0")


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A recogniser to save. kept: "imprinted", "head" (rows trained) or "network" (its last level, too)."""

    report: TrainReport
    tensors: dict[str, Array]
    calibration: Calibration
    embedder: str
    kept: str


@dataclass(frozen=True, slots=True, eq=False)
class _Labelled:
    """The faces to learn from: crops (N, 150, 150, 3), classes (N,), photos (N,), names by class."""

    crops: Image
    classes: Ints
    photos: Ints
    names: tuple[str, ...]


@dataclass
class _Candidate:
    """A classifier to choose from, with the vectors (faces, strangers) of its own body."""

    kind: str
    rows: Vectors
    faces: Vectors
    strangers: Vectors
    net: FaceNet | None = None

    def scored(self, classes: Ints, held: np.ndarray) -> Scored:
        """What it does on held-out faces and strangers; held-out faces are impostors to everybody else, too."""
        scores = openset.cosines(self.faces[held], self.rows)
        return openset.against(
            scores, classes[held], np.arange(int(held.sum())), openset.cosines(self.strangers, self.rows)
        )


@dataclass
class _Work:
    """Counts steps towards a total that is known at the start."""

    total: int
    progress: Progress
    done: int = field(default=0)

    def tick(self, message: str) -> None:
        self.done = min(self.done + 1, self.total)
        self.progress(self.done, self.total, message)


def train(
    crops: Image,
    names: list[str],
    photos: Ints,
    *,
    weights: ResNetWeights,
    strangers: Image | None = None,
    options: TrainOptions | None = None,
    progress: Progress = no_progress,
    on_epoch: Callable[[dict[str, float]], None] = lambda row: None,
) -> Trained:
    """Train on aligned crops (N, 150, 150, 3) uint8 with a name and a photo number each; the same every time.

    strangers: crops (M, 150, 150, 3) of faces of nobody named; some may be unnamed faces of the named people.
    on_epoch gets a row of TrainReport.history after each epoch, epoch 0 being the imprinted classifier.
    Raises NotEnoughLabels, and what `progress` raises (JobCancelled); nothing is written anywhere before `save`.
    """
    started = time.monotonic()
    options = options or TrainOptions()
    if crops.shape[1:] != (CROP_PX, CROP_PX, 3) or not len(crops) == len(names) == len(photos):
        raise ValueError(f"{len(names)} names and {len(photos)} photos for crops of shape {crops.shape}")
    labelled = _labelled(crops, names, photos, options)
    strangers = _some(crops[:0] if strangers is None else strangers, options.seed)
    work = _work(len(labelled.crops), len(strangers), options, progress)
    progress(0, work.total, "Preparing the training")
    candidates, split, history = _candidates(labelled, strangers, weights, options, work, on_epoch)
    kept = _choose(candidates, labelled.classes, split)
    progress(work.total, work.total, "Ready")
    return _finish(kept, candidates[0], labelled, split, options, tuple(history), started)


def save(trained: Trained, parent: Path) -> Path:
    """Write a new folder with the recogniser in `parent` and return it; it appears complete or not at all."""
    stored = model_files.StoredModel(
        trained.report.classes,
        trained.embedder,
        trained.report.threshold,
        trained.calibration,
        trained.tensors,
        {**trained.report.as_dict(), "kept": trained.kept},
    )
    return model_files.write(stored, parent)


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a training is possible, and who is in it.

    names: in alphabetical order; faces: how many are learned from; too_few: people with faces, but fewer than it
    takes; refusal: what to do first, None when it is possible.
    """

    names: tuple[str, ...]
    faces: int
    too_few: tuple[str, ...] = ()
    refusal: str | None = None


def readiness(names: Sequence[str], photos: Sequence[int] | Ints, options: TrainOptions | None = None) -> Readiness:
    """What `train` makes of named faces (N), each with the number of its photo: everybody with enough faces, as
    soon as two of them are on two photos each. One photo of a person can't be tested on another."""
    options = options or TrainOptions()
    counts, pictures = Counter(names), defaultdict(set)
    for name, photo in zip(names, photos, strict=True):
        pictures[name].add(int(photo))
    known = tuple(sorted(name for name, count in counts.items() if count >= options.min_faces_per_person))
    faces = sum(min(counts[name], options.max_faces_per_person) for name in known)
    refusal = None
    if sum(len(pictures[name]) >= 2 for name in known) < 2:
        least = max(2, options.min_faces_per_person)
        words = "two photos" if least == 2 else f"{least} faces in two or more photos"
        refusal = f"Name at least two people with {words} each, then train again."
    return Readiness(known, faces, tuple(sorted(counts.keys() - set(known))), refusal)


def _labelled(crops: Image, names: list[str], photos: Ints, options: TrainOptions) -> _Labelled:
    """The people with enough faces, in alphabetical order. Raises NotEnoughLabels."""
    ready = readiness(names, photos, options)
    if ready.refusal is not None:
        raise NotEnoughLabels(ready.refusal)
    number = {name: index for index, name in enumerate(ready.names)}
    chosen = np.array([at for at, name in enumerate(names) if name in number], np.int64)
    classes = np.array([number[names[at]] for at in chosen], np.int64)
    fewer = holdout.sampled(classes, options.max_faces_per_person, options.seed)
    chosen = chosen[fewer]
    return _Labelled(crops[chosen], classes[fewer], np.asarray(photos, np.int64)[chosen], ready.names)


def _some(strangers: Image, seed: int) -> Image:
    if len(strangers) <= STRANGERS:
        return strangers
    return strangers[np.sort(np.random.default_rng(seed).permutation(len(strangers))[:STRANGERS])]


@dataclass(frozen=True, slots=True, eq=False)
class _Split:
    """groups: (N,) photos that may not be torn apart; held: (N,) bool, faces to validate with."""

    groups: Ints
    held: np.ndarray


def _split(labelled: _Labelled, options: TrainOptions) -> _Split:
    """By photo and near-duplicate; by photo alone where all that a person has are copies of one picture."""
    groups = holdout.photo_groups(labelled.crops, labelled.classes, labelled.photos)
    held = holdout.hold_out(labelled.classes, groups, options.valid_share, options.seed)
    if not held.any():
        groups = np.unique(labelled.photos, return_inverse=True)[1].astype(np.int64)
        held = holdout.hold_out(labelled.classes, groups, options.valid_share, options.seed)
    return _Split(groups, held)


def _views(faces: int, options: TrainOptions) -> int:
    """Augmented views that the time allows; none is needed where nothing is trained."""
    if not options.epochs + options.unfreeze_epochs:
        return 0
    return min(options.views, AUGMENTED_CROPS // max(faces, 1))


def _work(faces: int, strangers: int, options: TrainOptions, progress: Progress) -> _Work:
    def batches(count: int, size: int) -> int:
        return -(-count // size)

    passes = (1 + _views(faces, options)) * batches(faces, FEATURE_BATCH) + batches(strangers, FEATURE_BATCH)
    epochs = options.epochs + options.unfreeze_epochs
    return _Work(passes + epochs * batches(faces, options.batch_size), progress)


def _candidates(
    labelled: _Labelled,
    strangers: Image,
    weights: ResNetWeights,
    options: TrainOptions,
    work: _Work,
    on_epoch: Callable[[dict[str, float]], None],
) -> tuple[list[_Candidate], _Split, list[dict[str, float]]]:
    """The imprinted classifier, then what training makes of it, all without the held-out faces."""
    from faceid_core.engine.torch_net import FaceNet
    from faceid_core.recognition import fastai_fit

    net = FaceNet(weights).eval()
    extract = fastai_fit.FeatureExtractor(net, options.mirror, options.unfreeze_epochs > 0, work.tick)
    plain, strange = extract(labelled.crops), extract(strangers)
    faces, others = plain.vectors.numpy(), strange.vectors.numpy()
    split = _split(labelled, options)
    known = ~split.held
    rows = openset.imprint(faces[known], labelled.classes[known], len(labelled.names))
    candidates, history = [_Candidate("imprinted", rows, faces, others)], []
    if not split.held.any():
        return candidates, split, []

    def record(row: dict[str, float]) -> None:
        history.append(row)
        on_epoch(row)

    lesson = fastai_fit.Lesson(
        labelled.classes, split.held, options.batch_size, options.learning_rate, options.seed, work.tick, record
    )
    head = fastai_fit.CosineHead(rows)
    record(fastai_fit.starting_point(head, plain.vectors, lesson))
    views = [plain, *extract.views(labelled.crops, _views(len(faces), options), options.seed)]
    if options.epochs:
        fastai_fit.fit_head(head, [view.vectors for view in views], lesson, options.epochs)
        candidates.append(_Candidate("head", fastai_fit.rows_of(head), faces, others))
    if options.unfreeze_epochs:
        candidates.append(_tuned(net, head, views, strange.maps, lesson, options))
    return candidates, split, history


def _tuned(
    net: FaceNet,
    head: fastai_fit.CosineHead,
    views: list[fastai_fit.Features],
    strangers: torch.Tensor | None,
    lesson: fastai_fit.Lesson,
    options: TrainOptions,
) -> _Candidate:
    """The classifier whose network's last level was trained, too."""
    from faceid_core.recognition import fastai_fit

    maps = [view.maps for view in views if view.maps is not None]
    tuned, head = fastai_fit.fit_upper(net, head, maps, lesson, options.unfreeze_epochs, options.epochs + 1)
    faces, others = fastai_fit.upper_vectors(tuned, maps[0]), fastai_fit.upper_vectors(tuned, strangers)
    return _Candidate("network", fastai_fit.rows_of(head), faces, others, tuned)


def _choose(candidates: list[_Candidate], classes: Ints, split: _Split) -> _Candidate:
    """The imprinted classifier unless a trained one is clearly better on held-out photos and nowhere worse."""
    best, *others = candidates
    for candidate in others:
        if _better(candidate.scored(classes, split.held), best.scored(classes, split.held), len(best.strangers)):
            best = candidate
    return best


def _better(new: Scored, old: Scored, strangers: int) -> bool:
    """More faces right, or more above the threshold that strangers demand; and not fewer of the other."""
    calibration = Calibration(openset.DEFAULT_SLOPE, 0.0)
    count = len(new.classes)
    right = round(count * (openset.rates(new, calibration).accuracy - openset.rates(old, calibration).accuracy))
    found = round(count * (openset.tpir_at(new) - openset.tpir_at(old)))
    gained = right >= FACES_TO_WIN or (found >= FACES_TO_WIN and strangers >= STRANGERS_TO_JUDGE)
    return gained and right >= 0 and found >= 0


def _finish(
    kept: _Candidate,
    imprinted: _Candidate,
    labelled: _Labelled,
    split: _Split,
    options: TrainOptions,
    history: tuple[dict[str, float], ...],
    started: float,
) -> Trained:
    classes, people = labelled.classes, len(labelled.names)
    if kept is imprinted:
        # Nothing was tuned on the held-out faces, so the rows may use them; leaving out one photo after the other
        # measures with all faces instead of a quarter.
        rows = openset.imprint(kept.faces, classes, people)
        scored = openset.leave_one_out(kept.faces, classes, split.groups, kept.strangers, people)
        calibration, learned = openset.calibrate(scored, people), len(classes)
    else:
        rows, learned = kept.rows, int((~split.held).sum())
        scored = kept.scored(classes, split.held)
        calibration = _calibrated_like(scored, imprinted.scored(classes, split.held), people)
    rates = openset.rates(scored, calibration)
    report = TrainReport(
        classes=labelled.names,
        train_faces=learned,
        valid_faces=len(scored.classes),
        accuracy=rates.accuracy,
        threshold=openset.OPERATING_POINT,
        tpir=rates.tpir,
        fpir=rates.fpir,
        seconds=time.monotonic() - started,
        history=history if all(math.isfinite(v) for row in history for v in row.values()) else (),
    )
    embedder = "dlib-resnet+mirror" if options.mirror else "dlib-resnet"
    return Trained(report, {"rows": rows, **_body(kept)}, calibration, embedder, kept.kind)


def _calibrated_like(scored: Scored, imprinted: Scored, people: int) -> Calibration:
    """Calibrate on the imprinted classifier's scale, where the defaults hold, and carry the result back."""
    placed, factor, offset = openset.placed_like(scored, imprinted)
    calibration = openset.calibrate(placed, people)
    return Calibration(calibration.slope * factor, (calibration.threshold_cosine - offset) / factor)


def _body(kept: _Candidate) -> dict[str, Array]:
    if kept.net is None:
        return {}
    from faceid_core.engine.torch_net import to_resnet_weights

    return model_files.body_tensors(to_resnet_weights(kept.net))
